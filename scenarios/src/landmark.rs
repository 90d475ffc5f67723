//! What a step can be recognised by, as lecture files write it.

use crate::suggest::unknown;
use daxscope_core::machine::frame::Frame;
use daxscope_core::machine::{Call, Event};
use std::fmt;

const CALLS: [Call; 17] = [
    Call::Mmap,
    Call::Write,
    Call::Read,
    Call::Fsync,
    Call::Sync,
    Call::PeriodicWriteback,
    Call::InvalidateBdev,
    Call::Create,
    Call::Unlink,
    Call::Rename,
    Call::Truncate,
    Call::Fallocate,
    Call::Fdatasync,
    Call::Commit,
    Call::Checkpoint,
    Call::Mount,
    Call::Umount,
];
const LANDMARKS: [&str; 6] = ["start", "entered", "left", "event", "returned", "end"];

/// Something that a step can be recognised by, whatever its number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Landmark {
    /// The initial state.
    Start,
    /// A kernel function was entered.
    Entered(&'static str),
    /// A kernel function was left.
    Left(&'static str),
    /// An event of this name.
    Event(&'static str),
    /// A system call returned to the user.
    Returned(Call),
    /// The thread's program is over; for a moment, the end of the whole run.
    End,
}

impl fmt::Display for Landmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = self.parts();
        let space = if name.is_empty() { "" } else { " " };
        write!(f, "{kind}{space}{name}")
    }
}

/// One or more landmarks, of which the first to come counts: epochs name one thing differently.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnyOf(pub Vec<Landmark>);

impl fmt::Display for AnyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, landmark) in self.0.iter().enumerate() {
            let or = if n == 0 { "" } else { " or " };
            write!(f, "{or}{landmark}")?;
        }
        Ok(())
    }
}

impl Landmark {
    /// Kind and name, as lecture files write them.
    pub(crate) fn parts(&self) -> (&'static str, &'static str) {
        match self {
            Self::Start => ("start", ""),
            Self::Entered(function) => ("entered", function),
            Self::Left(function) => ("left", function),
            Self::Event(name) => ("event", name),
            Self::Returned(call) => ("returned", call.name()),
            Self::End => ("end", ""),
        }
    }

    /// The landmark of that kind and name.
    pub(crate) fn from_parts(kind: &str, name: &str) -> Result<Self, String> {
        match kind {
            "start" if name.is_empty() => Ok(Self::Start),
            "end" if name.is_empty() => Ok(Self::End),
            "entered" => function(name).map(Self::Entered),
            "left" => function(name).map(Self::Left),
            "event" => of("event", name, Event::NAMES).map(Self::Event),
            "returned" => {
                let call = CALLS.into_iter().find(|call| call.name() == name);
                call.map(Self::Returned).ok_or_else(|| unknown("call", name, CALLS.map(Call::name)))
            }
            _ => Err(unknown("landmark", kind, LANDMARKS)),
        }
    }

    /// Reads what [`fmt::Display`] prints: `entered F`, `left F`, `event N`, `returned CALL`,
    /// `start` or `end`.
    #[cfg(feature = "read")]
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once(' ').unwrap_or((text, ""));
        Self::from_parts(kind, name.trim())
    }
}

/// The kernel function of that name.
fn function(name: &str) -> Result<&'static str, String> {
    let found = Frame::functions().find(|known| *known == name);
    found.ok_or_else(|| unknown("function", name, Frame::functions()))
}

/// The name as the core's table has it.
fn of(what: &str, name: &str, table: &'static [&'static str]) -> Result<&'static str, String> {
    let found = table.iter().copied().find(|known| *known == name);
    found.ok_or_else(|| unknown(what, name, table.iter().copied()))
}
