//! The report as text.

use super::report::{Report, Row};
use comfy_table::{CellAlignment, Table, presets};
use std::fmt::Write;

/// A table for each group, above them what it ran on, below them what was not measured.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for (name, value) in about(report) {
        let _ = writeln!(text, "{name:<12} {value}");
    }
    let mut rest = &report.rows[..];
    while let Some(first) = rest.first() {
        let len = rest.iter().take_while(|row| row.group == first.group).count();
        let (group, after) = rest.split_at(len);
        let _ = write!(text, "\n{}\n{}\n", first.group, table(group));
        rest = after;
    }
    text.push_str("\nTimes are medians, in brackets the quartiles. Ratio: ours by the peer's.\n");
    for missing in &report.missing {
        let _ =
            writeln!(text, "not measured: {}: {}. {}", missing.peer, missing.why, missing.remedy);
    }
    text
}

/// What a reader must know of the run before any number.
#[must_use]
pub fn about(report: &Report) -> Vec<(&'static str, String)> {
    let machine = &report.machine;
    let emulated = "times below are those of an emulated processor: read counts and ratios only";
    let mut lines = vec![
        (
            "processor",
            format!("{}, {} cores, {} GiB", machine.cpu, machine.cores, machine.memory_gib),
        ),
        ("kernel", machine.kernel.clone()),
        ("memory", format!("{} ({} on {})", report.medium, report.dir, report.file_system)),
        (
            "write-back",
            format!("{}, persistence domain {}", machine.flush, machine.persistence_domain),
        ),
        ("date", format!("{}, daxscope {}", report.date, report.version)),
    ];
    if machine.emulated {
        lines.push(("emulated", emulated.into()));
    }
    lines
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["", "daxscope", "", "peer", "", "ratio", "per", ""]);
    for column in [1, 4] {
        table.column_mut(column).expect("it has so many").set_cell_alignment(CellAlignment::Right);
    }
    let mut last = "";
    for row in rows {
        let case = if row.case == last { "" } else { &row.case };
        last = &row.case;
        let peer = row.peer_ns.zip(row.peer_spread);
        table.add_row([
            case.to_owned(),
            nanoseconds(row.ours_ns),
            spread(row.ours_spread),
            row.peer.clone(),
            peer.map_or_else(String::new, |(peer, at)| {
                format!("{} {}", nanoseconds(peer), spread(at))
            }),
            row.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            row.unit.clone(),
            verdict(row).into(),
        ]);
    }
    table
}

/// Who is faster; a twentieth is nobody's.
#[must_use]
pub fn verdict(row: &Row) -> &'static str {
    match row.ratio {
        None => "",
        Some(ratio) if ratio > 1.05 => "the peer wins",
        Some(ratio) if ratio < 0.95 => "daxscope wins",
        Some(_) => "even",
    }
}

/// A time with three digits: `0.82 ns`, `12.3 ns`, `1.46 µs`.
#[must_use]
pub fn nanoseconds(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns => (ns / 1e6, "ms"),
    };
    format!("{} {unit}", three_digits(value))
}

fn three_digits(value: f64) -> String {
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.decimals$}")
}

/// Quartiles in the unit of the upper one: `(9.83–10.3)`.
#[must_use]
pub fn spread([low, high]: [f64; 2]) -> String {
    let divide = if high < 1e3 {
        1.0
    } else if high < 1e6 {
        1e3
    } else {
        1e6
    };
    format!("({}–{})", three_digits(low / divide), three_digits(high / divide))
}
