//! The agents' port: TLS 1.3 with client certificates, and on a connection of its own protocol name,
//! enrolment. Nobody else gets past the handshake.
//!
//! `listener` accepts and finds out who it is, `routes` answers requests, `enroll` lets agents in,
//! `expiry` knows whose certificate ends soon, `body` reads what they send within bounds, `problem` says what went wrong.
//!
//! | request | from | answer |
//! |---|---|---|
//! | `POST /v1/logs` | agents | 200 once the batch is durable (OTLP, protobuf) |
//! | `GET /v1/positions` | agents | durable positions of all the agent's streams, NDJSON |
//! | `POST /v1/enroll` | holders of a join token | a certificate, JSON |

mod body;
mod enroll;
mod expiry;
mod listener;
mod problem;
mod routes;
#[cfg(test)]
mod tests;

pub use self::enroll::Enrollment;
pub use self::expiry::Expiries;
pub use self::listener::{PortTls, serve};
pub use self::routes::Routes;
