//! What each endpoint that reads takes: the one list from which requests are checked and the OpenAPI document is made, so
//! that neither can say what the other does not. A regular table.

use super::limits::{
    BUCKETS_DEFAULT, BUCKETS_MAX, CONTEXT_ROWS_DEFAULT, CONTEXT_ROWS_MAX, FACET_FIELDS_MAX,
    FACET_TOP_DEFAULT, FACET_TOP_MAX, ROWS_DEFAULT, ROWS_MAX, VALUES_DEFAULT, VALUES_MAX,
};

/// An endpoint and its parameters.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) path: &'static str,
    /// One sentence.
    pub(super) about: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) reply: Reply,
    /// Whether `POST` with a form or JSON says the same as `GET`.
    pub(super) takes_post: bool,
}

/// The form of a reply that is no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// One JSON object, of the schema with this name.
    Json(&'static str),
    /// Rows, in one of these media types.
    Rows(&'static [&'static str]),
}

/// A parameter by its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
    /// One sentence.
    pub(super) about: &'static str,
}

/// What a parameter's text has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// Names, with commas between them or the parameter repeated.
    List { items_max: Option<usize> },
    /// A whole number.
    Count { min: usize, max: usize, default: usize },
    /// A whole number of bytes, bounded by the text it is about.
    Offset,
    /// RFC 3339, Unix time, or relative to now.
    Time,
    /// A number and a unit.
    Duration,
    /// The `_id` of a document.
    Id,
    /// What an earlier reply gave.
    Cursor,
    /// One of these; the first is meant when it is absent.
    Choice(&'static [&'static str]),
}

const fn parameter(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, kind, required: false, about }
}

const fn required(parameter: Parameter) -> Parameter {
    Parameter { required: true, ..parameter }
}

const fn count(name: &'static str, min: usize, max: usize, default: usize, about: &'static str) -> Parameter {
    parameter(name, Kind::Count { min, max, default }, about)
}

const Q: Parameter = parameter("q", Kind::Text, "The query; everything when absent.");
const START: Parameter = parameter("start", Kind::Time, "First instant of the range.");
const END: Parameter = parameter("end", Kind::Time, "First instant after the range.");
const TIMEOUT: Parameter = parameter("timeout", Kind::Duration, "Longest time of the query.");
const ORDER: Parameter = parameter("order", Kind::Choice(&["desc", "asc"]), "Newest first, or oldest first.");
const LIMIT: Parameter = count("limit", 1, ROWS_MAX, ROWS_DEFAULT, "Rows of the page.");
const NAMES: Kind = Kind::List { items_max: None };
const FIELDS: Parameter = parameter("fields", NAMES, "Only these fields, or columns.");
const STEP: Parameter = parameter("step", Kind::Duration, "How far values lie apart.");
const NDJSON: &[&str] = &["application/x-ndjson"];

/// Rows of a query.
pub(super) const QUERY: Endpoint = Endpoint {
    path: "/api/v1/query",
    about: "Documents, or the rows of a table, page by page.",
    parameters: &[
        Q,
        START,
        END,
        LIMIT,
        ORDER,
        parameter("cursor", Kind::Cursor, "Where the page before ended."),
        FIELDS,
        TIMEOUT,
    ],
    reply: Reply::Rows(&["application/x-ndjson", "application/json", "text/csv", "text/plain"]),
    takes_post: true,
};

/// All rows of a query.
pub(super) const EXPORT: Endpoint = Endpoint {
    path: "/api/v1/export",
    about: "All rows of a query.",
    parameters: &[
        Q,
        START,
        END,
        parameter("format", Kind::Choice(&["ndjson", "csv", "text"]), "The form of the rows."),
        FIELDS,
        ORDER,
        parameter("cursor", Kind::Cursor, "The `_id` of the last row that you have."),
        TIMEOUT,
    ],
    reply: Reply::Rows(&["application/x-ndjson", "text/csv", "text/plain"]),
    takes_post: true,
};

/// Neighbours of a document.
pub(super) const CONTEXT: Endpoint = Endpoint {
    path: "/api/v1/context",
    about: "What came just before and after a document.",
    parameters: &[
        required(parameter("id", Kind::Id, "The `_id` of the document.")),
        count("before", 0, CONTEXT_ROWS_MAX, CONTEXT_ROWS_DEFAULT, "Rows before it."),
        count("after", 0, CONTEXT_ROWS_MAX, CONTEXT_ROWS_DEFAULT, "Rows after it."),
        parameter(
            "scope",
            Kind::Choice(&["stream", "host", "all"]),
            "What neighbours have in common with it.",
        ),
        Q,
        START,
        END,
        TIMEOUT,
    ],
    reply: Reply::Rows(NDJSON),
    takes_post: true,
};

