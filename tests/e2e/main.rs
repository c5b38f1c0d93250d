//! End-to-end tests: both programs as processes, real files, real sockets, real signals. One module a
//! promise. The programs must be built before (`make test` does).

mod agent_tells;
mod api_fuzz;
mod api_reference;
mod archives;
mod certificates;
mod check;
mod client;
mod client_exports;
mod client_login;
mod client_tail;
mod collectors;
mod disk_full;
mod exactly_once;
mod faults;
mod front_door;
mod identity;
mod ingest_api;
mod inputs;
mod kills;
mod lifecycle;
mod multiline;
mod processing;
mod retention;
mod sql;
mod syslog;
