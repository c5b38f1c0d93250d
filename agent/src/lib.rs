//! The agent: follows the log files of a host and ships every line to the collector exactly once.
//!
//! ```text
//! directories ─► watch ─(hints)─► mailbox ─► worker ─► tail ─► record ─► batch ─► ship ─► collector
//!                discover ─(scans, the truth)──────────▲ │ ▲                        │
//!                                          checkpoint ◄──┘ └──── mailbox ◄─(answer)─┘
//! ```
//!
//! Two threads: the worker owns everything that touches a disk, the other one runs the network. Between them go
//! one batch at a time and its answer. The log file is the queue: while a batch is on its way at most two more
//! are kept in memory, and reading stops. Inputs that can't be read again ([`inputs`]) run beside the network and make
//! files of what they receive ([`spool`]), on the runtime's pool of blocking threads.
//!
//! | module | what it does |
//! |---|---|
//! | [`app`] | puts the parts together, runs them, ends them in order |
//! | [`config`], [`enroll`], [`state_dir`] | `agent.toml`; how an agent gets its certificate; its private directory |
//! | [`discover`], [`glob`], [`watch`] | which files there are, and when to look again |
//! | [`tail`] | identity of files, rotation, truncation, copies; bytes to lines. The heart |
//! | [`inputs`], [`spool`] | syslog, journald, standard input: received, and made files of |
//! | [`record`], [`batch`], [`zone`] | lines to records to requests |
//! | [`process`] | what is dropped, masked, renamed, set on the way |
//! | [`metadata`] | what the host and the path of a file say of all its lines |
//! | [`checkpoint`] | positions, on disk |
//! | [`ship`], [`certificate`] | TLS, HTTP/2, repetition; when the certificate ends |
//! | [`worker`], [`mailbox`], [`time`], [`random`] | the loop, and how others reach it; clocks and chance |
//! | [`metrics`], [`status`], [`dead_letters`] | what was done, left out, refused |
//! | [`import`], [`progress`] | reads files once; how far it is |
//! | [`serve`], [`reload`] | who asks is answered; a changed `agent.toml` is taken over |
//! | [`limits`] | every bound |

pub mod app;
pub mod batch;
pub mod certificate;
pub mod checkpoint;
pub mod config;
pub mod dead_letters;
pub mod discover;
pub mod enroll;
pub mod glob;
pub mod import;
pub mod inputs;
pub mod limits;
pub mod mailbox;
pub mod metadata;
pub mod metrics;
pub mod process;
pub mod progress;
pub mod random;
pub mod record;
pub mod reload;
pub mod serve;
pub mod ship;
pub mod spool;
pub mod state_dir;
pub mod status;
pub mod tail;
pub mod time;
pub mod watch;
pub mod worker;
pub mod zone;
