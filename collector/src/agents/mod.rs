//! The agents' port: TLS 1.3 with client certificates, and on a connection of its own protocol name,
//! enrolment. Nobody else gets past the handshake.
//!
//! `listener` accepts, `peer` finds out who it is and whether they were revoked, `routes` answers requests, `enroll`
//! lets agents in and renews their certificates, `seen` knows who was here last and whose certificate ends soon, `body`
//! reads what they send within bounds, `problem` says what went wrong.
//!
//! | request | from | answer |
//! |---|---|---|
//! | `POST /v1/logs` | agents | 200 once the batch is durable (OTLP, protobuf) |
//! | `GET /v1/positions` | agents | durable positions of all the agent's streams, NDJSON |
//! | `POST /v1/renew` | agents | another certificate for the same id, JSON |
//! | `POST /v1/enroll` | holders of a join token | a certificate, JSON |

mod body;
mod enroll;
mod listener;
mod peer;
mod problem;
mod routes;
mod seen;
#[cfg(test)]
mod tests;

pub use self::enroll::Enrollment;
pub use self::listener::{PortTls, serve};
pub use self::routes::Routes;
pub use self::seen::{Seen, Shown};