/// Counts over time.
pub(super) const HISTOGRAM: Endpoint = Endpoint {
    path: "/api/v1/histogram",
    about: "How many documents there are over time.",
    parameters: &[
        Q,
        START,
        END,
        count("buckets", 1, BUCKETS_MAX, BUCKETS_DEFAULT, "Most buckets, of a round width."),
        STEP,
        parameter("by", Kind::Text, "The field by whose values each bucket is split."),
        TIMEOUT,
    ],
    reply: Reply::Json("Histogram"),
    takes_post: true,
};

/// A table.
pub(super) const STATS: Endpoint = Endpoint {
    path: "/api/v1/stats",
    about: "The table of a query that counts.",
    parameters: &[
        required(Q),
        START,
        END,
        parameter("format", Kind::Choice(&["table", "prometheus"]), "The shape of the table."),
        TIMEOUT,
    ],
    reply: Reply::Json("Stats"),
    takes_post: true,
};

/// A table over time.
pub(super) const STATS_RANGE: Endpoint = Endpoint {
    path: "/api/v1/stats_range",
    about: "The table of a query that counts, over time, in the shape of Prometheus.",
    parameters: &[required(Q), START, END, required(STEP), TIMEOUT],
    reply: Reply::Json("Prometheus"),
    takes_post: true,
};

/// Plan and cost.
pub(super) const EXPLAIN: Endpoint = Endpoint {
    path: "/api/v1/explain",
    about: "Runs a query and tells its plan and its cost.",
    parameters: &[Q, START, END, LIMIT, ORDER, TIMEOUT],
    reply: Reply::Json("Explanation"),
    takes_post: true,
};

/// Most frequent values.
pub(super) const FACETS: Endpoint = Endpoint {
    path: "/api/v1/facets",
    about: "Exact most frequent values of fields.",
    parameters: &[
        Q,
        START,
        END,
        required(parameter("fields", Kind::List { items_max: Some(FACET_FIELDS_MAX) }, "The fields.")),
        count("top", 1, FACET_TOP_MAX, FACET_TOP_DEFAULT, "Values of each field."),
        TIMEOUT,
    ],
    reply: Reply::Json("Facets"),
    takes_post: true,
};

/// Field names.
pub(super) const FIELD_LIST: Endpoint = Endpoint {
    path: "/api/v1/fields",
    about: "Which fields there are.",
    parameters: &[START, END, TIMEOUT],
    reply: Reply::Json("Fields"),
    takes_post: true,
};

/// Values of a field.
pub(super) const VALUES: Endpoint = Endpoint {
    path: "/api/v1/values",
    about: "Values of a field that begin with a text.",
    parameters: &[
        required(parameter("field", Kind::Text, "The field.")),
        parameter("prefix", Kind::Text, "How values begin, in any case."),
        START,
        END,
        count("limit", 1, VALUES_MAX, VALUES_DEFAULT, "Values wanted."),
        TIMEOUT,
    ],
    reply: Reply::Json("Values"),
    takes_post: true,
};

/// Meaning of a text.
pub(super) const PARSE: Endpoint = Endpoint {
    path: "/api/v1/parse",
    about: "What a query text means, where it is wrong, and what may stand at a place in it.",
    parameters: &[
        Q,
        parameter("at", Kind::Offset, "The place for which completions are wanted, bytes."),
        START,
        END,
        TIMEOUT,
    ],
    reply: Reply::Json("Parsed"),
    takes_post: true,
};

/// Documents as they come.
pub(super) const TAIL: Endpoint = Endpoint {
    path: "/api/v1/tail",
    about: "Documents as they come in, as server-sent events, without an end.",
    parameters: &[Q],
    reply: Reply::Rows(&["text/event-stream"]),
    takes_post: false,
};

/// All of them.
pub(super) const ALL: [&Endpoint; 12] = [
    &QUERY,
    &EXPORT,
    &CONTEXT,
    &HISTOGRAM,
    &STATS,
    &STATS_RANGE,
    &EXPLAIN,
    &FACETS,
    &FIELD_LIST,
    &VALUES,
    &PARSE,
    &TAIL,
];
