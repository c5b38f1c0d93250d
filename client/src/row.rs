//! A line of NDJSON as a row: its fields in the order in which they came. Pure.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// The fields of a document, or the cells of a row of a table with the names of their columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row(pub(crate) Vec<(String, Value)>);

impl Row {
    /// The field of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The text of a field; `None` where it is missing or null.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).filter(|value| !value.is_null()).map(text)
    }
}

/// A value as people read it: a text without quotes, everything else as JSON.
pub(crate) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed(""),
        value => Cow::Owned(value.to_string()),
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Row(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_read_as_text() {
        let row: Row = serde_json::from_str(r#"{"z":"text","a":1.0,"l":[1,"x"],"n":null,"b":true}"#).unwrap();
        let names: Vec<_> = row.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["z", "a", "l", "n", "b"]);
        let rows = [
            ("z", Some("text")),
            ("a", Some("1.0")),
            ("l", Some(r#"[1,"x"]"#)),
            ("n", None),
            ("b", Some("true")),
            ("missing", None),
        ];
        for (name, expected) in rows {
            assert_eq!(row.text(name).as_deref(), expected, "{name}");
        }
    }
}
