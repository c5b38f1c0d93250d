//! The maxima that both sides hold, each with its unit and reason. A body over one of these is
//! refused whole (413) or, where it says so, cut and counted.

/// Longest line or message in bytes; the agent cuts longer ones and says so in the event.
/// A stack trace of a deep Java application is some 100 KiB.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Largest request body as sent, in bytes. An agent's batch is about 1 MiB before compression.
pub const BODY_BYTES_MAX: usize = 16 << 20;

/// Largest request body after decompression, in bytes. Text logs compress 5 to 20 times, so this
/// bounds the memory of one request and stops a compression bomb early.
pub const BODY_DECODED_BYTES_MAX: usize = 64 << 20;

/// Most text of one batch in memory, in bytes: a whole body, and room for what grows when it is kept
/// (bytes as base64, escaped JSON). A batch at this bound takes no more documents.
pub const BATCH_TEXT_BYTES_MAX: usize = 2 * BODY_DECODED_BYTES_MAX;

/// Most fields of all documents of one batch: some 100 MB in memory. Attributes that all documents of a
/// request share count for each.
pub const BATCH_FIELDS_MAX: usize = 4_000_000;

/// Most documents in one request.
pub const BATCH_DOCUMENTS_MAX: usize = 200_000;

/// Most fields of one document; the rest is kept as text in one field and counted.
pub const DOCUMENT_FIELDS_MAX: usize = 10_000;

/// Longest field name in bytes; a longer one is cut and counted.
pub const NAME_BYTES_MAX: usize = 512;

/// Deepest nesting of objects and arrays that is flattened; what lies deeper stays JSON text.
pub const NESTING_MAX: usize = 64;

/// Longest stream state that an agent may attach, in bytes (see [`crate::position`]).
pub const STREAM_STATE_BYTES_MAX: usize = 4 << 10;
