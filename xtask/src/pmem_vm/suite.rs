//! The tests of the real medium, on a MAP_SYNC mapping.

use std::path::Path;

use super::console::Console;
use super::verdict::{Fault, Verdict, expect};

/// The guest's task.
pub(crate) const TASK: &str = "suite";

/// What the test program said, and how it ended.
pub(crate) fn verdict(console: &Console, files: &Path) -> Verdict {
    let said = std::fs::read_to_string(files.join("suite.txt"))
        .map_err(|_| Fault::could_not_run("the tests handed out nothing"))?;
    judge(console.status(TASK)?, &said)
}

fn judge(status: i32, said: &str) -> Verdict {
    let result = said.lines().rev().find_map(|line| line.strip_prefix("test result: "));
    let result = result.ok_or_else(|| Fault::could_not_run("the tests did not come to an end"))?;
    let failed: Vec<&str> = said.lines().filter(|line| line.ends_with("FAILED")).collect();
    expect(status == 0, format!("status {status}, {result} {}", failed.join(", ")))?;
    let passed = result.strip_prefix("ok. ").and_then(|rest| rest.split(' ').next());
    let passed: u64 = passed.and_then(|number| number.parse().ok()).unwrap_or(0);
    if passed == 0 {
        return Err(Fault::could_not_run(format!("no test has passed: {result}")));
    }
    Ok(format!("{passed} tests passed, MAP_SYNC demanded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tests_that_ran_and_passed_are_as_expected() {
        let passed = "test a ... ok\n\ntest result: ok. 7 passed; 0 failed; 0 ignored\n\n";
        assert_eq!(judge(0, passed).unwrap(), "7 tests passed, MAP_SYNC demanded");
        let failed = "test a ... FAILED\n\ntest result: FAILED. 6 passed; 1 failed\n";
        let Err(Fault::Differs(what)) = judge(101, failed) else { panic!("a test failed") };
        assert!(what.contains("test a ... FAILED"), "{what}");
        for said in ["test a ... ok\n", "", "test result: ok. 0 passed; 0 failed\n"] {
            assert!(matches!(judge(0, said), Err(Fault::CouldNotRun(_))), "{said}");
        }
    }
}
