//! Finds the time, level, message and trace among the fields of a structured line, whatever its logger calls them.
//!
//! Known are the names of zap, zerolog, pino, bunyan, logback, log4j2, logrus, structlog, Serilog, GELF, ECS,
//! OpenTelemetry and Google Cloud. Of several candidates the one with the lowest rank counts; the others stay fields,
//! and so does one whose value isn't usable (a level "high", a message that is a number).

use std::borrow::Cow;

use crate::event::{Parsed, Value};
use crate::severity;
use crate::time::{self, Context, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Time,
    /// Whole seconds of a time in two parts.
    Seconds,
    /// Nanoseconds of it.
    Nanos,
    Level,
    /// OpenTelemetry's severity 1 to 24.
    SeverityNumber,
    Message,
    Trace,
    Span,
}

/// A candidate that was found usable.
#[derive(Debug, Clone, Copy)]
struct Found<T> {
    rank: u8,
    index: usize,
    value: T,
}

/// The best candidates so far of one line.
#[derive(Debug, Default)]
pub(crate) struct Roles<'a> {
    time: Option<Found<Instant>>,
    seconds: Option<Found<i64>>,
    nanos: Option<Found<i64>>,
    level: Option<Found<(u8, &'a str)>>,
    severity_number: Option<Found<u8>>,
    message: Option<Found<()>>,
    trace: Option<Found<()>>,
    span: Option<Found<()>>,
}

impl<'a> Roles<'a> {
    /// Looks at the field that was just added at `index`; `number` is the text of a value that is a number.
    pub(crate) fn see(
        &mut self,
        index: usize,
        name: &str,
        value: &Value<'a>,
        number: &'a str,
        context: &Context<'_>,
    ) {
        let Some((role, rank)) = role(name) else { return };
        match (role, value) {
            (Role::Time, Value::Str(text)) => {
                keep(&mut self.time, rank, index, time::whole(text, context));
            }
            (Role::Time, Value::I64(_) | Value::F64(_) | Value::Json(_)) => {
                let instant = time::epoch_from_decimal(number).map(|ns| Instant { ns, zone_assumed: false });
                keep(&mut self.time, rank, index, instant);
            }
            (Role::Seconds, Value::I64(seconds)) => keep(&mut self.seconds, rank, index, Some(*seconds)),
            (Role::Nanos, Value::I64(nanos)) => keep(&mut self.nanos, rank, index, Some(*nanos)),
            (Role::Level, Value::Str(text)) => {
                let number = severity::from_word(text.trim_ascii())
                    .or_else(|| text.parse().ok().and_then(severity::from_number));
                keep(&mut self.level, rank, index, number.map(|number| (number, "")));
            }
            (Role::Level, Value::I64(level)) => {
                keep(
                    &mut self.level,
                    rank,
                    index,
                    severity::from_number(*level).map(|found| (found, number)),
                );
            }
            (Role::SeverityNumber, Value::I64(level)) => {
                let level = u8::try_from(*level).ok().filter(|level| (1..=24).contains(level));
                keep(&mut self.severity_number, rank, index, level);
            }
            (Role::Message, Value::Str(_)) => keep(&mut self.message, rank, index, Some(())),
            (Role::Trace, Value::Str(text)) => {
                keep(&mut self.trace, rank, index, is_id(trace_tail(text), 32).then_some(()));
            }
            (Role::Span, Value::Str(text)) => {
                keep(&mut self.span, rank, index, is_id(text, 16).then_some(()))
            }
            _ => {}
        }
    }

    /// Moves what was found out of the fields into its place.
    pub(crate) fn apply(self, out: &mut Parsed<'a>) {
        let mut used = [usize::MAX; 7];
        let mut slots = used.iter_mut();
        let mut use_up = |index: usize| {
            if let Some(slot) = slots.next() {
                *slot = index;
            }
        };
        if let Some(found) = self.time {
            out.timestamp_ns = Some(found.value.ns);
            out.zone_assumed = found.value.zone_assumed;
            use_up(found.index);
        } else if let Some(seconds) = &self.seconds {
            let nanos = self.nanos.filter(|nanos| (0..1_000_000_000).contains(&nanos.value));
            out.timestamp_ns = seconds
                .value
                .checked_mul(1_000_000_000)
                .and_then(|ns| ns.checked_add(nanos.map_or(0, |nanos| nanos.value)));
            if out.timestamp_ns.is_some() {
                use_up(seconds.index);
                nanos.iter().for_each(|nanos| use_up(nanos.index));
            }
        }
        if let Some(found) = self.level {
            let (number, text) = found.value;
            out.severity_number = number;
            let field = take_text(out, found.index);
            out.severity_text = Some(field.unwrap_or(Cow::Borrowed(text)));
            use_up(found.index);
        }
        if let Some(found) = self.severity_number {
            out.severity_number = found.value;
            use_up(found.index);
        }
        if let Some(message) = self.message.and_then(|found| take_text(out, found.index)) {
            out.message = message;
            self.message.iter().for_each(|found| use_up(found.index));
        }
        if let Some(found) = self.trace {
            out.trace_id = take_text(out, found.index).map(trace_tail_of);
            use_up(found.index);
        }
        if let Some(found) = self.span {
            out.span_id = take_text(out, found.index);
            use_up(found.index);
        }
        remove(out, &mut used);
    }
}

