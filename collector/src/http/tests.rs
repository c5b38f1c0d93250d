//! Drives the router.
