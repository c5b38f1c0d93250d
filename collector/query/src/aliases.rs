//! Short names that people type for the well-known fields, and the fields with a meaning of their own.

/// The time of a document. Conditions on it become [`Filter::Time`](crate::Filter::Time).
pub const TIMESTAMP: &str = "@timestamp";

/// The level of a document, normalised. Conditions on it compare levels.
pub const LEVEL: &str = "log.level";

/// The name that OpenTelemetry has for the text of a level: a field of its own, of which the level may be taken.
pub(crate) const SEVERITY_TEXT: &str = "severity_text";

/// The text of a document.
pub const MESSAGE: &str = "message";

/// Alias and canonical name. Only names that can't surprise: `status` stays a field of its own.
const ALIASES: [(&str, &str); 12] = [
    ("_time", TIMESTAMP),
    ("level", LEVEL),
    ("severity", LEVEL),
    ("msg", MESSAGE),
    ("_msg", MESSAGE),
    ("_raw", MESSAGE),
    ("service", "service.name"),
    ("host", "host.name"),
    ("hostname", "host.name"),
    ("path", "log.file.path"),
    ("trace_id", "trace.id"),
    ("span_id", "span.id"),
];

/// The name under which a field is stored: the target of an alias, or the name itself.
#[must_use]
pub fn canonical(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, canonical)| canonical)
}

/// Every field that a name in a query may mean, the likeliest first: the target of an alias, and the name itself if
/// documents may have it. The `@` that Datadog writes before attributes may be left out.
#[must_use]
pub fn readings(name: &str) -> Vec<&str> {
    let bare = if name == TIMESTAMP { name } else { name.strip_prefix('@').unwrap_or(name) };
    let mut readings = vec![canonical(bare)];
    if may_be_a_field(bare) {
        readings.extend([bare, name]);
    }
    readings.dedup();
    readings
}

/// Every alias with its canonical name, for completion.
#[must_use]
pub fn all() -> &'static [(&'static str, &'static str)] {
    &ALIASES
}

/// True when a document may carry the alias as a field of its own, beside or in place of the canonical one:
/// a script that sends `{"host": "web-01"}` must find it with `host=web-01`. Time and level are not among
/// these, since every document has one normalised time and level.
#[must_use]
pub fn may_be_a_field(alias: &str) -> bool {
    !matches!(canonical(alias), TIMESTAMP | LEVEL)
}

/// False for the fields that a bare word does not look into: the raw line (it repeats the message), the time,
/// and the id that the collector made itself.
#[must_use]
pub fn searched_by_bare_words(name: &str) -> bool {
    !matches!(name, "event.original" | TIMESTAMP | "_id")
}
