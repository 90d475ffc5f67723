//! `daxscope`: the machine on the command line.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod input;
mod paint;

use clap::Parser;
use std::process::ExitCode;

/// What a command came to; the exit status says it.
enum Outcome {
    /// Everything is as expected: status 0.
    AsExpected,
    /// A verdict differs from the expectation, or an image is not sound: status 1.
    Differs,
}

fn main() -> ExitCode {
    match commands::run(args::Args::parse()) {
        Ok(Outcome::AsExpected) => ExitCode::SUCCESS,
        Ok(Outcome::Differs) => ExitCode::from(1),
        // A reader that closed the pipe early has what it wanted.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            paint::error(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
