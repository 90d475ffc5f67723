//! The command line as a user meets it: output, messages, exit status.

use assert_cmd::Command;
use daxscope_scenarios::Catalogue;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

struct Ran {
    status: i32,
    out: String,
    err: String,
}

fn daxscope(args: &[&str]) -> Ran {
    let output = Command::cargo_bin("daxscope").unwrap().args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran {
        status: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

fn json(args: &[&str]) -> Value {
    let ran = daxscope(args);
    assert_eq!(ran.status, 0, "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

/// Bad input: status 2, nothing on standard output, these words in the one message.
fn refused(args: &[&str], words: &[&str]) {
    let ran = daxscope(args);
    assert_eq!(ran.status, 2, "{args:?}: {}{}", ran.out, ran.err);
    assert_eq!(ran.out, "", "{args:?}");
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "{args:?} does not say {word:?}: {}", ran.err);
    }
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn list_names_the_lectures_with_the_keys_scripts_rely_on() {
    let rows = json(&["list", "--json"]);
    let ids: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
    let catalogue = Catalogue::embedded();
    let known: Vec<_> = catalogue.lectures().iter().map(|lecture| lecture.id.as_str()).collect();
    assert_eq!(ids, known);
    for key in ["slug", "question", "epochs"] {
        assert!(!rows[0][key].is_null(), "{key}");
    }
    assert!(daxscope(&["list"]).out.contains("S03"));
}

#[test]
fn run_prints_every_step_with_its_sentence_and_rules() {
    let text = daxscope(&["run", "S03", "--epoch", "4.5.0"]).out;
    let trace = json(&["run", "S03", "--epoch", "4.5.0", "--json"]);
    for step in trace["steps"].as_array().unwrap() {
        let heading = format!("Step {}:", step["step"]);
        assert!(text.contains(&heading), "{heading}");
        assert!(text.contains(step["sentence"].as_str().unwrap()));
    }
    assert!(text.contains("0x506"), "the entry word of 4.5");
    assert!(text.contains("rule: DAX-12.6d"));
    assert_eq!(trace["verdict"], "ok");
    assert!(!text.contains('\u{1b}'), "no colour into a pipe");
}

#[test]
fn run_of_one_step_prints_its_tables() {
    let text = daxscope(&["run", "S04", "--step", "9"]).out;
    assert!(text.contains("a power cut loses everything above this line"), "{text}");
    assert!(text.contains("tree of file a"));
}

#[test]
fn a_link_runs_where_a_lecture_does() {
    let trace = json(&["run", "S03", "--step", "9", "--json"]);
    let link = trace["steps"][0]["link"].as_str().unwrap();
    let linked = json(&["run", link, "--json"]);
    assert_eq!(linked["steps"], trace["steps"]);
}

#[test]
fn check_passes_and_counts_derived_expectations_apart() {
    let report = json(&["check", "--json"]);
    assert_eq!(report["failed"], 0, "{report:#}");
    let rows = report["results"].as_array().unwrap();
    assert_eq!(report["passed"], rows.len());
    let derived = rows.iter().filter(|row| row["basis"] == "derived").count();
    assert_eq!(report["derived"], derived);
    for key in
        ["id", "slug", "variant", "epoch", "verdict", "verdicts", "expected", "reached", "ok"]
    {
        assert!(!rows[0][key].is_null(), "{key}");
    }
}

#[test]
fn a_lecture_whose_verdict_differs_is_status_1_and_says_how() {
    let ran = daxscope(&["check", &wrong_lecture("wrong-verdict.toml")]);
    assert_eq!(ran.status, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("DIFFERS") && ran.out.contains("verdicts"), "{}", ran.out);
}

#[test]
fn matrix_is_the_grid_of_what_check_finds() {
    let grid = json(&["matrix", "--json"]);
    let epochs = grid["epochs"].as_array().unwrap();
    assert_eq!((epochs.len(), &epochs[0], &epochs[10]), (11, &"4.5-rc1".into(), &"6.12".into()));
    let report = json(&["check", "--json"]);
    let runs = report["results"].as_array().unwrap();
    let mut cells = 0;
    for row in grid["rows"].as_array().unwrap() {
        assert!(row["slug"].is_string());
        for (epoch, verdict) in row["verdicts"].as_object().unwrap() {
            let same = |run: &&Value| {
                run["id"] == row["id"] && run["variant"] == row["variant"] && run["epoch"] == *epoch
            };
            let run = runs.iter().find(same).unwrap();
            assert_eq!(run["verdict"], *verdict, "{row} {epoch}");
            let derived = row["derived"].as_array().unwrap().contains(&epoch.as_str().into());
            assert_eq!(run["basis"] == "derived", derived, "{row} {epoch}");
            cells += 1;
        }
        assert_eq!(row["differs"].as_array().unwrap().len(), 0, "{row}");
    }
    assert_eq!(cells, runs.len(), "every run is in the grid, and once");
}

#[test]
fn the_printed_matrix_has_its_words_under_their_epochs() {
    let text = daxscope(&["matrix"]).out;
    let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    let word_at = |line: &[char], at: usize| {
        let word = line[at..].iter().take_while(|c| **c != ' ').collect::<String>();
        (at == 0 || line[at - 1] == ' ', word)
    };
    let grid = json(&["matrix", "--json"]);
    for (row, line) in grid["rows"].as_array().unwrap().iter().zip(&lines[1..]) {
        assert_eq!(row["id"], word_at(line, 0).1);
        for (epoch, verdict) in row["verdicts"].as_object().unwrap() {
            // Never a bare `v1`, which is a version chip.
            let series = if epoch.starts_with('v') { "series " } else { "" };
            let heading = format!(" {series}{epoch} ");
            let header = lines[0].iter().collect::<String>() + " ";
            let at = header.find(&heading).unwrap() + 1;
            let (begins, word) = word_at(line, at);
            assert!(begins, "{epoch} in {}", line.iter().collect::<String>());
            assert_eq!(*verdict, word.trim_end_matches('*'), "{epoch}");
        }
    }
    assert!(lines.iter().all(|line| line.last() != Some(&' ')), "{text}");
    assert!(text.contains("* expected by derivation"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colour into a pipe");
}

#[test]
fn a_verdict_that_differs_is_marked_in_the_matrix_and_status_1() {
    let path = wrong_lecture("wrong-in-matrix.toml");
    let ran = daxscope(&["matrix", &path]);
    assert_eq!(ran.status, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("≠stale-read"), "{}", ran.out);
    assert!(ran.out.contains("4.5.0: found stale-read, the file expects ok"), "{}", ran.out);
    let ran = daxscope(&["matrix", &path, "--json"]);
    assert_eq!(ran.status, 1);
    let grid: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(grid["rows"][0]["verdicts"]["4.5.0"], "stale-read");
    assert!(grid["rows"][0]["differs"].as_array().unwrap().contains(&"4.5.0".into()));
}

/// Lecture S01 with `ok` expected where it shows a stale read; the file's name.
fn wrong_lecture(name: &str) -> String {
    let lectures = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/lectures/S01.toml");
    let text = fs::read_to_string(lectures).unwrap();
    let wrong = text.replace("verdict = \"stale-read\"", "verdict = \"ok\"");
    assert_ne!(text, wrong);
    file(name, &wrong).to_str().unwrap().to_owned()
}

#[test]
fn crash_counts_are_those_of_the_reference() {
    let trace = json(&["run", "S04", "--epoch", "4.5.0", "--json"]);
    let steps = trace["steps"].as_array().unwrap();
    let find = |words: &str| {
        let has = |step: &&Value| step["sentence"].as_str().unwrap().contains(words);
        steps.iter().find(has).unwrap()["step"].to_string()
    };
    for (words, images) in [("clwb on each line", 4), ("fences at the end", 1)] {
        let report = json(&["crash", "S04", "--epoch", "4.5.0", "--step", &find(words), "--json"]);
        assert_eq!(report["eager"], images.to_string(), "{words}");
        assert_eq!(report["examined"], images);
        let classes = report["classes"].as_array().unwrap();
        let counted: u64 = classes.iter().map(|class| class["count"].as_u64().unwrap()).sum();
        assert_eq!(counted, images);
    }
}

#[test]
fn a_power_cut_prints_the_boot_from_the_image_that_was_chosen() {
    let torn = ["run", "S12", "--variant", "dax", "--power-cut"];
    let with = |cut: &'static str| [&torn[..], &[cut]].concat();
    let text = daxscope(&with("8")).out;
    assert!(text.starts_with("Step 9: hardware\n  The power fails."), "{text}");
    assert!(text.contains("verdict: metadata-torn"), "the first class breaks a promise: {text}");
    assert!(text.contains("fsck finds: b9 belongs to nobody"), "{text}");
    let whole = daxscope(&with("8:ok")).out;
    assert!(whole.contains("fsck finds nothing wrong") && !whole.contains("verdict:"), "{whole}");
    // The crash report names the image by its number.
    let report = json(&["crash", "S12", "--variant", "dax", "--step", "8", "--json"]);
    let class = report["classes"].as_array().unwrap().iter().find(|it| it["verdict"] == "ok");
    let number = format!("8:{}", class.unwrap()["image"]);
    assert_eq!(daxscope(&[&torn[..], &[number.as_str()]].concat()).out, whole);
    let trace = json(&[&with("8")[..], &["--json"]].concat());
    assert_eq!(trace["steps"][0]["step"], 9);
    let link = trace["steps"][3]["link"].as_str().unwrap();
    let again = json(&["run", link, "--json"]);
    assert_eq!(again["steps"][0]["sentence"], trace["steps"][3]["sentence"]);
}

#[test]
fn a_power_cut_that_cannot_be_is_bad_input() {
    let run = |cut| ["run", "S12", "--power-cut", cut];
    refused(&run("999"), &["step 999 does not exist"]);
    refused(&run("3:7"), &["cannot leave image 7"]);
    refused(&run("3:hang"), &["no image is `hang`", "expected one of ok"]);
    refused(&run("3:fine"), &["`fine` is no image"]);
    refused(&run("x"), &["`x` is no step"]);
}

#[test]
fn bad_input_is_one_clear_message_and_status_2() {
    refused(&["run", "S33"], &["S33", "S03"]);
    refused(&["run", "S03", "--epoch", "4.6"], &["4.6", "4.5.0"]);
    refused(&["run", "S03", "--variant", "nope"], &["nope"]);
    refused(&["run", "S03", "--set", "fence-plase=flush-end"], &["fence-plase", "fence-place"]);
    refused(&["run", "S03", "--set", "fence-place=nowhere"], &["nowhere", "flush-end"]);
    refused(
        &["run", "S03", "--set", "wait-for-pins=yes"],
        &["not modelled yet: wait-for-pins=yes"],
    );
    refused(&["run", "S03", "--set", "fence-place"], &["switch=value"]);
    refused(&["run", "S03", "--step", "999"], &["step 999 does not exist", "0 to"]);
    refused(&["crash", "S04", "--step", "999"], &["step 999 does not exist"]);
    refused(&["run", "no-such-file.toml"], &["no-such-file.toml"]);
    refused(&["check", "no-such-file.toml"], &["no-such-file.toml"]);
    refused(&["matrix", "no-such-file.toml"], &["no-such-file.toml"]);
    refused(&["run", "#/1/nowhere/~/3"], &["nowhere"]);
    refused(&["run", "#/9/x/~/3"], &["9"]);
    refused(&["run", "#/1/?v=history"], &["history", "daxscope matrix"]);
    refused(&["run", "#/1/life-of-a-dax-entry/~/999"], &["999"]);
    refused(&["explode"], &["explode"]);
}

#[test]
fn a_faulty_lecture_file_is_named_with_line_and_column() {
    let path = file("faulty.toml", "id = \"S99\"\nslog = \"x\"\n");
    let name = path.to_str().unwrap();
    refused(&["check", name], &["faulty.toml:2:1", "slog", "slug"]);
    refused(&["run", name], &["faulty.toml:2:1"]);
    let broken = file("broken.toml", "id = \"S99\nslug = 3\n");
    refused(&["check", broken.to_str().unwrap()], &["broken.toml:1:"]);
}

#[test]
fn help_explains_and_version_answers() {
    let help = daxscope(&["--help"]);
    assert_eq!(help.status, 0);
    for words in ["Examples:", "daxscope run S03", "Exit status"] {
        assert!(help.out.contains(words), "{words}");
    }
    assert_eq!(daxscope(&["--version"]).status, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn doctor_says_of_each_path_what_scripts_rely_on() {
    let file = file("doctor.txt", "as it was");
    let folder = file.parent().unwrap();
    let found = json(&["doctor", "--json", file.to_str().unwrap(), folder.to_str().unwrap()]);
    assert!(found["real_pmem"].is_boolean());
    assert!(!found["reasons"].as_array().unwrap().is_empty());
    assert!(found["cpu"]["clwb"].is_boolean() && found["cpu"]["clflushopt"].is_boolean());
    assert!(found.as_object().unwrap().contains_key("persistence_domain"));
    let paths = found["paths"].as_array().unwrap();
    assert_eq!(paths.len(), 2);
    for path in paths {
        let granted = path["map_sync"].as_bool().unwrap();
        assert_eq!(granted, path["errno"].is_null(), "{path}");
        assert_eq!(granted, path["would_map"] == "DAX, MAP_SYNC", "{path}");
        assert!(path["dax"].is_boolean() || path["dax"].is_null(), "{path}");
        assert!(path["why"].as_str().unwrap().len() > 20, "{path}");
    }
    assert_eq!(paths[0]["path"], file.to_str().unwrap());
    assert_eq!(paths[0]["fs"], paths[1]["fs"]);
    let text = daxscope(&["doctor"]);
    assert_eq!(text.status, 0, "{}", text.err);
    for words in ["kernel:", "CPU:", "persistent memory:", "MAP_SYNC:", "why:"] {
        assert!(text.out.contains(words), "{words}: {}", text.out);
    }
    refused(&["doctor", "/does/not/exist"], &["/does/not/exist: ", "No such file"]);
    refused(&["doctor", "/dev/null"], &["/dev/null: ", "no /dev/dax"]);
}

#[cfg(target_os = "linux")]
#[test]
fn torture_refuses_what_is_no_device() {
    let file = file("torture.img", "short");
    let name = file.to_str().unwrap();
    let verify = ["torture", "verify", name, "--seed", "1", "--acked", "0"];
    refused(&verify, &["torture.img: ", "expected a multiple of 4096"]);
    fs::write(&file, vec![0; 16384]).unwrap();
    refused(&verify, &["16384 bytes, a device has 8192 or 33554432"]);
    fs::write(&file, vec![0; 8192]).unwrap();
    let ran = daxscope(&verify);
    assert!(ran.status == 1 && ran.out.starts_with("wrong: cannot be mounted: "), "{}", ran.out);
    refused(&["torture", "write", "/does/not/exist", "--seed", "1"], &["/does/not/exist: "]);
    refused(&["torture", "write", name, "--seed", "1", "--planted", "X"], &["id of a rule"]);
}

/// A device as a power cut has left it; `scenarios/tests/image.rs` says how it was made.
const LEFT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../e2e/tests/fixtures/left.img");

#[test]
fn run_boots_from_an_image_in_any_epoch_and_says_what_fsck_found() {
    let ran = daxscope(&["run", "--image", LEFT]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    for words in ["What boots from left.img?", "Scan ends", "The log is replayed", "Verdict: ok"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let trace =
        json(&["run", "--image", LEFT, "--epoch", "4.9", "--set", "barriers=off", "--json"]);
    assert_eq!((&trace["id"], &trace["epoch"]), (&Value::from("image"), &Value::from("4.9")));
    assert_eq!(trace["steps"][3]["link"], "", "no link can carry an image");
    let one = daxscope(&["run", "--image", LEFT, "--step", "4"]).out;
    assert!(one.starts_with("Step 4: boot in ") && one.contains("log b16:"), "{one}");
    let crash = daxscope(&["crash", "--image", LEFT, "--step", "4"]);
    assert_eq!(crash.status, 0, "{}", crash.err);
}

#[test]
fn an_image_that_is_not_sound_is_told_by_status_1() {
    let mut torn = fs::read(LEFT).unwrap();
    // A copy in the log of a transaction that has committed.
    torn[17 * 256 + 8] ^= 1;
    // The journal superblock: a log that cannot be trusted.
    let mut no_log = torn.clone();
    no_log[3 * 256 + 24] ^= 1;
    let images =
        [(torn, "metadata-torn"), (no_log, "metadata-torn"), (vec![7; 8_192], "metadata-torn")];
    for (n, (bytes, verdict)) in images.iter().enumerate() {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("torn-{n}.img"));
        fs::write(&path, bytes).unwrap();
        let ran = daxscope(&["run", "--image", path.to_str().unwrap()]);
        assert_eq!(ran.status, 1, "{n}: {}{}", ran.out, ran.err);
        assert!(ran.out.lines().last().unwrap().ends_with(verdict), "{n}: {}", ran.out);
    }
}

#[test]
fn what_is_no_image_is_refused() {
    let short = file("short.img", "DAXSCOPE");
    let short = short.to_str().unwrap();
    refused(
        &["run", "--image", short],
        &["short.img is no image of a device", "8 bytes", "expected 8192", "33554432"],
    );
    refused(&["run", "--image", "/nowhere/x.img"], &["cannot read /nowhere/x.img"]);
    refused(&["run", "S03", "--image", LEFT], &["cannot be used with"]);
    refused(&["run"], &["SCENARIO"]);
    refused(&["run", "#/1/?v=open"], &["--image"]);
}
