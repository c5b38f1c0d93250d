//! What both programs must agree on: the event model, the OTLP encoding with stream positions, and
//! the identity of an agent.
//!
//! This crate does no network or disk I/O and reads no clock: TLS configurations are built here from
//! bytes that the caller read, and connections are made by the callers.
//!
//! | module | what it fixes |
//! |---|---|
//! | [`batch`] | documents as the collector holds them: flat dotted names, typed values, one arena |
//! | [`level`] | the six levels and every spelling that means one of them |
//! | [`names`] | the well-known field names |
//! | [`position`] | streams, positions in them, and what an agent remembers of one |
//! | [`otlp`] | `ExportLogsServiceRequest`, written and read without copies |
//! | [`compression`] | bounded gzip and zstd of bodies |
//! | [`identity`] | agent ids, the URI SAN that carries one, join tokens |
//! | [`tls`] | rustls configurations of both sides: TLS 1.3, client certificates, `ring` |
//! | [`limits`] | the maxima that both sides hold |

pub mod batch;
pub mod compression;
pub mod identity;
pub mod level;
pub mod limits;
pub mod names;
pub mod otlp;
pub mod position;
pub mod tls;
pub mod token;
