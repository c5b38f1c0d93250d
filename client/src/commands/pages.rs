//! Rows of queries, page by page, for all commands that show documents. A page is read as fast as it comes, and only
//! then written: the collector doesn't wait for whoever reads what we write.

use std::ops::ControlFlow;

use serde::Deserialize;

use super::{Meta, Shell};
use crate::api::Parameters;
use crate::arguments::Search;
use crate::failure::Failure;
use crate::limits::{PAGE_BYTES_MAX, PAGE_ROWS, SEARCH_PAGE_ROWS};
use crate::records;
use crate::row::Row;

/// The last line of rows.
#[derive(Deserialize)]
struct LastLine {
    _meta: Meta,
}

/// What every last line begins with, and no row: an id or a cell that is no object comes first there.
const LAST_LINE: &str = "{\"_meta\":{";

/// What the last line of rows says; `None` of a row.
pub(super) fn last_line(line: &str) -> Option<Meta> {
    let last = line.starts_with(LAST_LINE).then(|| serde_json::from_str::<LastLine>(line).ok());
    last.flatten().map(|last| last._meta)
}

/// A line as a row.
pub(super) fn row(line: &str) -> Result<Row, Failure> {
    serde_json::from_str(line).map_err(|_| Failure::CutOff("a line is no JSON object".into()))
}

/// Asks for one page of rows and hands over each line, until that breaks off. Gives their number and what the last line
/// says; `None` when it was not read.
pub(super) fn page(
    path: &str,
    parameters: &Parameters,
    shell: &mut Shell,
    each: &mut impl FnMut(&str, &mut Shell) -> Result<ControlFlow<()>, Failure>,
) -> Result<(usize, Option<Meta>), Failure> {
    let mut lines = shell.api.lines(path, parameters)?;
    let mut count = 0;
    while let Some(line) = lines.read()? {
        if let Some(meta) = last_line(line) {
            return Ok((count, Some(meta)));
        }
        count += 1;
        if each(line, shell)?.is_break() {
            return Ok((count, None));
        }
    }
    // What came is shown; a script must not take it for all.
    shell.out.flush()?;
    Err(Failure::CutOff("its last line is missing".into()))
}

/// Asks for the rows of a search page by page and hands over each line. Gives their number.
pub(super) fn pages(
    search: &Search,
    parameters: &Parameters,
    shell: &mut Shell,
    mut each: impl FnMut(&str, &mut Shell) -> Result<(), Failure>,
) -> Result<usize, Failure> {
    // A pipe may order or compare rows: then each page runs the query from its start, and there should be few.
    let is_piped = search.query.text().contains('|');
    let page_rows = if is_piped { PAGE_ROWS } else { SEARCH_PAGE_ROWS };
    let mut all = parameters.clone();
    all.push(("order", search.order.name().to_owned()));
    if search.limit > page_rows {
        shell.hold(&mut all);
    }
    let (mut count, mut cursor) = (0, None::<String>);
    loop {
        let mut parameters = all.clone();
        parameters.push(("limit", search.limit.saturating_sub(count).clamp(1, page_rows).to_string()));
        parameters.extend(cursor.clone().map(|cursor| ("cursor", cursor)));
        let mut held = Held { is_piped, ..Held::default() };
        let mut take = |line: &str, shell: &mut Shell| held.take(line, shell, &mut each);
        let read = page("/api/v1/query", &parameters, shell, &mut take);
        let last_id = held.lines.last().and_then(|line| records::id(line, false));
        held.write(shell, &mut each)?;
        let (rows, meta) = read?;
        count += rows;
        let mut meta = match (meta, last_id) {
            (Some(meta), _) => meta,
            (None, Some(id)) => Meta { cursor: Some(id), ..Meta::default() },
            (None, None) => return Err(Failure::CutOff("a row has no id to go on after".into())),
        };
        if cursor.is_some() {
            meta.warnings.clear();
        }
        let next = meta.cursor.take().filter(|next| count < search.limit && cursor.as_ref() != Some(next));
        // What the time did not suffice for, the next page finds.
        let is_id = next.as_ref().is_some_and(|next| next.len() == 32);
        meta.partial &= !(is_id && matches!(meta.reason.as_deref(), Some("deadline" | "scanned_bytes")));
        shell.tell(&meta);
        if next.is_none() {
            return Ok(count);
        }
        cursor = next;
    }
}

/// Rows of a page that were read and not written yet.
#[derive(Default)]
struct Held {
    is_piped: bool,
    lines: Vec<String>,
    bytes: usize,
}

impl Held {
    /// Holds the line. On a terminal it is written at once, for people see there what is found as it is found.
    fn take(
        &mut self,
        line: &str,
        shell: &mut Shell,
        each: &mut impl FnMut(&str, &mut Shell) -> Result<(), Failure>,
    ) -> Result<ControlFlow<()>, Failure> {
        self.bytes += line.len();
        self.lines.push(line.to_owned());
        if shell.out.is_terminal() || (self.is_piped && self.bytes >= PAGE_BYTES_MAX) {
            self.write(shell, each)?;
        }
        let is_full = self.bytes >= PAGE_BYTES_MAX && !self.lines.is_empty();
        Ok(if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn write(
        &mut self,
        shell: &mut Shell,
        each: &mut impl FnMut(&str, &mut Shell) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.lines.drain(..).try_for_each(|line| each(&line, shell))
    }
}
