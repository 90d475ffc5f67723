//! The steps of `test` and `ci`: all of them run, and the last line says how many passed.

use anyhow::{Result, bail};

use crate::args::{Choice, Group};
use crate::pmem_vm::{self, Conclusion};
use crate::{browser, dist, edges, lint, project, say, tidy, tools};

/// `cargo xtask ci`
pub(crate) fn ci() -> Result<()> {
    let mut tally = steps(&Choice::default());
    tally.step_if_possible("a real Linux with persistent memory", || match pmem_vm::prove()? {
        Conclusion::AsExpected => Ok(Possible::Done(())),
        Conclusion::Skipped(why) => Ok(Possible::Not(why)),
        Conclusion::Differs(what) => bail!("{what}"),
    });
    tally.conclude()
}

/// `cargo xtask test`
pub(crate) fn test(choice: &Choice) -> Result<()> {
    steps(choice).conclude()
}

fn steps(choice: &Choice) -> Tally {
    let mut tally = Tally::default();
    if choice.includes(Group::Lint) {
        lint_steps(&mut tally);
    }
    if choice.includes(Group::Native) {
        native_steps(&mut tally);
    }
    if choice.includes(Group::Browser) {
        browser_steps(&mut tally, choice);
    }
    tally
}

fn lint_steps(tally: &mut Tally) {
    tally.step("direction of dependencies", edges::check);
    tally.step("files", tidy::check);
    if tally.step("rustfmt and clippy are here", tools::lint_components).is_none() {
        return;
    }
    tally.step("formatting", lint::format);
    tally.step("clippy, native", lint::clippy_native);
    tally.step("clippy, wasm32", lint::clippy_wasm);
}

fn native_steps(tally: &mut Tally) {
    tally.step("e2fsprogs is here", tools::e2fsprogs);
    // In two, so that xtask is not compiled a second time with the dependencies' features of the whole workspace.
    tally.step("native tests", || {
        say::run(project::cargo().args(["test", "--workspace", "--exclude", "xtask"]))
    });
    tally.step("lectures of the page's first part", || {
        let test = ["test", "--package", "daxscope-scenarios", "--test", "lectures"];
        let first = ["--no-default-features", "--features", "read"];
        // One test runs in it: to optimise would take longer than to wait.
        let quick = ["core", "scenarios"]
            .map(|name| format!("--config=profile.dev.package.daxscope-{name}.opt-level=0"));
        let name = ["--", "every_lecture_is_as_expected"];
        say::run(project::cargo().args(test).args(first).args(quick).args(name))
    });
    tally.step("tests of the build tool", || {
        say::run(project::cargo().args(["test", "--package", "xtask"]))
    });
    tally.step("documentation", lint::documentation);
}

fn browser_steps(tally: &mut Tally, choice: &Choice) {
    let page = tally.step("the page, both forms, within its size", || dist::write(true));
    match page {
        Some(page) => {
            tally.step("browser tests", || browser::test(page, &choice.playwright));
        }
        None => say::step("browser tests: left out, there is no page to test"),
    }
}

/// What a step came to that did not fail.
enum Possible<T> {
    /// It ran.
    Done(T),
    /// It could not run here, and why.
    Not(String),
}

/// What has passed and what has not.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: Vec<&'static str>,
    skipped: Vec<&'static str>,
}

impl Tally {
    /// Runs one step and keeps its outcome.
    fn step<T>(&mut self, name: &'static str, run: impl FnOnce() -> Result<T>) -> Option<T> {
        self.step_if_possible(name, || run().map(Possible::Done))
    }

    /// Runs one step that this machine may not be able to run: then it has neither passed nor failed.
    fn step_if_possible<T>(
        &mut self,
        name: &'static str,
        run: impl FnOnce() -> Result<Possible<T>>,
    ) -> Option<T> {
        println!();
        say::step(name);
        let started = say::elapsed();
        let outcome = run();
        let seconds = say::elapsed() - started;
        match outcome {
            Ok(Possible::Done(value)) => {
                self.passed += 1;
                say::step(format!("{name}: passed in {seconds:.1} s"));
                Some(value)
            }
            Ok(Possible::Not(why)) => {
                self.skipped.push(name);
                say::step(format!("{name}: SKIPPED in {seconds:.1} s: {why}"));
                None
            }
            Err(error) => {
                self.failed.push(name);
                say::step(format!("{name}: FAILED in {seconds:.1} s: {error:#}"));
                None
            }
        }
    }

    /// Says the outcome in one line; anything failed is an error.
    fn conclude(self) -> Result<()> {
        println!();
        let (passed, failed) = (self.passed, self.failed.len());
        let skipped = match self.skipped.len() {
            0 => String::new(),
            skipped => format!(", {skipped} SKIPPED ({})", self.skipped.join("; ")),
        };
        if failed > 0 {
            bail!("{passed} passed{skipped}, {failed} failed: {}", self.failed.join("; "));
        }
        say::step(format!("{passed} passed{skipped}, 0 failed"));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_does_not_end_the_run_and_is_named() {
        let mut tally = Tally::default();
        assert_eq!(tally.step("one", || bail!("no") as Result<()>), None);
        assert_eq!(tally.step("two", || Ok(2)), Some(2));
        assert_eq!(tally.conclude().unwrap_err().to_string(), "1 passed, 1 failed: one");
    }

    #[test]
    fn a_step_that_could_not_run_has_neither_passed_nor_failed() {
        let mut tally = Tally::default();
        let why = || Ok(Possible::<()>::Not("no packages".into()));
        assert_eq!(tally.step_if_possible("one", why), None);
        assert_eq!((tally.passed, tally.failed.len()), (0, 0));
        assert_eq!(tally.step("two", || bail!("no") as Result<()>), None);
        let said = tally.conclude().unwrap_err().to_string();
        assert_eq!(said, "0 passed, 1 SKIPPED (one), 1 failed: two");
    }
}
