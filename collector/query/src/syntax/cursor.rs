//! A place in the text, and what has been used up of the limits on the way there.

use crate::error::{QueryError, QueryErrorCode, Span};
use crate::limits::{MAX_CLAUSES, MAX_DEPTH, MAX_REGEXES};

/// Moves forward over the text, always on character boundaries.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    clauses: usize,
    regexes: usize,
    /// Whether `=~` has to match the whole value, as in Loki.
    whole_regexes: bool,
    /// Computed keys of the table that the pipes so far make; none before a table.
    table: Option<Vec<String>>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0, depth: 0, clauses: 0, regexes: 0, whole_regexes: false, table: None }
    }

    /// Offset of the next character, bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes back, or on, to an offset that [`at`](Self::at) has given.
    pub(super) fn set(&mut self, at: usize) {
        self.at = at;
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// What is not read yet.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// What was read since `start`.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The character after the next one.
    pub(super) fn peek_second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(super) fn sees(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    /// Reads `text` if it is next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let seen = self.sees(text);
        if seen {
            self.at += text.len();
        }
        seen
    }

    /// Reads white space. True when there was some.
    pub(super) fn skip_space(&mut self) -> bool {
        let rest = self.rest();
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed.len() < rest.len()
    }

    /// Whether this word is next, in any case, and ends there.
    pub(super) fn sees_keyword(&self, keyword: &str) -> bool {
        self.sees_keyword_before(keyword, &['(', ')', '"', '|'])
    }

    fn sees_keyword_before(&self, keyword: &str, ends: &[char]) -> bool {
        let rest = self.rest();
        let matches = rest.get(..keyword.len()).is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        let after = rest.get(keyword.len()..).and_then(|rest| rest.chars().next());
        matches && after.is_none_or(|c| c.is_whitespace() || ends.contains(&c))
    }

    /// Reads the keyword if it is next and ends an item of a list: a comma may follow.
    pub(super) fn eat_item_keyword(&mut self, keyword: &str) -> bool {
        let seen = self.sees_keyword_before(keyword, &[')', ',', '|']);
        if seen {
            self.at += keyword.len();
        }
        seen
    }

    /// Reads the keyword if it is next.
    pub(super) fn eat_keyword(&mut self, keyword: &str) -> bool {
        let seen = self.sees_keyword(keyword);
        if seen {
            self.at += keyword.len();
        }
        seen
    }

    /// Runs `inner` one level deeper. The error points at what opened the level, which was read since `start`.
    pub(super) fn deeper<T>(
        &mut self,
        start: usize,
        inner: impl FnOnce(&mut Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        self.enter(start)?;
        let result = inner(self);
        self.leave();
        result
    }

    /// Goes one level deeper; the error is that of [`deeper`](Self::deeper).
    pub(super) fn enter(&mut self, start: usize) -> Result<(), QueryError> {
        if self.depth == MAX_DEPTH {
            let message = format!("the query nests more than {MAX_DEPTH} levels deep");
            return Err(self.error_from(start, QueryErrorCode::TooDeep, message).hint("remove parentheses"));
        }
        self.depth += 1;
        Ok(())
    }

    /// Comes back from what [`enter`](Self::enter) entered.
    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Counts a condition that was read since `start`.
    pub(super) fn count_clause(&mut self, start: usize) -> Result<(), QueryError> {
        if self.clauses == MAX_CLAUSES {
            let message = format!("the query has more than {MAX_CLAUSES} conditions");
            return Err(self
                .error_from(start, QueryErrorCode::TooMany, message)
                .hint("use a wildcard, a range or a regular expression"));
        }
        self.clauses += 1;
        Ok(())
    }

    /// Counts a regular expression that was read since `start`.
    pub(super) fn count_regex(&mut self, start: usize) -> Result<(), QueryError> {
        if self.regexes == MAX_REGEXES {
            let message = format!("the query has more than {MAX_REGEXES} regular expressions");
            return Err(self
                .error_from(start, QueryErrorCode::TooMany, message)
                .hint("join them with | in one, or use wildcards"));
        }
        self.regexes += 1;
        Ok(())
    }

    /// Whether `=~` has to match the whole value.
    pub(super) fn has_whole_regexes(&self) -> bool {
        self.whole_regexes
    }

    /// Runs `inner`, which is LogQL: there `=~` has to match the whole value.
    pub(super) fn with_whole_regexes<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.whole_regexes, true);
        let result = inner(self);
        self.whole_regexes = before;
        result
    }

    /// From here on rows are those of a table, with these computed keys among its columns.
    pub(super) fn enter_table(&mut self, computed_keys: Vec<String>) {
        self.table = Some(computed_keys);
    }

    /// The computed keys of the table whose rows a condition is about; none before a table.
    pub(super) fn table(&self) -> Option<&[String]> {
        self.table.as_deref()
    }

    /// What was read since `start`.
    pub(super) fn span_from(&self, start: usize) -> Span {
        Span::between(start, self.at)
    }

    /// An error about what was read since `start`.
    pub(super) fn error_from(
        &self,
        start: usize,
        code: QueryErrorCode,
        message: impl Into<String>,
    ) -> QueryError {
        QueryError::new(code, self.span_from(start), message)
    }

    /// An error about the next character, or the end of the text.
    pub(super) fn error_here(&self, code: QueryErrorCode, message: impl Into<String>) -> QueryError {
        let length = self.peek().map_or(0, char::len_utf8);
        QueryError::new(code, Span { offset_bytes: self.at, length_bytes: length }, message)
    }
}
