//! How the tool speaks: a line per step with the seconds since the start, commands as they could be typed, their output
//! as it comes.

use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Instant;

use anyhow::{Context, Result, bail};

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Seconds since the tool first spoke.
pub(crate) fn elapsed() -> f64 {
    STARTED.elapsed().as_secs_f64()
}

/// Says what begins or has been found.
pub(crate) fn step(what: impl std::fmt::Display) {
    println!("[{:6.1} s] {what}", elapsed());
}

/// The command as it could be typed.
fn typed(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Runs a command with its output shown as it comes; an unsuccessful end is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    step(format!("$ {}", typed(command)));
    let status = command.status().with_context(|| format!("cannot run `{}`", typed(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", typed(command));
    }
    Ok(())
}

/// Runs a command quietly and returns what it printed; an unsuccessful end is an error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run `{}`", typed(command)))?;
    if !output.status.success() {
        bail!("`{}` failed ({})", typed(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed something else than UTF-8", typed(command)))
}

/// Whether a command can be run and ends well; what it prints is dropped.
pub(crate) fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
