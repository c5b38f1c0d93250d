//! The collector's program: reads the arguments, does what they say, tells how it went.

use std::process::ExitCode;

use clap::Parser;
use millpond_collector::commands::Arguments;

fn main() -> ExitCode {
    match Arguments::parse().execute() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("millpond-collector: {error}");
            ExitCode::FAILURE
        }
    }
}
