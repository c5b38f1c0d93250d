//! What is found and what isn't. `«…»` marks what must be masked.

use proptest::prelude::*;

use super::*;

fn redactor(names: &[&str], mask: Mask) -> Redactor {
    Redactor::new(names.iter().map(|name| Pattern::built_in(name).unwrap()).collect(), mask)
}

#[track_caller]
fn check(name: &str, rows: &[&str]) {
    let mut redactor = redactor(&[name], Mask::Name);
    for row in rows {
        let text = row.replace(['«', '»'], "");
        let mut expected = String::new();
        for (index, part) in row.split(['«', '»']).enumerate() {
            expected.push_str(if index % 2 == 0 { part } else { "[" });
            expected.push_str(if index % 2 == 0 { "" } else { name });
            expected.push_str(if index % 2 == 0 { "" } else { "]" });
        }
        let masked = redactor.redact(&text, &mut |_| {}).unwrap_or(text);
        assert_eq!(masked, expected);
    }
}

#[test]
fn addresses_of_mail() {
    check(
        "email",
        &[
            "mail to «alice@example.com» and «b.o-b+x_1%@mail.example.co.uk».",
            "user=«a@b.de», <«x@y.org»>;«c@d.io»:25",
            "\"«alice@example.com»\"",
            "«müller@example.com» «数据@example.com»",
            "...«a@b.de»...",
            "«a@b.xn--p1ai»",
            "root@localhost left-pad@1.3.0 ssh git@10.0.0.1 @example.com a@ @ a@.com a@b.c user@host-1",
            "«a@b.com»@",
            "GET /?to=«bob.b%40example.com»&x=100%25 «%C3%BC%40example.de» 100%40 a%41b.de",
            "",
        ],
    );
}

#[test]
fn card_numbers() {
    check(
        "card",
        &[
            "paid with «4111111111111111».",
            "«4111 1111 1111 1111» «4111-1111-1111-1111» card=«378282246310005»",
            "amex «3782 822463 10005», diners «3056 930902 5904», «30569309025904»",
            "«6011111111111117» «3530111333300000» «2223003122003222» «6200000000000005»",
            "1 «4111 1111 1111 1111» 2",
            "{\"card\":«4111111111111111»,\"n\":1}",
            "2026-11-22 «4222222222222» 10:30",
            // No right check digit, no issuer, another length.
            "4111111111111112 1234567812345670 411111111111111 41111111111111111111111",
            // Times and ids.
            "1795343400000000000 1795343400123 2026-11-22 10:30:00.123456789 20261122103000",
            "id=a4111111111111111 0.4111111111111111 4111111111111111.5 4111111111111111b 00000000-0000-4111-1111-111111111111",
            // Telephones.
            "+4111111111111111 +37 8282 246310005 +5018 0000 00009 tel:+50180000000009",
            "+49 30 123456, «4111 1111 1111 1111»",
            // Groups as no card has them.
            "4111 1111-1111 1111 411 11111 1111 1111 4111  1111 1111 1111",
        ],
    );
}

#[test]
fn tokens() {
    let github = format!("ghp_{}", "a1B2".repeat(9));
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9";
    check(
        "token",
        &[
            "Authorization: Bearer «abcdefghijklmnop.qrst-uv==» ok",
            &format!("token=«{jwt}» «{github}»"),
            "key «AKIAIOSFODNN7EXAMPLE» «ASIAIOSFODNN7EXAMPLE»",
            "«-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----» after",
            "«-----BEGIN PRIVATE KEY----- cut",
            "«xoxb-123456789012-abcdef» «sk_live_4eC39HqLyjWDarjtT1zdp7dc» «glpat-ABCDEFGHIJ0123456789»",
            "Authorization: Basic «dXNlcjpwYXNz» \"authorization\":\"basic «dXNlcjpwYXM=»\"",
            "token=«abc» /cb?access_token=«x1»&state=y csrf_token: «a1b2c3d4e5» {\"token\":\"«short»\"}",
            "sessionid=«38afes7a8»; PHPSESSID=«298zf09hf012fh2»; JSESSIONID=«A.node1»",
            "Cookie: «a=1; sid=31d4d96e407aad42; c=x» 200 Set-Cookie: «id=a3fWa; Path=/»; HttpOnly cookie=«x=1» y",
            "Unexpected token: identifier, max_tokens=512, Basic instructions, basic authentication, Cookie: ",
            "bearer of bad news, the bearer token, ghp_short, AKIA, eyJ, xAKIAIOSFODNN7EXAMPLE",
            "-----BEGIN CERTIFICATE-----",
        ],
    );
}

