//! The well-known field names, shared by Elastic's ECS and OpenTelemetry's semantic conventions
//! where the two agree. One constant a name, so that a spelling exists once.

/// Event time. Never a field of a [`Batch`](crate::batch::Batch): it is the document's timestamp.
pub const TIMESTAMP: &str = "@timestamp";
/// The text of the line or record (OpenTelemetry: body).
pub const MESSAGE: &str = "message";
/// One of the names of [`Level`](crate::level::Level).
pub const LEVEL: &str = "log.level";
/// The level as the source wrote it, kept when it differs from the normalised one.
pub const SEVERITY_TEXT: &str = "severity_text";
/// The raw line, kept when message and fields can't rebuild it. Not searched by bare words.
pub const ORIGINAL: &str = "event.original";
/// Path of the file that a line was read from, as the agent sees it.
pub const FILE_PATH: &str = "log.file.path";
/// The service that wrote the record.
pub const SERVICE_NAME: &str = "service.name";
/// The host that the record comes from.
pub const HOST_NAME: &str = "host.name";
/// Identity of the shipping agent, stamped by the collector from the client certificate.
pub const AGENT_ID: &str = "agent.id";
/// Trace id, lower-case hex.
pub const TRACE_ID: &str = "trace.id";
/// Span id, lower-case hex.
pub const SPAN_ID: &str = "span.id";
/// Identity of a document in results: never stored as a field.
pub const ID: &str = "_id";

/// Names under which senders write a level, in the order in which one is believed.
pub const LEVEL_SOURCES: [&str; 4] = [LEVEL, "level", "severity", SEVERITY_TEXT];
