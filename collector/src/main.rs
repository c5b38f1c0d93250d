//! The collector's program: reads the arguments, does what they say, tells how it went.

use std::process::ExitCode;

use clap::Parser;
use millpond_collector::commands::Arguments;

/// The allocator of the C library gives large blocks back to the system at once, and the index asks for them again for
/// each block of a dictionary.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match Arguments::parse().execute() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("millpond-collector: {error}");
            ExitCode::FAILURE
        }
    }
}