#[test]
fn passwords() {
    check(
        "password",
        &[
            "login password=«hunter2» ok",
            "PASSWORD: «hunter2», db_password=«x»; passwd=>«y»",
            r#"{"password":"«hunter 2»","user":"bob"}"#,
            r#"{"a":"{\"password\":\"«x»\",\"b\":1}"}"#,
            r#"{"api_key": "«a\"b»", "n":1}"#,
            "client_secret='«s p»' access_token=«abc»&user=bob",
            "Authorization: «Basic dXNlcjpwYXNz» next",
            "postgres://app:«s3cret»@db:5432/shop https://example.com:8080/a@b http://user@host/",
            "Failed password for invalid user bob; PWD=/root ; password reset; secret santa; password=",
            "pwd=«abc»",
        ],
    );
}

#[test]
fn addresses_of_machines() {
    check(
        "ipv4",
        &[
            "from «10.0.0.17»:5432 to «192.168.1.255»/24, «8.8.8.8».",
            "host/«10.0.0.1»:80 ...«1.2.3.4»... [«1.2.3.4»]",
            "v1.2.3.4 1.2.3 1.2.3.4.5 256.1.1.1 01.2.3.4 10.0.0 Chrome/118.0.0.0 1.2.3.4a 1..2.3.4 3.14",
            "2026.11.22 10.30.00",
        ],
    );
    check(
        "ipv6",
        &[
            "from «2001:db8::1», [«2001:db8::1»]:443 «fe80::1»%eth0 id:«fe80::1» ip:«2001:db8::2»: down",
            "«::ffff:10.0.0.1» «2001:0db8:0000:0000:0000:ff00:0042:8329».",
            "12:30:45 00:1a:2b:3c:4d:5e std::fmt::Display dead::beef a::b :: 1:2 10:00:00.123 12:30:45: x",
        ],
    );
}

#[test]
fn what_overlaps_goes_as_one() {
    let mut redactor = redactor(&["email", "password"], Mask::Name);
    let masked = redactor.redact("password=alice@example.com!x", &mut |_| {});
    assert_eq!(masked.as_deref(), Some("password=[email]"));
}

#[test]
fn tokens_are_the_same_for_the_same_value_and_differ_by_key() {
    let mask =
        |key: &[u8], text: &str| redactor(&["email"], Mask::token(key)).redact(text, &mut |_| {}).unwrap();
    let one = mask(b"0123456789abcdef", "a@b.de x@y.de a@b.de");
    let words: Vec<_> = one.split(' ').collect();
    assert!(words[0] == words[2] && words[0] != words[1], "{one}");
    assert!(words[0].starts_with("[email:") && words[0].len() == "[email:]".len() + 16);
    assert_ne!(words[0], mask(b"fedcba9876543210", "a@b.de"));
}

#[test]
fn an_own_pattern_that_looks_far_ahead_for_each_letter_is_cut_short() {
    // Each search looks for an end of the first alternative up to the end of the text, in vain.
    let pattern = Pattern::own("letter", ".*[^A-Z]|[A-Z]").unwrap();
    let mut redactor = Redactor::new(vec![pattern], Mask::Name);
    let mut finds_of = |text: &str| redactor.redact(text, &mut |_| {}).unwrap().matches("[letter]").count();
    assert_eq!(finds_of(&"A".repeat(2_000)), 2_000);
    // 256 searches of nearly a mebibyte; the rest goes as one.
    assert_eq!(finds_of(&"A".repeat(1 << 20)), 257);
}

#[test]
fn own_patterns_are_searched_too() {
    let pattern = Pattern::own("order", r"ORD-\d+").unwrap();
    let mut redactor = Redactor::new(vec![pattern], Mask::Name);
    assert_eq!(redactor.redact("é ORD-17, ORD-", &mut |_| {}).as_deref(), Some("é [order], ORD-"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_can_be_searched(
        pieces in prop::collection::vec(prop_oneof![
            prop::sample::select(vec![
                "@", "a@b.de", "4111111111111111", "4111 1111 ", "-", " ", ".", ":", "::", "1", "10.0.0.1", "fe80::1",
                "Bearer ", "eyJ", "-----BEGIN ", "PRIVATE KEY-----", "-----END ", "password", "=", "\"", "\\", "://", "/", "é", "错",
            ]).prop_map(str::to_owned),
            "\\PC{0,3}",
        ], 0..24),
    ) {
        let text = pieces.concat();
        let names: Vec<_> = names().collect();
        let mut redactor = redactor(&names, Mask::Name);
        let mut removed = Vec::new();
        let masked = redactor.redact(&text, &mut |hidden| removed.push(hidden.to_owned()));
        prop_assert_eq!(masked.is_some(), !removed.is_empty());
        // What is free on both sides is found, whatever stands around it.
        for secret in ["a@b.de", "4111111111111111", "10.0.0.1", "fe80::1"] {
            let around = format!("{text} ({secret}) {text}");
            let masked = redactor.redact(&around, &mut |_| {}).unwrap_or_default();
            prop_assert!(!masked.contains(&format!("({secret})")), "{}", around);
        }
    }
}
