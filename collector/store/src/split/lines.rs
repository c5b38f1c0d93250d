//! Texts on their way into the word index: the query language's tokens, one a line, which Tantivy cuts again at the ends of
//! lines. So texts are tokenised once, and whoever does it sees each token.

use millpond_query::tokens::for_each_token;
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// The tokens of a text that are kept, each with an end of line.
pub(super) fn lines(text: &str, mut keeps: impl FnMut(&str) -> bool) -> String {
    let mut lines = String::with_capacity(text.len() + 1);
    for_each_token(text, |token| {
        if keeps(token) {
            lines.push_str(token);
            lines.push('\n');
        }
    });
    lines
}

/// Cuts at the ends of lines, as Tantivy wants tokenizers.
#[derive(Clone, Default)]
pub(super) struct LineTokenizer {
    token: Token,
}

impl Tokenizer for LineTokenizer {
    type TokenStream<'a> = Lines<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Lines<'a> {
        self.token.reset();
        Lines { token: &mut self.token, rest: text }
    }
}

pub(super) struct Lines<'a> {
    token: &'a mut Token,
    rest: &'a str,
}

impl TokenStream for Lines<'_> {
    fn advance(&mut self) -> bool {
        let Some((line, rest)) = self.rest.split_once('\n') else { return false };
        self.rest = rest;
        self.token.text.clear();
        self.token.text.push_str(line);
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