fn keep<T>(best: &mut Option<Found<T>>, rank: u8, index: usize, value: Option<T>) {
    let is_better = best.as_ref().is_none_or(|best| rank < best.rank);
    if let Some(value) = value.filter(|_| is_better) {
        *best = Some(Found { rank, index, value });
    }
}

fn take_text<'a>(out: &mut Parsed<'a>, index: usize) -> Option<Cow<'a, str>> {
    match out.fields.get_mut(index) {
        Some((_, Value::Str(text))) => Some(std::mem::take(text)),
        _ => None,
    }
}

/// Removes the fields at these indexes and leaves the others in their order.
fn remove(out: &mut Parsed<'_>, used: &mut [usize]) {
    used.sort_unstable();
    for index in used.iter().rev().filter(|index| **index != usize::MAX) {
        if *index < out.fields.len() {
            out.fields.remove(*index);
        }
    }
}

/// Google Cloud writes `projects/<project>/traces/<id>`.
fn trace_tail(text: &str) -> &str {
    match text.strip_prefix("projects/").and_then(|text| text.rsplit_once("/traces/")) {
        Some((_, id)) => id,
        None => text,
    }
}

fn trace_tail_of(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(trace_tail(text)),
        Cow::Owned(text) => Cow::Owned(trace_tail(&text).to_owned()),
    }
}

fn is_id(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit()) && text.bytes().any(|b| b != b'0')
}

/// Names with the role that they may have, and their rank among the names of that role.
const NAMES: &[(&[&str], Role, u8)] = &[
    (&["@timestamp"], Role::Time, 0),
    (&["timestamp", "Timestamp"], Role::Time, 1),
    (&["time", "Time"], Role::Time, 2),
    (&["ts", "@t"], Role::Time, 3),
    (&["timeUnixNano", "time_unix_nano"], Role::Time, 4),
    (&["timeMillis", "datetime", "dateTime", "eventTime", "event_time", "asctime"], Role::Time, 5),
    (&["date", "t"], Role::Time, 6),
    (&["instant.epochSecond", "timestamp.seconds", "timestampSeconds"], Role::Seconds, 0),
    (&["instant.nanoOfSecond", "timestamp.nanos", "timestampNanos"], Role::Nanos, 0),
    (&["log.level"], Role::Level, 0),
    (&["level", "Level", "@l"], Role::Level, 1),
    (&["severity", "severityText", "SeverityText", "severity_text"], Role::Level, 2),
    (&["lvl", "levelname", "loglevel", "log_level", "logLevel", "levelName"], Role::Level, 3),
    (&["severityNumber", "SeverityNumber", "severity_number"], Role::SeverityNumber, 0),
    (&["message", "Message"], Role::Message, 0),
    (&["msg", "@m"], Role::Message, 1),
    (&["body", "Body", "body.stringValue", "short_message", "@mt"], Role::Message, 2),
    (&["event", "log", "text"], Role::Message, 3),
    (&["trace.id", "trace_id", "traceId", "traceid", "TraceId", "traceID", "@tr"], Role::Trace, 0),
    (&["logging.googleapis.com/trace", "otelTraceID"], Role::Trace, 1),
    (&["span.id", "span_id", "spanId", "spanid", "SpanId", "spanID", "@sp"], Role::Span, 0),
    (&["logging.googleapis.com/spanId", "otelSpanID"], Role::Span, 1),
];

/// For each first byte, a bit for each length of the names that begin with it. Most names in logs have no role, which
/// this tells at once.
const LENGTHS: [u32; 128] = {
    let mut lengths = [0; 128];
    let mut row = 0;
    while row < NAMES.len() {
        let mut index = 0;
        while index < NAMES[row].0.len() {
            let name = NAMES[row].0[index].as_bytes();
            lengths[name[0] as usize] |= 1 << name.len();
            index += 1;
        }
        row += 1;
    }
    lengths
};

fn role(name: &str) -> Option<(Role, u8)> {
    let lengths = name.bytes().next().and_then(|first| LENGTHS.get(usize::from(first)))?;
    if name.len() >= 32 || lengths >> name.len() & 1 == 0 {
        return None;
    }
    NAMES.iter().find(|(names, ..)| names.contains(&name)).map(|(_, role, rank)| (*role, *rank))
}
