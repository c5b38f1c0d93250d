//! The formats, one file each; `crate::format` has the list of them.

pub(crate) mod access;
pub(crate) mod apache_error;
pub(crate) mod cri;
pub(crate) mod docker;
mod http;
pub(crate) mod journald;
pub(crate) mod json;
pub(crate) mod klog;
pub(crate) mod logfmt;
pub(crate) mod nginx_error;
pub(crate) mod raw;
pub(crate) mod syslog;
pub(crate) mod text;

#[cfg(test)]
pub(crate) mod testing;
