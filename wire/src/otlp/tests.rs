//! The codec against `prost` as an oracle, and rows of what is taken, repaired and refused.

use proptest::prelude::{any as arbitrary, prop, proptest};
use prost::Message;

use super::*;
use crate::batch::{Batch, ValueRef};
use crate::position::StreamId;

/// The messages of `opentelemetry/proto`, as far as the tests need them, for `prost`.
mod proto {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Request {
        #[prost(message, repeated, tag = "1")]
        pub(super) resource_logs: Vec<ResourceLogs>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ResourceLogs {
        #[prost(message, optional, tag = "1")]
        pub(super) resource: Option<Resource>,
        #[prost(message, repeated, tag = "2")]
        pub(super) scope_logs: Vec<ScopeLogs>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Resource {
        #[prost(message, repeated, tag = "1")]
        pub(super) attributes: Vec<KeyValue>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ScopeLogs {
        #[prost(message, optional, tag = "1")]
        pub(super) scope: Option<Scope>,
        #[prost(message, repeated, tag = "2")]
        pub(super) log_records: Vec<Record>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Scope {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(message, repeated, tag = "3")]
        pub(super) attributes: Vec<KeyValue>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Record {
        #[prost(fixed64, tag = "1")]
        pub(super) time: u64,
        #[prost(int32, tag = "2")]
        pub(super) severity_number: i32,
        #[prost(string, tag = "3")]
        pub(super) severity_text: String,
        #[prost(message, optional, tag = "5")]
        pub(super) body: Option<Any>,
        #[prost(message, repeated, tag = "6")]
        pub(super) attributes: Vec<KeyValue>,
        #[prost(bytes = "vec", tag = "9")]
        pub(super) trace_id: Vec<u8>,
        #[prost(fixed64, tag = "11")]
        pub(super) observed: u64,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct KeyValue {
        #[prost(string, tag = "1")]
        pub(super) key: String,
        #[prost(message, optional, tag = "2")]
        pub(super) value: Option<Any>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Any {
        #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5, 6, 7")]
        pub(super) value: Option<Value>,
    }
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Value {
        #[prost(string, tag = "1")]
        Text(String),
        #[prost(bool, tag = "2")]
        Bool(bool),
        #[prost(int64, tag = "3")]
        Int(i64),
        #[prost(double, tag = "4")]
        Double(f64),
        #[prost(message, tag = "5")]
        Array(Array),
        #[prost(message, tag = "6")]
        Map(Map),
        #[prost(bytes, tag = "7")]
        Bytes(Vec<u8>),
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Array {
        #[prost(message, repeated, tag = "1")]
        pub(super) values: Vec<Any>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Map {
        #[prost(message, repeated, tag = "1")]
        pub(super) values: Vec<KeyValue>,
    }
}

use proto::{Any, KeyValue, Value};

fn any(value: Value) -> Option<Any> {
    Some(Any { value: Some(value) })
}

fn pair(key: &str, value: Option<Any>) -> KeyValue {
    KeyValue { key: key.into(), value }
}

fn request(scope: Vec<KeyValue>, records: Vec<proto::Record>) -> Vec<u8> {
    let scope = Some(proto::Scope { name: String::new(), attributes: scope });
    let resource =
        Some(proto::Resource { attributes: vec![pair("host.name", any(Value::Text("h".into())))] });
    let scope_logs = vec![proto::ScopeLogs { scope, log_records: records }];
    proto::Request { resource_logs: vec![proto::ResourceLogs { resource, scope_logs }] }.encode_to_vec()
}

fn json_of(batch: &Batch, index: usize) -> String {
    let mut out = Vec::new();
    batch.doc(index).unwrap().write_json(&mut out);
    let text = String::from_utf8(out).unwrap();
    text.split_once("\",").map(|(_, rest)| rest.to_owned()).unwrap()
}

const STAMP: Stamp<'_> = Stamp { agent_id: Some("a1"), received_ns: 5 };

#[test]
fn foreign_records_become_documents() {
    let record =
        |record: proto::Record| json_of(&decode(&request(vec![], vec![record]), &STAMP).unwrap().batch, 0);
    let nested = Value::Map(proto::Map {
        values: vec![
            pair(
                "b",
                any(Value::Array(proto::Array {
                    values: vec![Any { value: Some(Value::Int(-1)) }, Any { value: None }],
                })),
            ),
            pair("c", any(Value::Map(proto::Map { values: vec![] }))),
            pair("d", any(Value::Bytes(vec![0xff]))),
        ],
    });
    let rows = [
        (
            proto::Record::default(),
            r#""@timestamp":"1970-01-01T00:00:00.000000005Z","host.name":"h","agent.id":"a1"}"#,
        ),
        (
            proto::Record {
                time: 1_000_000,
                body: any(Value::Text("hi".into())),
                severity_number: 17,
                ..Default::default()
            },
            r#""@timestamp":"1970-01-01T00:00:00.001Z","message":"hi","log.level":"error","host.name":"h","agent.id":"a1"}"#,
        ),
        (
            proto::Record {
                observed: 7_000_000,
                severity_text: "NOTICE".into(),
                trace_id: vec![0xab; 2],
                ..Default::default()
            },
            r#""@timestamp":"1970-01-01T00:00:00.007Z","log.level":"info","severity_text":"NOTICE","trace.id":"abab","host.name":"h","agent.id":"a1"}"#,
        ),
        (
            proto::Record {
                attributes: vec![pair("a", any(nested)), pair("host.name", None)],
                ..Default::default()
            },
            r#""@timestamp":"1970-01-01T00:00:00.000000005Z","a.b":[-1,null],"a.c":{},"a.d":"/w==","host.name":null,"agent.id":"a1"}"#,
        ),
        (
            proto::Record {
                attributes: vec![pair("agent.id", any(Value::Text("forged".into())))],
                ..Default::default()
            },
            r#""@timestamp":"1970-01-01T00:00:00.000000005Z","host.name":"h","agent.id":"a1"}"#,
        ),
        (
            proto::Record { body: any(Value::Double(1.0)), ..Default::default() },
            r#""@timestamp":"1970-01-01T00:00:00.000000005Z","message":"1.0","host.name":"h","agent.id":"a1"}"#,
        ),
    ];
    for (input, expected) in rows {
        assert_eq!(record(input), expected);
    }
}

/// Encodes one stream of records with these offsets.
fn encoded(from: u64, offsets: &[u64], to: u64) -> Vec<u8> {
    let mut encoder = RequestEncoder::new(&[("host.name", ValueRef::Str("h"))]);
    encoder.begin_stream(StreamId(9), from, &[("log.file.path", ValueRef::Str("/var/log/x"))]);
    for offset in offsets {
        let attributes =
            [("list", ValueRef::Json("[1,{\"k\":2.5}]")), ("big", ValueRef::Json("18446744073709551616"))];
        let record = RecordRef {
            offset: *offset,
            timestamp_ns: 3,
            observed_ns: 4,
            severity_number: 13,
            severity_text: "WARN",
            body: "line",
            trace_id: &[1; 16],
            span_id: &[],
        };
        encoder.record(&record, attributes);
    }
    encoder.end_stream(to, "state");
    assert_eq!(encoder.records(), offsets.len());
    encoder.finish().to_vec()
}

#[test]
fn what_an_agent_sends_comes_out_again() {
    let body = encoded(10, &[10, 15], 20);
    assert!(proto::Request::decode(&body[..]).is_ok(), "other OTLP readers can read it");
    let decoded = decode(&body, &STAMP).unwrap();
    assert_eq!(decoded.offsets, [Some(10), Some(15)]);
    let span = crate::position::StreamSpan {
        stream: StreamId(9),
        from_offset: 10,
        to_offset: 20,
        state: "state".into(),
    };
    assert_eq!(decoded.groups, [Group { span, docs: 0..2 }]);
    let expected = r#""@timestamp":"1970-01-01T00:00:00.000000003Z","message":"line","log.level":"warn","severity_text":"WARN","trace.id":"01010101010101010101010101010101","list":[1,{"k":2.5}],"big":"18446744073709551616","log.file.path":"/var/log/x","host.name":"h","agent.id":"a1"}"#;
    assert_eq!(json_of(&decoded.batch, 1), expected);
}

#[test]
fn offsets_of_an_unknown_sender_are_not_believed() {
    let decoded = decode(&encoded(0, &[0], 5), &Stamp { agent_id: None, received_ns: 0 }).unwrap();
    assert_eq!(decoded.groups, []);
}

#[test]
fn contradictions_are_refused() {
    let deep = (0..NESTING).fold(Value::Int(1), |inner, _| {
        Value::Array(proto::Array { values: vec![Any { value: Some(inner) }] })
    });
    const NESTING: usize = 40;
    let stream = |what| Err(OtlpError::Stream { stream: "0000000000000009".into(), what });
    let outside = "an offset is missing, descends or lies outside its group";
    let rows = [
        (encoded(0, &[0, 4], 5), Ok(2)),
        (encoded(0, &[], 5), Ok(0)),
        (encoded(0, &[4, 3], 5), stream(outside)),
        (encoded(0, &[5], 5), stream(outside)),
        (encoded(3, &[2], 5), stream(outside)),
        (encoded(9, &[], 5), stream("the group ends before it begins")),
        (b"{}".to_vec(), Err(OtlpError::Malformed)),
        (encoded(0, &[0], 5)[..60].to_vec(), Err(OtlpError::Malformed)),
        (
            request(
                vec![],
                vec![proto::Record { attributes: vec![pair("deep", any(deep))], ..Default::default() }],
            ),
            Ok(1),
        ),
    ];
    for (body, expected) in rows {
        assert_eq!(decode(&body, &STAMP).map(|decoded| decoded.batch.len()), expected);
    }
}

#[test]
fn values_nested_too_deep_are_kept_as_base64() {
    // Written from the inside out, since prost stops at a depth of 100.
    let mut body = Vec::new();
    protobuf::put_varint(&mut body, number::ANY_INT, 1);
    for _ in 0..10_000 {
        let mut outer = Vec::new();
        protobuf::put_message(&mut outer, number::ANY_ARRAY, |out| {
            protobuf::put_bytes(out, number::LIST_VALUES, &body)
        });
        body = outer;
    }
    let mut request = Vec::new();
    protobuf::put_message(&mut request, number::REQUEST_RESOURCE_LOGS, |out| {
        protobuf::put_message(out, number::RESOURCE_LOGS_SCOPE_LOGS, |out| {
            protobuf::put_message(out, number::SCOPE_LOGS_RECORDS, |out| {
                protobuf::put_bytes(out, number::RECORD_BODY, &body)
            });
        });
    });
    let decoded = decode(&request, &STAMP).unwrap();
    assert!(decoded.batch.doc(0).unwrap().message().unwrap().starts_with("[[[["));
}

#[test]
fn shared_attributes_can_not_multiply_without_bound() {
    let wide: Vec<_> = (0..10_000).map(|n| pair(&format!("a{n}"), any(Value::Bool(true)))).collect();
    let body = request(wide, vec![proto::Record::default(); 1_000]);
    assert_eq!(decode(&body, &STAMP).unwrap_err(), OtlpError::TooLarge);

    // One long attribute of the resource, stored once however many scopes there are.
    let resource = proto::Resource { attributes: vec![pair("long", any(Value::Text("x".repeat(1 << 20))))] };
    let scope_logs = vec![proto::ScopeLogs { scope: None, log_records: vec![proto::Record::default()] }; 500];
    let resource_logs = vec![proto::ResourceLogs { resource: Some(resource), scope_logs }];
    let decoded = decode(&proto::Request { resource_logs }.encode_to_vec(), &STAMP).unwrap();
    assert_eq!(decoded.batch.len(), 500);
    assert!(decoded.batch.heap_bytes() < 2 << 20, "{}", decoded.batch.heap_bytes());
}

#[test]
fn replies_round_trip() {
    assert_eq!(encode_response(0, ""), b"");
    assert_eq!(decode_response(&encode_response(3, "too old")), Some((3, "too old".into())));
    assert_eq!(decode_response(b"\xff"), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(body in prop::collection::vec(arbitrary::<u8>(), 0..300)) {
        let _ = decode(&body, &STAMP);
        let _ = decode_response(&body);
    }

    #[test]
    fn damaged_requests_are_read_without_panic(at in 0usize..400, byte: u8) {
        let mut body = encoded(10, &[10, 15], 20);
        if let Some(place) = body.get_mut(at) {
            *place = byte;
        }
        let _ = decode(&body, &STAMP);
    }
}
