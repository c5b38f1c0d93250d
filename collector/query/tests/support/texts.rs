//! Texts for the property tests: such as queries, and such as values.

use proptest::prelude::*;

/// Texts that look like queries: pieces of the grammar, words, and any characters, side by side or apart.
pub(crate) fn query_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "(", ")", "[", "]", "{", "}", "\"", "'", "`", "/", "\\", ":", "=", "!=", ">", ">=", "<", "~", "=~", "!~", "*", "?", "-", "!", "+",
            ",", "|", "||", "&&", " AND ", " or ", "NOT ", " TO ", " in ", " by ", " as ", "stats ", "timechart ", "span=5m ", "top ", "rare ",
            "sort ", "limit ", "fields ", "where ", "dedup ", "eval x = ", "extract \"a <b> c\" ", "rex \"(?<x>a)\" ", "parse json ", "logfmt ",
            "rename a as b ", "from ", "prefix ", "limit=5 ", "useother=f ", "lower(a)", "if(", "bin(a, 5)", "rate()", "values(x)", " + ", " / ", ".",
            " % ", "`f`", "null", "count()", "p95(x)", "exists(", "cidr(", "_time", "@timestamp", "level", "host",
            "now-5m", "5ms", "10MB", "500", "1.5", "10.0.0.0/8", "::1", "<>", "=>", "::", "C:\\t", "a/5", "x-y", "avg(x)", "sum(a*2)", "eval(", "5xx", "10M", "2026", "search ", "nulls last ", " LIKE \"a_\"", "2026-11-22", "error", "/a.*b/i",
        ]).prop_map(str::to_owned),
        1 => "[a-zA-Z_é错ß0-9]{1,6}",
        1 => "\\PC{0,3}",
        1 => Just(" ".to_owned()),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// An example of the language's description with a few characters changed.
pub(crate) fn mutated_example() -> impl Strategy<Value = String> {
    let examples: Vec<&str> = include_str!("../../LANGUAGE.md").split('`').skip(1).step_by(2).collect();
    let edit = (any::<prop::sample::Index>(), 0..4_u8, "[a-z0-9 :=<>!~*?()\\[\\]{}\"'/|,.^@\\\\-]");
    (prop::sample::select(examples), prop::collection::vec(edit, 0..4)).prop_map(|(example, edits)| {
        let mut chars: Vec<char> = example.chars().collect();
        for (place, kind, text) in edits {
            let at = place.index(chars.len() + 1);
            match kind {
                0 if at < chars.len() => drop(chars.remove(at)),
                1 => chars.truncate(at),
                _ => drop(chars.splice(at..at, text.chars())),
            }
        }
        chars.into_iter().collect()
    })
}

/// Texts that quotes and escapes are needed for.
pub(crate) fn hard_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => value_text(),
        2 => query_text(),
        1 => prop::sample::select(vec![
            "and", "OR", "not", "in", "to", "by", "IS", "LIKE", "BETWEEN", "FROM", "select", "offset", "now-5m", "5ms", "level",
            "@timestamp", "_time", "_stream", "earliest", "_exists_", "roam~1", "a^2", "x;", "index=", "rate", "a*:b", "f:g(",
        ]).prop_map(str::to_owned),
    ]
}

/// Values that share pieces with the conditions of [`condition`], so that many match.
pub(crate) fn value_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec![
            "conn", "Connection", "refused", "10.0.0.1", "170", "web-01", "错误", "连接", "É", "é", "e\u{301}", "ß", "\u{212A}", "İ", "ſ", "_", "-",
            ".", "/", " ", " ", "\n", "a", "A", "b", "5",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => (1..200_usize, prop::sample::select(vec!['x', 'é', '错', '😀'])).prop_map(|(n, c)| c.to_string().repeat(n)),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}
