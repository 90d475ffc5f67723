//! A writer is killed at any moment, hundreds of times; what it leaves is verified each time.
#![cfg(target_os = "linux")]

use daxscope_core::medium::Medium;
use daxscope_core::units::{Word, WordAddr};
use daxscope_native::pmem::{Options, PmemMedium};
use daxscope_native::torture::{Universe, Writer, verify};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// A file that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    /// In `DAXSCOPE_PMEM_DIR` if it is set, else in memory, else where temporary files are.
    fn new(name: &str) -> Self {
        let shm = Some(PathBuf::from("/dev/shm")).filter(|folder| folder.is_dir());
        let folder = std::env::var_os("DAXSCOPE_PMEM_DIR").map(PathBuf::from).or(shm);
        let folder = folder.unwrap_or_else(std::env::temp_dir);
        Self(folder.join(format!("daxscope-kill-{name}-{}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

/// `daxscope`, or what `DAXSCOPE_BIN` names where this test runs on another machine.
fn daxscope() -> Command {
    let built = || env!("CARGO_BIN_EXE_daxscope").into();
    Command::new(std::env::var_os("DAXSCOPE_BIN").unwrap_or_else(built))
}

fn writer(file: &Path, seed: u64, more: &[&str]) -> Child {
    daxscope()
        .args(["torture", "write"])
        .arg(file)
        .args(["--seed", &seed.to_string()])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits for so many acknowledgements and a moment more, kills, and says which the last one was.
fn killed_after(mut child: Child, acks: u64, moment: Duration) -> u64 {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acked = 0;
    let mut heard = |line: &str| match line.strip_prefix("ACK ") {
        Some(number) => acked = number.parse().unwrap(),
        None => assert_eq!(line, "READY"),
    };
    for line in lines.by_ref().take(1 + acks as usize) {
        heard(&line.unwrap());
    }
    sleep(moment);
    child.kill().unwrap();
    // What it has said is in the pipe, whole lines all of them.
    lines.for_each(|line| heard(&line.unwrap()));
    let status = child.wait().unwrap();
    assert_eq!(status.code(), None, "it would write for ever: {status}");
    acked
}

fn image(medium: &PmemMedium) -> Vec<Word> {
    let mut image = vec![Word::ZERO; medium.words() as usize];
    medium.load(WordAddr(0), &mut image);
    image
}

/// Verifies what a writer has left; then mounts it in place, and verifies what is there after that.
fn verified(universe: &Universe, file: &Path, seed: u64, acked: u64) -> Result<(), String> {
    let medium = PmemMedium::open(file, &Options::new(0)).unwrap();
    let before = verify(universe, &image(&medium), seed, acked, 0)?;
    let after = if universe.geometry.fan_out == 8 {
        image(&Writer::<_, 8>::mount(universe, medium)?.machine.medium)
    } else {
        image(&Writer::<_, 64>::mount(universe, medium)?.machine.medium)
    };
    let after = verify(universe, &after, seed, acked, 0)?;
    assert_eq!(before, after, "recovery in place brings back the same");
    Ok(())
}

/// A number below `end` that looks random.
fn scattered(n: u64, end: u64) -> u64 {
    (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) % end
}

/// Kills so many writers; the outcome of each verification.
fn kills(universe: &Universe, times: u64, more: &[&str]) -> Vec<Result<u64, String>> {
    let file = Scratch::new(&format!("{}-{}", universe.bytes(), more.concat()));
    (0..times)
        .map(|seed| {
            let moment = Duration::from_micros(scattered(seed, 400));
            let acked = killed_after(writer(&file.0, seed, more), scattered(seed, 70), moment);
            let verified = verified(universe, &file.0, seed, acked).map(|()| acked);
            verified.map_err(|why| format!("seed {seed}, acked {acked}: {why}"))
        })
        .collect()
}

/// All was as it may be, and at many different moments.
fn nothing_is_lost(outcomes: &[Result<u64, String>]) {
    let wrong: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), outcomes.len(), wrong[0]);
    let mut moments: Vec<_> = outcomes.iter().flatten().collect();
    moments.sort_unstable();
    moments.dedup();
    assert!(moments.len() > outcomes.len() / 4, "{} moments", moments.len());
}

#[test]
fn a_writer_on_the_teaching_device_may_be_killed_at_any_moment() {
    nothing_is_lost(&kills(&Universe::teaching(), 300, &[]));
}

#[test]
fn a_writer_at_kernel_size_may_be_killed_at_any_moment() {
    nothing_is_lost(&kills(&Universe::kernel(), 24, &["--kernel"]));
}

/// The test of the test: a writer that does not wait for its data is found out.
#[test]
fn a_writer_that_breaks_a_rule_is_found_out() {
    let outcomes = kills(&Universe::teaching(), 20, &["--planted", "JBD-2.5"]);
    let lost = |outcome: &Result<u64, String>| {
        outcome.as_ref().is_err_and(|why| why.contains("lost or never written"))
    };
    assert!(outcomes.iter().any(lost), "{outcomes:?}");
}

#[test]
fn the_two_commands_agree_about_a_file() {
    let file = Scratch::new("commands");
    let acked = killed_after(writer(&file.0, 7, &[]), 30, Duration::ZERO);
    let verify = |acked: u64| {
        let mut command = daxscope();
        command.args(["torture", "verify"]).arg(&file.0);
        let output = command.args(["--seed", "7", "--acked", &acked.to_string()]).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, said) = verify(acked);
    assert!(status == 0 && said.starts_with("as it may be: "), "{status}: {said}");
    // It never got that far: what should be there is not.
    let (status, said) = verify(acked + 200);
    assert!(status == 1 && said.starts_with("wrong: "), "{status}: {said}");
}
