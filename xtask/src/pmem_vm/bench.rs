//! The benchmark on persistent memory: its counts and ratios. Its times are those of an emulated CPU, and must say so.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::verdict::{Fault, Verdict, expect};

/// The guest's task, and the group that it measures.
pub(crate) const TASK: &str = "bench:flush";

/// Reads the report that the guest handed out.
pub(crate) fn read(files: &Path) -> Result<Value, Fault> {
    let read = || -> Result<Value> {
        let text = std::fs::read_to_string(files.join("bench.json"))
            .context("the benchmark handed out nothing")?;
        serde_json::from_str(&text).context("the benchmark's JSON is faulty")
    };
    Ok(read()?)
}

/// Whether it ran on what it should, knew that its times say nothing, and measured something.
pub(crate) fn verdict(status: i32, report: Result<&Value, Fault>) -> Verdict {
    expect(status == 0, format!("the benchmark ended with status {status}"))?;
    let report = report?;
    expect(report["format"] == 1, format!("the format is {}", report["format"]))?;
    expect(report["medium"] == "DAX, MAP_SYNC", format!("the medium is {}", report["medium"]))?;
    let emulated = &report["machine"]["emulated"];
    expect(*emulated == true, format!("machine.emulated is {emulated}"))?;
    match rows(report).count() {
        0 => Err(Fault::differs("no row was measured")),
        rows => Ok(format!("{rows} rows on DAX, MAP_SYNC; its times are labelled emulated")),
    }
}

fn rows(report: &Value) -> impl Iterator<Item = &Value> {
    report["rows"].as_array().into_iter().flatten()
}

/// What of the rows holds under emulation: counts, and ratios for what they are worth.
pub(crate) fn table(report: &Value) -> String {
    let line = |row: &Value| {
        let counts = &row["counts"];
        let counts = match (counts["write_backs"].as_f64(), counts["fences"].as_f64()) {
            (Some(lines), Some(fences)) => format!("{lines} lines, {fences} fences"),
            _ => String::new(),
        };
        let against = match (row["ratio"].as_f64(), row["peer"].as_str()) {
            (Some(ratio), Some(peer)) if !peer.is_empty() => format!("{ratio:.2} x {peer}"),
            _ => String::new(),
        };
        let case = row["case"].as_str().unwrap_or_default();
        format!("  {case:<58} {counts:<24} {against}\n")
    };
    rows(report).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report() -> Value {
        json!({ "format": 1, "medium": "DAX, MAP_SYNC", "machine": { "emulated": true },
            "rows": [{ "case": "8 bytes", "ratio": 1.024, "peer": "bare loop",
                       "counts": { "write_backs": 1, "fences": 1 } }] })
    }

    #[test]
    fn a_benchmark_of_something_else_differs() {
        assert!(verdict(0, Ok(&report())).is_ok());
        for (key, value) in [
            ("format", json!(2)),
            ("medium", json!("DRAM-backed")),
            ("machine", json!({ "emulated": false })),
            ("machine", json!({})),
            ("rows", json!([])),
        ] {
            let mut other = report();
            other[key] = value;
            assert!(matches!(verdict(0, Ok(&other)), Err(Fault::Differs(_))), "{key}");
        }
        assert!(matches!(verdict(2, Ok(&report())), Err(Fault::Differs(_))));
        let nothing = Fault::could_not_run("nothing");
        assert_eq!(verdict(0, Err(nothing.clone())), Err(nothing));
    }

    #[test]
    fn the_table_has_counts_and_ratios_and_no_times() {
        let table = table(&report());
        assert!(table.contains("1 lines, 1 fences"), "{table}");
        assert!(table.contains("1.02 x bare loop") && !table.contains("ns"), "{table}");
    }
}
