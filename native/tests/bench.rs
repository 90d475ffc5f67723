//! The benchmark: what can be exact is exact, and the report keeps its keys. No test looks at a time.
#![cfg(target_os = "linux")]

use assert_cmd::Command;
use daxscope_core::machine::frame::Frame;
use daxscope_native::bench::flush::{Shape, fsync_counts};
use daxscope_native::bench::journal::{Commit, commit_counts};
use daxscope_native::bench::report::Counts;
use daxscope_native::bench::{Bench, Case, Report, subject};
use daxscope_native::pmem::Persists;
use serde_json::Value;

fn bench(arguments: &[&str]) -> Value {
    let mut command = Command::cargo_bin("daxscope").unwrap();
    let done = command.arg("bench").args(arguments).args(["--quick", "--json", "-"]).assert();
    serde_json::from_slice(&done.success().get_output().stdout).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Every entry of a file is flushed once, a line of its page at a time, and the device is flushed
/// at the end: one fence.
#[test]
fn an_fsync_writes_back_every_line_of_every_dirty_entry_once() {
    for entries in [1, 10, 100, 1_000] {
        for (scattered, whole) in [(false, false), (false, true), (true, false)] {
            let shape = Shape { entries, scattered, whole };
            let counts = fsync_counts(&shape).unwrap();
            let files = shape.files();
            assert_eq!(counts.write_backs, 64 * entries * files, "{shape:?}");
            assert_eq!(counts.fences, files, "{shape:?}");
            assert_eq!(counts.nt_lines, 0, "{shape:?}");
        }
    }
}

/// Descriptor block, copies and commit block, each line once and around the cache; what is before the
/// commit block is fenced before it, unless the commit is asynchronous.
#[test]
fn a_commit_costs_two_fences_and_an_asynchronous_one_costs_one() {
    for (commit, fences) in [(Commit::Ordinary, 2), (Commit::Asynchronous, 1)] {
        for blocks in [1, 4, 16] {
            let counts = commit_counts(blocks, commit).unwrap();
            assert_eq!(counts.fences, fences, "{commit:?} of {blocks}");
            assert_eq!(counts.nt_lines, 64 * (blocks + 2), "{commit:?} of {blocks}");
            assert_eq!(counts.write_backs, 0, "{commit:?} of {blocks}");
        }
    }
}

#[test]
fn the_groups_of_the_journal_and_the_file_system_run_and_name_their_frames() {
    let report = bench(&["journal", "fs"]);
    let rows = report["rows"].as_array().unwrap();
    let functions: Vec<_> =
        rows.iter().flat_map(|row| row["functions"].as_array().unwrap()).collect();
    for function in functions {
        assert!(Frame::functions().any(|known| function == known), "{function} is no frame");
    }
    for case in ["commit, 1 block", "commit, asynchronous, 4 blocks", "recovery", "umount, mount"] {
        let found = |row: &&Value| row["case"].as_str().unwrap().starts_with(case);
        assert!(rows.iter().any(|row| found(&row)), "{case}");
    }
}

#[test]
fn the_json_of_a_quick_run_has_its_keys() {
    let report = bench(&["radix"]);
    let expected =
        ["format", "machine", "medium", "file_system", "dir", "date", "version", "missing", "rows"];
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(keys(&report), expected);
    assert_eq!(report["format"], 1);
    let machine =
        ["cores", "cpu", "emulated", "flush", "kernel", "memory_gib", "persistence_domain"];
    assert_eq!(keys(&report["machine"]), machine);
    let rows = report["rows"].as_array().unwrap();
    let row = [
        "case",
        "counts",
        "functions",
        "group",
        "note",
        "ours_ns",
        "ours_spread",
        "peer",
        "peer_ns",
        "peer_spread",
        "ratio",
        "sweep",
        "unit",
        "won",
    ];
    assert!(rows.iter().all(|found| keys(found) == row && found["group"] == "radix"));
    assert_eq!(rows[0]["case"], "noop");
    let named =
        |start: &str| rows.iter().any(|row| row["case"].as_str().unwrap().starts_with(start));
    let kinds = ["insert", "lookup", "lookup of absent", "erase", "walk", "tag", "tagged walk"];
    for kind in kinds.into_iter().chain(["range tag", "clear tag"]) {
        assert!(
            named(&format!("{kind}, dense")) || named(&format!("{kind} keys, dense")),
            "{kind}"
        );
    }
    assert!(rows.iter().any(|row| row["peer"] == "BTreeMap"));
}

#[test]
fn a_ratio_is_ours_by_the_peers() {
    let report = bench(&["flush"]);
    let rows = report["rows"].as_array().unwrap();
    let with_peer: Vec<_> = rows.iter().filter(|row| row["peer"] != "").collect();
    assert!(!with_peer.is_empty());
    for row in with_peer {
        let number = |key: &str| row[key].as_f64().unwrap();
        let ratio = number("ours_ns") / number("peer_ns");
        assert!((number("ratio") - ratio).abs() < 1e-9 * ratio, "{row}");
        assert_eq!(row["won"].as_bool().unwrap(), ratio <= 1.0, "{row}");
        let [low, high] = [0, 1].map(|n| row["ours_spread"][n].as_f64().unwrap());
        assert!(low <= number("ours_ns") && number("ours_ns") <= high, "{row}");
    }
    let fsync = rows.iter().find(|row| row["sweep"]["at"] == 100.0).unwrap();
    assert_eq!(fsync["counts"]["write_backs"], 64.0);
    assert_eq!(fsync["counts"]["fences"], 0.01);
    assert!(fsync["functions"].as_array().unwrap().contains(&"dax_writeback_one".into()));
}

/// The report opens again, and the page has a plot and a row for everything in it.
#[test]
fn the_page_shows_every_row_and_loads_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (json, html) = (folder.path().join("bench.json"), folder.path().join("bench.html"));
    let mut command = Command::cargo_bin("daxscope").unwrap();
    command.args(["bench", "flush", "--quick", "--json"]).arg(&json).arg("--html").arg(&html);
    command.arg("--dir").arg(folder.path()).assert().success();
    let report: Report = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let page = std::fs::read_to_string(html).unwrap();
    for row in &report.rows {
        assert!(page.contains(&row.case), "{}", row.case);
    }
    assert!(page.matches("<svg").count() >= 5);
    for outside in ["<script", "src=", "href=", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    // Only the two files are left.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn another_answer_of_a_peer_is_no_measurement() {
    let side = |answer| subject((), |()| {}, move |()| answer);
    let mut bench = Bench::new(std::env::temp_dir(), Persists::DramBacked, true);
    bench.measure(Case::new("equal", "key", 3, side(3)).peer("other", side(3))).unwrap();
    let less = Case::new("less", "key", 3, side(3)).peer("other", side(2));
    let error = bench.measure(less).unwrap_err().to_string();
    assert_eq!(error, "less: other: the answer is 2, expected 3");
    let rows = bench.finish();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].case.as_str(), rows[0].peer.as_str()), ("equal", "other"));
}

#[test]
fn a_group_that_is_none_and_a_folder_that_is_none_are_bad_input() {
    for (arguments, words) in [
        (&["radis"][..], "expected one of radix"),
        (&["radix", "--dir", "/nowhere"][..], "/nowhere: expected a folder"),
    ] {
        let mut command = Command::cargo_bin("daxscope").unwrap();
        let done = command.arg("bench").args(arguments).assert().code(2);
        let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn counts_are_shares() {
    let counts = Counts::per_operation(64_000, 1, 1_000);
    assert_eq!((counts.write_backs, counts.fences), (64.0, 0.001));
}
