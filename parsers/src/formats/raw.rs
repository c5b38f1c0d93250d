//! Lines as they are: nothing is looked for, the time is that of the reading.

use std::borrow::Cow;

use crate::cursor::Outcome;
use crate::event::Parsed;
use crate::time::Context;

pub(crate) fn parse<'a>(line: &'a str, _context: &Context<'_>, out: &mut Parsed<'a>) -> Outcome {
    out.message = Cow::Borrowed(line);
    out.rebuilds_line = true;
    Ok(())
}
