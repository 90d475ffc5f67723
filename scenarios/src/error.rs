//! What is wrong with a lecture file: every problem with file, line, column, what was found and
//! what was expected.

use std::fmt;
use std::ops::Range;

/// One problem of a lecture file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Problem {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// What was found, what was expected, and a suggestion where there is one.
    pub message: String,
}

/// Everything that is wrong with a lecture file, in the order of the file.
///
/// `Display` prints one line per problem: `lectures/S01.toml:14:9: unknown key …`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LectureErrors {
    /// The name under which the file was read.
    pub file: String,
    /// The problems, at least one, sorted by place.
    pub problems: Vec<Problem>,
}

impl fmt::Display for LectureErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            let newline = if n == 0 { "" } else { "\n" };
            let Problem { line, column, message } = problem;
            write!(f, "{newline}{}:{line}:{column}: {message}", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for LectureErrors {}

/// A byte range of the file's text.
pub(crate) type Span = Range<usize>;

/// Collects problems while a file is read, so that one run reports all of them.
pub(crate) struct Reporter<'a> {
    text: &'a str,
    problems: Vec<Problem>,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, problems: Vec::new() }
    }

    /// Notes a problem at the start of `span`. The same problem is noted once, because variants
    /// share what they inherit.
    pub(crate) fn at(&mut self, span: &Span, message: impl Into<String>) {
        let (line, column) = position(self.text, span.start);
        let problem = Problem { line, column, message: message.into() };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// The value, or `None` and its problem noted.
    pub(crate) fn take<T>(&mut self, span: &Span, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.at(span, message)).ok()
    }

    /// How many problems are noted so far.
    pub(crate) fn len(&self) -> usize {
        self.problems.len()
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    pub(crate) fn into_errors(mut self, file: &str) -> LectureErrors {
        assert!(!self.problems.is_empty(), "errors without a problem");
        self.problems.sort();
        LectureErrors { file: file.to_owned(), problems: self.problems }
    }
}

/// Line and column, both from 1, of a byte offset; an offset beyond the end is the end.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_not_bytes() {
        let text = "a = 1\n‑b = é x";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, text.find('x').unwrap()), (2, 8));
        assert_eq!(position(text, 999), (2, 9), "beyond the end is the end");
    }
}
