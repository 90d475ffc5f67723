//! Coloured text where the output is a terminal that wants it; `anstream` decides.

use anstyle::{AnsiColor, Style};
use std::io::{self, Write};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const BAD: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
const GOOD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));
const NEW: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)));

/// Prints the text twin, a style per kind of line. The characters are those of the text.
///
/// # Errors
/// If standard output cannot be written.
pub(crate) fn twin(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    for line in text.lines() {
        let style = style_of(line);
        writeln!(out, "{style}{line}{style:#}")?;
    }
    out.flush()
}

fn style_of(line: &str) -> Style {
    let bad = ["  verdict:", "  broken since", "Unreachable:"];
    let words = line.trim_start();
    if line.starts_with("Step ") {
        BOLD
    } else if bad.iter().any(|start| line.starts_with(start)) || words.contains("BROKEN") {
        BAD
    } else if line.starts_with("Verdict:") {
        if line == "Verdict: ok" { GOOD } else { BAD }
    } else if line.starts_with("  changed:") || line.ends_with(" *") {
        NEW
    } else if line.starts_with("  rule:") || words.starts_with("~~~~") {
        DIM
    } else {
        Style::new()
    }
}

/// `ok`, green, or `DIFFERS`, red.
pub(crate) fn as_expected(ok: bool) -> String {
    let (style, word) = if ok { (GOOD, "ok") } else { (BAD, "DIFFERS") };
    format!("{style}{word}{style:#}")
}

/// The style of a verdict in a table, given the word and whether another one was expected; dim
/// where there is none.
pub(crate) fn verdict(found: Option<(&str, bool)>) -> Style {
    match found {
        None => DIM,
        Some((_, true)) => BAD.invert(),
        Some(("ok", false)) => GOOD,
        Some((_, false)) => BAD,
    }
}

/// Prints one message to standard error.
pub(crate) fn error(message: &str) {
    anstream::eprintln!("{BAD}error:{BAD:#} {message}");
}
