//! Why a path could not be mapped.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A path that could not be mapped: which, what was tried, and what the kernel said.
#[derive(Debug)]
pub struct MapError {
    /// The file or device; empty for anonymous memory.
    pub path: PathBuf,
    /// What was tried, in words, and what was expected.
    pub tried: String,
    /// The kernel's answer, if it was asked.
    pub errno: Option<io::Error>,
}

impl MapError {
    pub(super) fn new(path: impl Into<PathBuf>, tried: impl Into<String>) -> Self {
        Self { path: path.into(), tried: tried.into(), errno: None }
    }

    pub(super) fn because(self, errno: impl Into<io::Error>) -> Self {
        Self { errno: Some(errno.into()), ..self }
    }
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.as_os_str().is_empty() {
            write!(f, "{}: ", self.path.display())?;
        }
        f.write_str(&self.tried)?;
        self.errno.as_ref().map_or(Ok(()), |errno| write!(f, ": {errno}"))
    }
}

impl std::error::Error for MapError {}
