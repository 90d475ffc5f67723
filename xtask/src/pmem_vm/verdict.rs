//! The three outcomes of a check: as expected, differs, could not run. The third is never taken for the first.

use std::fmt;

/// What was seen, if it is as expected; otherwise why not.
pub(crate) type Verdict = Result<String, Fault>;

/// Why a check is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Something else was seen.
    Differs(String),
    /// Nothing was seen, which says neither yes nor no.
    CouldNotRun(String),
}

impl Fault {
    /// Something else was seen than expected.
    pub(crate) fn differs(what: impl fmt::Display) -> Self {
        Self::Differs(what.to_string())
    }

    /// There is nothing to judge.
    pub(crate) fn could_not_run(why: impl fmt::Display) -> Self {
        Self::CouldNotRun(why.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs(what) => write!(out, "DIFFERS: {what}"),
            Self::CouldNotRun(why) => write!(out, "SKIPPED: {why}"),
        }
    }
}

/// A command or a file that failed on this machine says nothing about what was to be checked.
impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::could_not_run(format!("{error:#}"))
    }
}

/// Differs unless `holds`; `what` says what was seen.
pub(crate) fn expect(holds: bool, what: impl fmt::Display) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(Fault::differs(what)) }
}

/// One check and what it came to.
pub(crate) struct Row {
    /// What was checked.
    pub(crate) name: String,
    /// What it came to.
    pub(crate) verdict: Verdict,
}

/// All checks of a run, in the order in which they are shown.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

/// What a whole run came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Conclusion {
    /// Every check ran and is as expected.
    AsExpected,
    /// Nothing differs, but so many checks could not run, and why the first of them.
    Skipped(String),
    /// So many checks differ, and how the first of them.
    Differs(String),
}

impl Report {
    /// Adds a check.
    pub(crate) fn add(&mut self, name: impl Into<String>, verdict: Verdict) {
        self.rows.push(Row { name: name.into(), verdict });
    }

    /// Adds the checks of another report behind these.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.rows.append(&mut other.rows);
    }

    /// A difference outweighs what could not run, and that outweighs everything else. A run without a check could not run.
    pub(crate) fn conclusion(&self) -> Conclusion {
        let named = |row: &Row, why: &str| format!("{}: {why}", row.name);
        let mut differs = Vec::new();
        let mut skipped = Vec::new();
        for row in &self.rows {
            match &row.verdict {
                Ok(_) => {}
                Err(Fault::Differs(what)) => differs.push(named(row, what)),
                Err(Fault::CouldNotRun(why)) => skipped.push(named(row, why)),
            }
        }
        let of_all = |found: &[String]| {
            format!("{} of {} checks; the first: {}", found.len(), self.rows.len(), found[0])
        };
        if !differs.is_empty() {
            Conclusion::Differs(of_all(&differs))
        } else if !skipped.is_empty() {
            Conclusion::Skipped(of_all(&skipped))
        } else if self.rows.is_empty() {
            Conclusion::Skipped("there was nothing to check".into())
        } else {
            Conclusion::AsExpected
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        for Row { name, verdict } in &self.rows {
            match verdict {
                Ok(seen) => writeln!(out, "  {name:width$}  as expected: {seen}")?,
                Err(fault) => writeln!(out, "  {name:width$}  {fault}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conclusion(verdicts: &[Verdict]) -> Conclusion {
        let mut report = Report::default();
        for verdict in verdicts {
            report.add("a", verdict.clone());
        }
        report.conclusion()
    }

    #[test]
    fn what_could_not_run_is_not_as_expected_and_a_difference_outweighs_it() {
        let seen: Verdict = Ok("seen".into());
        let differs = Err(Fault::differs("x"));
        let skipped = Err(Fault::could_not_run("y"));
        assert_eq!(conclusion(&[seen.clone(), seen.clone()]), Conclusion::AsExpected);
        let some_skipped = conclusion(&[seen.clone(), skipped.clone()]);
        let first = |why: &str| format!("1 of 2 checks; the first: a: {why}");
        assert_eq!(some_skipped, Conclusion::Skipped(first("y")));
        assert_eq!(conclusion(&[skipped, differs]), Conclusion::Differs(first("x")));
        assert_ne!(conclusion(&[]), Conclusion::AsExpected);
    }

    #[test]
    fn the_table_names_each_outcome() {
        let mut report = Report::default();
        report.add("one", Ok("two".into()));
        report.add("three", Err(Fault::differs("four")));
        report.add("five", Err(Fault::could_not_run("six")));
        let table = report.to_string();
        assert_eq!(
            table,
            "  one    as expected: two\n  three  DIFFERS: four\n  five   SKIPPED: six\n"
        );
    }
}
