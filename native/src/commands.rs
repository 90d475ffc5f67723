//! One module per command.

mod check;
mod crash;
#[cfg(target_os = "linux")]
mod doctor;
mod list;
mod matrix;
mod run;
#[cfg(target_os = "linux")]
mod torture;

use crate::Outcome;
use crate::args::{Args, Command};
use anyhow::Result;
use serde::Serialize;
use std::io::Write;

/// Runs the command.
///
/// # Errors
/// Bad input, in one message.
pub(crate) fn run(args: Args) -> Result<Outcome> {
    match args.command {
        Command::List { json } => list::list(json),
        Command::Run(run) => run::run(&run),
        Command::Check { paths, json } => check::check(&paths, json),
        Command::Matrix { paths, json } => matrix::matrix(&paths, json),
        Command::Crash { choice, step, json } => crash::crash(&choice, step, json),
        #[cfg(target_os = "linux")]
        Command::Doctor { paths, json } => doctor::doctor(&paths, json),
        #[cfg(target_os = "linux")]
        Command::Torture(torture) => torture::torture(&torture),
    }
}

/// Prints a value as indented JSON.
fn print_json(value: &impl Serialize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// The step, if the session has it.
///
/// # Errors
/// Which steps there are.
fn existing_step(session: &daxscope_scenarios::Session, step: usize) -> Result<usize> {
    let last = session.last_step();
    if step <= last {
        return Ok(step);
    }
    anyhow::bail!("step {step} does not exist: this run has steps 0 to {last}")
}
