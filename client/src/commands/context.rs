//! `context`: what came just before and after a document. People see the document itself marked.

use std::ops::ControlFlow;

use clap::ValueEnum;

use super::pages::page;
use super::tail::{document, format, show};
use super::{Outcome, Shell};
use crate::api::Parameters;
use crate::arguments::{Context, TailFormat};
use crate::failure::Failure;
use crate::style::Style;

pub(crate) fn run(context: &Context, shell: &mut Shell) -> Result<Outcome, Failure> {
    let mut parameters = Parameters::from([
        ("id", context.id.clone()),
        ("before", context.before.to_string()),
        ("after", context.after.to_string()),
    ]);
    parameters.extend(context.scope.to_possible_value().map(|scope| ("scope", scope.get_name().to_owned())));
    let query = context.query.text();
    if !query.is_empty() {
        parameters.push(("q", query));
    }
    let format = format(context.output, shell);
    let read = page("/api/v1/context", &parameters, shell, &mut |line, shell| {
        let document = document(line)?;
        if format == TailFormat::Pretty {
            let is_it = document.id.eq_ignore_ascii_case(&context.id);
            let mark = if is_it { shell.look.palette.paint(Style::Bold, "> ") } else { "  ".to_owned() };
            shell.out.write(mark.as_bytes())?;
        }
        show(&document, format, shell)?;
        Ok(ControlFlow::Continue(()))
    });
    match read {
        // Retention may have taken it: that is an answer.
        Err(failure) if failure.code() == Some("no_such_document") => Ok(Outcome::Nothing),
        Err(failure) => Err(failure),
        Ok((_, meta)) => {
            shell.tell(&meta.unwrap_or_default());
            Ok(Outcome::Found)
        }
    }
}
