//! Parameters of a request: from the query string and, with POST, from a form or a JSON object. All three say
//! the same, so a link, a script and a page share one description of an endpoint.
//!
//! A parameter that the endpoint does not know is an error that names the nearest: a misspelt `limit` must not
//! silently become the default.

use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::body::receive;
use super::caller::Caller;
use super::endpoints::Endpoint;
use super::limits::{PARAMETERS_BYTES_MAX, PARAMETERS_MAX};
use super::problem::Problem;

/// The parameters as they came, not yet checked against an endpoint.
#[derive(Debug)]
pub(super) struct Unchecked(Parameters);

/// Parameters whose names the endpoint knows, and who sent them.
#[derive(Debug)]
pub(super) struct Parameters {
    /// Who asks.
    pub(super) caller: Caller,
    /// The path of the request.
    pub(super) path: String,
    pairs: Vec<(String, String)>,
}

impl Unchecked {
    /// Refuses names that the endpoint does not know.
    pub(super) fn only(self, endpoint: &Endpoint) -> Result<Parameters, Problem> {
        let known: Vec<&str> = endpoint.parameters.iter().map(|parameter| parameter.name).collect();
        match self.0.pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(self.0),
            Some((name, _)) => {
                let shown = name.get(..name.floor_char_boundary(64)).unwrap_or_default();
                let detail =
                    format!("There is no parameter `{shown}` here. Known are: {}.", known.join(", "));
                let problem = Problem::new(StatusCode::BAD_REQUEST, "unknown_parameter", detail);
                Err(match millpond_query::nearest(shown, known.iter().copied()) {
                    Some(nearest) => problem.hint(format!("Did you mean `{nearest}`?")),
                    None => problem,
                })
            }
        }
    }

    fn push(&mut self, name: String, value: String) -> Result<(), Problem> {
        if self.0.pairs.len() >= PARAMETERS_MAX {
            let detail = format!("There are more than {PARAMETERS_MAX} parameters.");
            return Err(Problem::new(StatusCode::BAD_REQUEST, "too_many_parameters", detail));
        }
        self.0.pairs.push((name, value));
        Ok(())
    }

    /// Reads `a=b&c=d`, percent-encoded, `+` being a space (WHATWG URL, "application/x-www-form-urlencoded").
    fn push_encoded(&mut self, text: &str) -> Result<(), Problem> {
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.push(decode(name)?, decode(value)?)?;
        }
        Ok(())
    }

    /// Reads a flat JSON object. Arrays repeat the parameter, `null` leaves it out.
    fn push_json(&mut self, body: &[u8]) -> Result<(), Problem> {
        let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "bad_json", detail);
        let members: serde_json::Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| bad(format!("The body must be a JSON object of parameters: {error}.")))?;
        for (name, value) in members {
            let items = if let Value::Array(items) = value { items } else { vec![value] };
            for item in items {
                match item {
                    Value::Null => {}
                    Value::String(text) => self.push(name.clone(), text)?,
                    Value::Bool(_) | Value::Number(_) => self.push(name.clone(), item.to_string())?,
                    Value::Array(_) | Value::Object(_) => {
                        return Err(bad(format!("`{name}` must be a string, a number or a list of them.")));
                    }
                }
            }
        }
        Ok(())
    }
}

impl<S: Sync> FromRequest<S> for Unchecked {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut head, body) = request.into_parts();
        let Ok(caller) = Caller::from_request_parts(&mut head, state).await;
        let path = head.uri.path().to_owned();
        let mut parameters = Self(Parameters { caller, path, pairs: Vec::new() });
        parameters.push_encoded(head.uri.query().unwrap_or_default())?;
        let body = receive(body, PARAMETERS_BYTES_MAX).await?;
        if body.is_empty() {
            return Ok(parameters);
        }
        let media_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/json") {
            parameters.push_json(&body)?;
        } else if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let text = std::str::from_utf8(&body).map_err(|_| not_utf8())?;
            parameters.push_encoded(text)?;
        } else {
            let detail = "Send parameters as application/x-www-form-urlencoded or application/json.";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        Ok(parameters)
    }
}

