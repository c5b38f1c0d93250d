//! `token`: credentials that are known by their looks; `password`: values that are known by the name before them, and
//! passwords in URLs. Both search for literals with one automaton each and read on from there.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use super::{Finds, before, is_word};

/// How a kind of token goes on after its literal.
struct Token {
    literal: &'static str,
    /// Least number of bytes after it.
    rest_bytes_min: usize,
    /// Signs beside letters and digits.
    signs: &'static [u8],
    /// The literal says what follows and stays.
    stays: bool,
}

const fn token(literal: &'static str, rest_bytes_min: usize, signs: &'static [u8]) -> Token {
    Token { literal, rest_bytes_min, signs, stays: false }
}

const fn bearer(literal: &'static str) -> Token {
    // RFC 6750, 2.1.
    Token { literal, rest_bytes_min: 16, signs: b"-._~+/=", stays: true }
}

/// Begins a private key (RFC 7468); its end is searched for.
const KEY_BEGIN: &str = "-----BEGIN ";

/// User and password in base64 (RFC 7617).
const BASIC: &str = "Basic ";

const TOKENS: [Token; 24] = [
    token(KEY_BEGIN, 0, b""),
    Token { literal: BASIC, rest_bytes_min: 8, signs: b"+/=", stays: true },
    Token { literal: "basic ", rest_bytes_min: 8, signs: b"+/=", stays: true },
    bearer("Bearer "),
    bearer("bearer "),
    bearer("BEARER "),
    // A JSON Web Token (RFC 7519): `{"` in base64.
    token("eyJ", 20, b"-_."),
    // AWS.
    token("AKIA", 16, b""),
    token("ASIA", 16, b""),
    // GitHub.
    token("ghp_", 36, b""),
    token("gho_", 36, b""),
    token("ghu_", 36, b""),
    token("ghs_", 36, b""),
    token("ghr_", 36, b""),
    token("github_pat_", 22, b"_"),
    // GitLab, Slack, Stripe, Google.
    token("glpat-", 20, b"-_"),
    token("xoxb-", 10, b"-"),
    token("xoxp-", 10, b"-"),
    token("xoxa-", 10, b"-"),
    token("xoxr-", 10, b"-"),
    token("xoxs-", 10, b"-"),
    token("sk_live_", 16, b""),
    token("rk_live_", 16, b""),
    token("AIza", 35, b"-_"),
];

static TOKEN_LITERALS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let literals = TOKENS.iter().map(|token| token.literal);
    AhoCorasickBuilder::new().match_kind(MatchKind::LeftmostFirst).build(literals).ok()
});

pub(super) fn find_tokens(text: &str, finds: &mut Finds) {
    let bytes = text.as_bytes();
    let Some(literals) = &*TOKEN_LITERALS else { return };
    let mut free = 0;
    for literal in literals.find_iter(text) {
        let (start, end) = (literal.start(), literal.end());
        let Some(token) = TOKENS.get(literal.pattern().as_usize()) else { continue };
        if start < free || before(bytes, start).is_some_and(is_word) {
            continue;
        }
        let found = if token.literal == KEY_BEGIN {
            private_key(text, start, end)
        } else {
            let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || token.signs.contains(*byte);
            let rest = bytes.get(end..).unwrap_or_default();
            let rest_bytes = rest.iter().take_while(is_part).count();
            let is_basic = token.literal.eq_ignore_ascii_case(BASIC);
            let is_whole = rest_bytes >= token.rest_bytes_min
                && (!is_basic || is_base64(rest.get(..rest_bytes).unwrap_or_default()));
            is_whole.then_some((if token.stays { end } else { start }, end + rest_bytes))
        };
        if let Some((start, end)) = found {
            free = end;
            finds.push(start, end);
        }
    }
    find_named(text, &TOKEN_NAME_LITERALS, finds);
}

/// In whole groups, and not a word such as `instructions`.
fn is_base64(text: &[u8]) -> bool {
    let is_of_words = text.iter().all(u8::is_ascii_lowercase);
    text.len().is_multiple_of(4) && !is_of_words
}

/// To the line that ends it, or to the end of the text, if the line that begins it says that it is private.
fn private_key(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    const KIND: &str = "PRIVATE KEY-----";
    const END: &str = "-----END ";
    const LONGEST_BYTES: usize = 32;
    let rest = text.get(end..)?;
    let kind_end = rest.find(KIND).filter(|at| *at <= LONGEST_BYTES)? + KIND.len();
    let body = rest.get(kind_end..)?;
    let length = body.find(END).map(|at| {
        let end_line = body.get(at + END.len()..).unwrap_or_default();
        at + END.len() + end_line.find(KIND).map_or(end_line.len(), |kind| kind + KIND.len())
    });
    Some((start, end + kind_end + length.unwrap_or(body.len())))
}

/// Names of tokens and of what stands for a session, alone or as the end of a longer name: `JSESSIONID`, `Set-Cookie`.
const TOKEN_NAMES: [&str; 9] = [
    "token",
    "access_token",
    "refresh_token",
    "auth_token",
    "accesstoken",
    "sessionid",
    "session_id",
    "sessid",
    COOKIE,
];
const COOKIE: &str = "cookie";

/// Names of secrets, as those; and what stands before the user in a URL.
const SECRET_NAMES: [&str; 17] = [
    URL,
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "client_secret",
    "secret_key",
    "secret-key",
    "secret_access_key",
    "secretkey",
    "api_key",
    "api-key",
    "apikey",
    "private_key",
    "privatekey",
    "authorization",
];
const URL: &str = "://";

type Literals = LazyLock<Option<AhoCorasick>>;

