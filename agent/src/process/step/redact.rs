//! `redact`: masks what must not leave the host, wherever in the event it stands: in the message, in fields of any
//! type, in their names, in the level as written, and in the original line.
//!
//! The original line is searched, too, and is left out, and counted, where that can't be trusted: where it has escapes
//! (`\u0040` is an `@`), or still holds a text that was masked in a field. A line that was cut in pieces by the
//! container runtime is searched whole, and so is the message of an event of several lines.

use std::borrow::Cow;

use memchr::memmem;
use millpond_parsers::Value;

use crate::limits;
use crate::metrics::Counters;
use crate::process::redact::{Redactor, is_secret_name};
use crate::process::{Effect, Event};

/// Whole numbers below it are no card: the least has 13 digits.
const CARD_MIN: f64 = 1e12;

/// See the module.
#[derive(Debug, Clone)]
pub struct Redact {
    redactor: Redactor,
    /// Place of `password` among the patterns: values of fields with such a name are masked whole.
    password: Option<usize>,
    removed: Removed,
}

/// What was masked in one event.
#[derive(Debug, Clone, Default)]
struct Removed {
    count: u64,
    /// The first of them, to look for in the original line.
    texts: Vec<String>,
}

impl Removed {
    fn push(&mut self, text: &str) {
        self.count += 1;
        if self.texts.len() < limits::REDACTED_TEXTS_MAX {
            self.texts.push(text.to_owned());
        }
    }

    /// Some masked text is in there, or may be.
    fn may_occur_in(&self, line: &str) -> bool {
        let was_all_kept = self.texts.len() as u64 == self.count;
        // Of a text that runs over several lines, this may be one.
        let mut parts = self.texts.iter().flat_map(|text| text.lines()).filter(|part| !part.is_empty());
        !was_all_kept || parts.any(|part| memmem::find(line.as_bytes(), part.as_bytes()).is_some())
    }
}

impl Redact {
    /// Of these patterns.
    pub fn new(redactor: Redactor) -> Self {
        let password = redactor.position("password");
        Self { redactor, password, removed: Removed::default() }
    }

    /// What is put in the place of a text.
    pub(in crate::process) fn mask_of(&self, text: &str) -> String {
        self.redactor.whole(0, text)
    }

    pub(in crate::process) fn apply(&mut self, event: &mut Event<'_, '_>, counters: &Counters) -> Effect {
        self.removed.count = 0;
        self.removed.texts.clear();
        self.text(&mut event.parsed.message);
        if let Some(level) = &mut event.parsed.severity_text {
            self.text(level);
        }
        for (name, value) in &mut event.parsed.fields {
            self.value(name, value);
            self.text(name);
        }
        if !event.parsed.rebuilds_line {
            self.original(&mut event.original, counters);
        }
        counters.redacted_values.add(self.removed.count);
        if self.removed.count == 0 { Effect::None } else { Effect::Changed(self.removed.count) }
    }

    fn text(&mut self, text: &mut Cow<'_, str>) {
        let removed = &mut self.removed;
        if let Some(masked) = self.redactor.redact(text, &mut |hidden| removed.push(hidden)) {
            *text = Cow::Owned(masked);
        }
    }

    fn value(&mut self, name: &str, value: &mut Value<'_>) {
        if let Some(pattern) = self.password.filter(|_| is_secret_name(name)) {
            let text = match &*value {
                Value::Str(text) | Value::Json(text) => text.clone().into_owned(),
                Value::I64(number) => number.to_string(),
                Value::F64(number) => number.to_string(),
                // Says that there is one, not what.
                Value::Bool(_) => return,
            };
            if !text.is_empty() && text != "null" {
                self.removed.push(&text);
                *value = Value::Str(self.redactor.whole(pattern, &text).into());
            }
            return;
        }
        match value {
            Value::Str(text) => self.text(text),
            Value::I64(number) => {
                if let Some(masked) = self.number(*number as f64, &*number) {
                    *value = Value::Str(masked.into());
                }
            }
            Value::F64(number) => {
                if let Some(masked) = self.number(*number, &*number) {
                    *value = Value::Str(masked.into());
                }
            }
            Value::Json(text) => self.json(text),
            Value::Bool(_) => {}
        }
    }

    /// A number as text, if something in it must be masked.
    fn number(&mut self, size: f64, number: &dyn std::fmt::Display) -> Option<String> {
        if size.abs() < CARD_MIN && !self.redactor.has_own() {
            return None;
        }
        let removed = &mut self.removed;
        self.redactor.redact(&number.to_string(), &mut |hidden| removed.push(hidden))
    }

    /// Arrays and the like, whose texts may have escapes.
    fn json(&mut self, text: &mut Cow<'_, str>) {
        let Ok(mut json) = serde_json::from_str(text) else { return self.text(text) };
        let before = self.removed.count;
        self.json_value(&mut json);
        if self.removed.count > before {
            *text = Cow::Owned(json.to_string());
        }
    }

    /// serde_json nests at most 128 deep, which bounds the recursion.
    fn json_value(&mut self, json: &mut serde_json::Value) {
        let removed = &mut self.removed;
        let mut redact = |text: &str| self.redactor.redact(text, &mut |hidden| removed.push(hidden));
        match json {
            serde_json::Value::Null | serde_json::Value::Bool(_) => {}
            serde_json::Value::Number(number) => {
                if let Some(masked) = redact(&number.to_string()) {
                    *json = masked.into();
                }
            }
            serde_json::Value::String(text) => {
                if let Some(masked) = redact(text) {
                    *text = masked;
                }
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| self.json_value(item)),
            serde_json::Value::Object(members) => {
                for (name, mut value) in std::mem::take(members) {
                    let mut name = Cow::Owned(name);
                    self.json_member(&name, &mut value);
                    self.text(&mut name);
                    members.insert(name.into_owned(), value);
                }
            }
        }
    }

    fn json_member(&mut self, name: &str, value: &mut serde_json::Value) {
        match self.password.filter(|_| is_secret_name(name) && !value.is_null() && !value.is_boolean()) {
            Some(pattern) => {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                self.removed.push(&text);
                *value = self.redactor.whole(pattern, &text).into();
            }
            None => self.json_value(value),
        }
    }

    fn original(&mut self, original: &mut Option<Cow<'_, str>>, counters: &Counters) {
        let Some(line) = original else { return };
        let in_fields = self.removed.count;
        let has_escapes = line.contains('\\');
        if has_escapes {
            self.text(&mut Cow::Owned(without_escapes(line)));
        }
        self.text(line);
        let was_found = self.removed.count > 0;
        let is_unsafe = was_found && (has_escapes || self.removed.may_occur_in(line));
        // What the line repeats of the fields isn't counted twice.
        self.removed.count = in_fields.max(u64::from(was_found));
        if is_unsafe {
            *original = None;
            counters.originals_left_out.increment();
        }
    }
}

/// The text with JSON's escapes (RFC 8259, 7) taken as what they stand for, those of control characters as spaces.
/// Good enough to tell whether something is in it.
fn without_escapes(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut signs = after.chars();
        let (c, length) = match signs.next() {
            Some('u') => {
                let code = after.get(1..5).and_then(|digits| u32::from_str_radix(digits, 16).ok());
                code.map_or((' ', 1), |code| (char::from_u32(code).unwrap_or(' '), 5))
            }
            Some('b' | 'f' | 'n' | 'r' | 't') => (' ', 1),
            Some(c) => (c, c.len_utf8()),
            None => (' ', 0),
        };
        out.push(c);
        rest = after.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}
