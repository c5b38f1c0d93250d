//! Standard input, a line a record: `some-program | millpond-agent run --config agent.toml`. While the spool is full
//! the program before the pipe waits.

use super::lines::{Rest, take_in};
use super::{InputError, Sink};

/// See the module.
#[derive(Debug)]
pub struct Stdin;

impl Stdin {
    /// Reads to the end of standard input, or of the program.
    ///
    /// # Errors
    /// Never: what can't be read has come to its end, and is said.
    pub async fn receive(&mut self, sink: &Sink) -> Result<(), InputError> {
        if let Err(error) = take_in("stdin", std::io::stdin(), sink, Rest::Line, |_| None).await {
            tracing::error!(%error, "standard input can't be read any further");
        }
        Ok(())
    }
}