impl Parameters {
    /// The value of a parameter that may be given once; `None` when it is absent or empty.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        let mut values = self.values(name);
        let value = values.next();
        match values.next() {
            Some(_) => Err(Problem::parameter(name, format!("`{name}` is given more than once."))),
            None => Ok(value.filter(|value| !value.is_empty())),
        }
    }

    /// The values of a parameter that may be repeated or have commas, without empty ones.
    pub(super) fn list(&self, name: &'static str) -> Vec<&str> {
        self.values(name)
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .collect()
    }

    /// A whole number from 1 to `max`.
    pub(super) fn count(&self, name: &'static str, default: usize, max: usize) -> Result<usize, Problem> {
        let Some(text) = self.text(name)? else { return Ok(default) };
        let number = usize::from_str(text).ok().filter(|number| (1..=max).contains(number));
        number.ok_or_else(|| {
            Problem::parameter(name, format!("`{name}` must be a whole number from 1 to {max}."))
        })
    }

    /// A value that `read` turns into what is meant; what it says of a bad one becomes the error.
    pub(super) fn read<T, E: std::fmt::Display>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        read(text).map(Some).map_err(|error| Problem::parameter(name, format!("`{name}`: {error}")))
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Percent-decodes. A `%` without two hex digits stands for itself, as in browsers.
fn decode(text: &str) -> Result<String, Problem> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after_digits @ ..]) => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = after_digits;
                }
                _ => bytes.push(byte),
            },
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| not_utf8())
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn not_utf8() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "not_utf8", "The parameters must be UTF-8, percent-encoded.")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;
    use crate::http::caller::testing::caller;
    use crate::http::endpoints::QUERY;

    fn unchecked<const N: usize>(pairs: [(&str, &str); N]) -> Unchecked {
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Unchecked(Parameters { caller: caller(), path: "/".to_owned(), pairs: pairs.into() })
    }

    /// What comes of a GET with this query string: `name=value` pairs, or the code of the error.
    async fn get(query: &str) -> Result<Vec<String>, &'static str> {
        let request = http::Request::get(format!("/?{query}")).body(Body::empty()).unwrap();
        pairs(request).await
    }

    async fn post(media_type: &str, body: impl Into<Body>) -> Result<Vec<String>, &'static str> {
        let request =
            http::Request::post("/?q=0").header(CONTENT_TYPE, media_type).body(body.into()).unwrap();
        pairs(request).await
    }

    async fn pairs(request: Request) -> Result<Vec<String>, &'static str> {
        let given = Unchecked::from_request(request, &()).await.map_err(|problem| problem.code())?;
        Ok(given.0.pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
    }

    #[tokio::test]
    async fn query_strings_forms_and_json_say_the_same() {
        let rows: [(&str, &[&str]); 7] = [
            ("", &[]),
            ("q=a+b%20c&&limit=5", &["q=a b c", "limit=5"]),
            ("q=%C3%A9%2B%26%3D", &["q=é+&="]),
            ("q=100%&x=%4", &["q=100%", "x=%4"]),
            ("q=a=b", &["q=a=b"]),
            ("q", &["q="]),
            ("%71=x", &["q=x"]),
        ];
        for (query, expected) in rows {
            assert_eq!(get(query).await.unwrap(), expected, "{query}");
        }
        const FORM: &str = "application/x-www-form-urlencoded";
        const JSON: &str = "application/json; charset=utf-8";
        assert_eq!(post(FORM, "limit=5&q=a+b").await.unwrap(), ["q=0", "limit=5", "q=a b"]);
        let body = r#"{"limit":5,"fields":["a","b"],"end":null,"x":true,"t":1.5}"#;
        assert_eq!(
            post(JSON, body).await.unwrap(),
            ["q=0", "fields=a", "fields=b", "limit=5", "t=1.5", "x=true"]
        );
        assert_eq!(post(JSON, "").await.unwrap(), ["q=0"]);
    }

    #[tokio::test]
    async fn malformed_parameters_are_refused() {
        const JSON: &str = "application/json";
        assert_eq!(get("q=%FF").await, Err("not_utf8"));
        assert_eq!(get(&"a&".repeat(PARAMETERS_MAX + 1)).await, Err("too_many_parameters"));
        assert_eq!(post(JSON, "[1]").await, Err("bad_json"));
        assert_eq!(post(JSON, r#"{"q":{"a":1}}"#).await, Err("bad_json"));
        assert_eq!(post(JSON, r#"{"q":[[1]]}"#).await, Err("bad_json"));
        assert_eq!(post("text/plain", "q=1").await, Err("unsupported_media_type"));
        assert_eq!(post(JSON, "x".repeat(PARAMETERS_BYTES_MAX + 1)).await, Err("too_large"));
    }

    proptest! {
        #[test]
        fn encoded_text_reads_back_and_any_text_reads(text in ".*") {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(decode(&encoded).unwrap(), text.clone());
            let _ = unchecked([]).push_encoded(&text);
        }
    }

    #[test]
    fn values_are_checked_by_name() {
        let pairs =
            [("q", "x"), ("limit", "0"), ("top", "7"), ("fields", "a, b,,"), ("fields", "c"), ("end", "")];
        let parameters = unchecked(pairs).0;
        assert_eq!(parameters.text("q"), Ok(Some("x")));
        assert_eq!(parameters.text("end"), Ok(None));
        assert!(parameters.text("fields").is_err(), "given twice");
        assert_eq!(parameters.list("fields"), ["a", "b", "c"]);
        assert_eq!(parameters.count("top", 1, 10), Ok(7));
        assert_eq!(parameters.count("rows", 1, 10), Ok(1));
        assert!(parameters.count("limit", 1, 10).is_err());
        assert!(parameters.count("top", 1, 6).is_err());
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest() {
        let problem = unchecked([("limt", "5")]).only(&QUERY).unwrap_err();
        assert_eq!(problem.code(), "unknown_parameter");
        assert!(format!("{problem:?}").contains("Did you mean `limit`?"), "{problem:?}");
    }
}