static TOKEN_NAME_LITERALS: Literals = LazyLock::new(|| names_of(&TOKEN_NAMES, &[]));
static SECRET_LITERALS: Literals = LazyLock::new(|| names_of(&SECRET_NAMES, &TOKEN_NAMES));

fn names_of(names: &[&str], more: &[&str]) -> Option<AhoCorasick> {
    AhoCorasickBuilder::new()
        .match_kind(MatchKind::LeftmostLongest)
        .ascii_case_insensitive(true)
        .build(names.iter().chain(more))
        .ok()
}

pub(super) fn find_passwords(text: &str, finds: &mut Finds) {
    find_named(text, &SECRET_LITERALS, finds);
}

fn find_named(text: &str, literals: &Literals, finds: &mut Finds) {
    let Some(literals) = &**literals else { return };
    let mut free = 0;
    for literal in literals.find_iter(text).filter(|literal| !literal.is_empty()) {
        if literal.start() < free {
            continue;
        }
        let found = if text.get(literal.range()) == Some(URL) {
            url_password(text, literal.end())
        } else {
            value(text, literal.start(), literal.end())
        };
        if let Some((start, end)) = found {
            free = end;
            finds.push(start, end);
        }
    }
}

pub(super) fn is_secret_name(name: &str) -> bool {
    SECRET_NAMES.iter().chain(&TOKEN_NAMES).any(|secret| {
        let start = name.len().checked_sub(secret.len());
        start.and_then(|start| name.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(secret))
    })
}

/// `user:password@` after `://`.
fn url_password(text: &str, from: usize) -> Option<(usize, usize)> {
    let rest = text.get(from..)?;
    let is_end = |c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '<' | '>' | '?' | '#');
    let authority = rest.get(..rest.find(is_end).unwrap_or(rest.len()))?;
    let at = authority.rfind('@')?;
    let colon = authority.find(':').filter(|colon| colon + 1 < at)?;
    Some((from + colon + 1, from + at))
}

/// The value after a name that ends at `name_end`: behind `=`, `:` or `=>`, in quotes or up to the next space.
fn value(text: &str, name_start: usize, name_end: usize) -> Option<(usize, usize)> {
    let rest = text.get(name_end..)?;
    let is_quote = |c: char| matches!(c, '"' | '\'' | '\\');
    let sign = rest.trim_start_matches(is_quote).trim_start_matches(' ');
    let after_sign = sign.strip_prefix("=>").or_else(|| sign.strip_prefix(['=', ':']))?;
    let value = after_sign.trim_start_matches([' ', '\t']);
    let opening = value.len() - value.trim_start_matches('\\').len();
    let quote = value.get(opening..)?.chars().next().filter(|c| matches!(c, '"' | '\''));
    let start = text.len() - value.len() + quote.map_or(0, |_| opening + 1);
    let value = text.get(start..)?;
    let name = text.get(name_start..name_end)?;
    let length = match quote {
        Some(quote) => quoted_bytes(value, quote, opening),
        None if name.eq_ignore_ascii_case(COOKIE) => cookie_bytes(value),
        None => plain_bytes(value),
    };
    let hidden = value.get(..length)?;
    // `Unexpected token: text` is prose.
    let is_prose = quote.is_none() && sign.starts_with(':') && name.eq_ignore_ascii_case("token");
    if is_prose && !(hidden.len() >= 8 && hidden.bytes().any(|byte| byte.is_ascii_digit())) {
        return None;
    }
    // `PWD=/root` is the working directory.
    let is_directory = hidden.starts_with('/') && name.eq_ignore_ascii_case("pwd");
    (!hidden.is_empty() && !is_directory).then_some((start, start + length))
}

/// Up to the quote that ends the value: one behind as many backslashes as the one that began it, or fewer.
fn quoted_bytes(value: &str, quote: char, opening: usize) -> usize {
    let mut backslashes = 0;
    for (at, c) in value.char_indices() {
        match c {
            '\\' => backslashes += 1,
            c if c == quote && backslashes <= opening => return at - backslashes,
            _ => backslashes = 0,
        }
    }
    value.len()
}

/// All pairs of a cookie's header, `a=1; b=2`; what has no `=` ends them.
fn cookie_bytes(value: &str) -> usize {
    let (mut at, mut length) = (0, 0);
    for part in value.split_inclusive(';') {
        let blank = part.len() - part.trim_start_matches(' ').len();
        let pair = part.get(blank..).unwrap_or_default();
        let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';');
        let bytes = pair.find(is_end).unwrap_or(pair.len());
        if !pair.get(..bytes).is_some_and(|pair| pair.contains('=')) {
            return if length == 0 { bytes } else { length };
        }
        length = at + blank + bytes;
        at += part.len();
        // Something else follows than the next pair.
        if pair.get(bytes..).is_some_and(|rest| !rest.starts_with(';')) {
            return length;
        }
    }
    length
}

/// Up to a space, a quote or `&`; without punctuation at the end. What follows `Bearer` and its like belongs to it.
fn plain_bytes(value: &str) -> usize {
    let word = |text: &str| {
        text.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '&')).unwrap_or(text.len())
    };
    let mut length = word(value);
    let is_scheme =
        |text: &str| ["basic", "bearer", "digest", "token"].iter().any(|s| text.eq_ignore_ascii_case(s));
    if value.get(..length).is_some_and(is_scheme)
        && let Some(rest) = value.get(length..).and_then(|rest| rest.strip_prefix(' '))
    {
        length += 1 + word(rest);
    }
    let hidden = value.get(..length).unwrap_or_default();
    hidden.trim_end_matches([',', ';', ')', '}', ']', '>']).len()
}
