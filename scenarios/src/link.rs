//! Links: a run as an address, `#/1/<lecture>/<path>/<step>?w=…&e=…&s=…`.
//!
//! The grammar is small and has one parser, for the page and the command line. It takes any text
//! and panics on none; a part that is wrong is named. [`Link`] prints the shortest text that reads
//! back as itself. `#/1/?v=history` and `#/1/?v=open` lead to no lecture.

mod parse;

use daxscope_core::config::Epoch;
use std::fmt;

/// The version of the link grammar, the `1` of `#/1/`.
pub const LINK_VERSION: u32 = 1;
/// The version of the model, the `m` of a link: raised whenever the same choices may lead to
/// another state than before.
pub const MODEL_VERSION: u32 = 1;
/// The view of [`Link::history`].
const HISTORY: &str = "history";
/// The view of [`Link::open`], and of a lecture over which a file is to be opened.
const OPEN: &str = "open";
/// Bits of a state's hash in a link: six characters of base 32.
const HASH_BITS: u32 = 30;

/// A run as an address: lecture, choices, the step shown, and what the page shows of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// The lecture's slug; empty for a screen of its own, which `view` names.
    pub lecture: String,
    /// The choices.
    pub path: Vec<Run>,
    /// The step shown.
    pub step: u32,
    /// `w`: the variant, when not the first.
    pub variant: Option<String>,
    /// `e`, `s`: epoch, when not the lecture's own, and switches that differ from it.
    pub side: Side,
    /// `e2`, `s2`: the other side of Compare.
    pub other: Option<Side>,
    /// `v`: screen and level.
    pub view: Option<String>,
    /// `x`: the surviving version of each line that has a choice.
    pub crash: Vec<u32>,
    /// `f`: the focused object.
    pub focus: Option<String>,
    /// `c`: the state's hash at the step, see [`short_hash`].
    pub hash: Option<u32>,
    /// `m`: the model version it was made with.
    pub model: Option<u32>,
}

/// An epoch and switches.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Side {
    /// The epoch, when not the lecture's own.
    pub epoch: Option<Epoch>,
    /// Switches that differ from the epoch: name and value.
    pub sets: Vec<(String, String)>,
}

/// A part of the path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Run {
    /// `~`: follow the lecture's script to its end.
    Script,
    /// `~12`: follow it for so many steps.
    ScriptSteps(u32),
    /// `!5`: cut the power, so that the image of that number survives; at the end of a path, and let
    /// everything run that boots.
    PowerCut {
        /// The number of the image, in decimal.
        image: u32,
    },
    /// `3*14`: take the enabled action of that number so many times.
    Choice {
        /// The number of the action among the enabled ones; in base 32.
        action: u32,
        /// How many times, in decimal; 1 is not written.
        times: u32,
    },
}

impl Link {
    /// The link to the end of a lecture's script, seen from its start: `#/1/<slug>/~/0`.
    #[must_use]
    pub fn to(lecture: &str) -> Self {
        Self {
            lecture: lecture.to_owned(),
            path: vec![Run::Script],
            step: 0,
            variant: None,
            side: Side::default(),
            other: None,
            view: None,
            crash: Vec::new(),
            focus: None,
            hash: None,
            model: None,
        }
    }

    /// The link to the history, every lecture in every epoch: `#/1/?v=history`.
    #[must_use]
    pub fn history() -> Self {
        Self { path: Vec::new(), view: Some(HISTORY.to_owned()), ..Self::to("") }
    }

    /// Whether it leads to the history and not to a lecture.
    #[must_use]
    pub fn is_history(&self) -> bool {
        self.lecture.is_empty() && !self.opens()
    }

    /// The link to where a file can be opened, over the lectures: `#/1/?v=open`.
    #[must_use]
    pub fn open() -> Self {
        Self { view: Some(OPEN.to_owned()), ..Self::history() }
    }

    /// Whether a file is to be opened over what it leads to.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.view.as_deref() == Some(OPEN)
    }
}

/// The part of a state's hash that a link holds.
#[must_use]
pub const fn short_hash(hash: u64) -> u32 {
    (hash >> (64 - HASH_BITS)) as u32
}

/// What is wrong with a link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkError {
    /// Which part: `path`, `step`, `e`.
    pub part: String,
    /// What was found and what was expected.
    pub message: String,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the link's part `{}`: {}", self.part, self.message)
    }
}

impl std::error::Error for LinkError {}

const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// A number in base 32, at least `width` digits.
fn base32(mut number: u32, width: usize) -> String {
    let mut digits = Vec::new();
    while number > 0 || digits.len() < width.max(1) {
        digits.push(char::from(DIGITS[(number % 32) as usize]));
        number /= 32;
    }
    digits.into_iter().rev().collect()
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Script => f.write_str("~"),
            Self::ScriptSteps(steps) => write!(f, "~{steps}"),
            Self::PowerCut { image } => write!(f, "!{image}"),
            Self::Choice { action, times: 1 } => f.write_str(&base32(action, 1)),
            Self::Choice { action, times } => write!(f, "{}*{times}", base32(action, 1)),
        }
    }
}

/// Joins what `Display` prints.
fn joined<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(".")
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#/{LINK_VERSION}/")?;
        if self.lecture.is_empty() {
            return write!(f, "?v={}", self.view.as_deref().unwrap_or(HISTORY));
        }
        write!(f, "{}/{}/{}", self.lecture, joined(&self.path), self.step)?;
        let mut query = Vec::new();
        let mut put = |key: &str, value: Option<String>| {
            query.extend(value.map(|value| format!("{key}={value}")));
        };
        let sets = |side: &Side| {
            let set = |(switch, value): &(String, String)| format!("{switch}.{value}");
            let list = side.sets.iter().map(set).collect::<Vec<_>>().join(",");
            (!list.is_empty()).then_some(list)
        };
        let epoch = |side: &Side| side.epoch.map(|epoch| epoch.name().to_owned());
        put("w", self.variant.clone());
        put("e", epoch(&self.side));
        put("s", sets(&self.side));
        if let Some(other) = &self.other {
            // Compare with the lecture's own epoch is written too: its presence means Compare.
            put("e2", Some(epoch(other).unwrap_or_default()));
            put("s2", sets(other));
        }
        put("v", self.view.clone());
        put("x", (!self.crash.is_empty()).then(|| joined(&self.crash)));
        put("f", self.focus.clone());
        put("c", self.hash.map(|hash| base32(hash, 6)));
        put("m", self.model.map(|model| model.to_string()));
        for (n, pair) in query.iter().enumerate() {
            write!(f, "{}{pair}", if n == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}
