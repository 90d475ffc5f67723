//! What a benchmark found: the JSON that the page opens, from which table and HTML are made too.

use super::{host::Host, peers};
use crate::pmem::Granted;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// All of a run. Its JSON has these names as keys; `format` grows when one changes its meaning.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Report {
    /// Version of this format: 1.
    pub format: u32,
    /// The machine it ran on.
    pub machine: Host,
    /// What the files lay on: `DRAM-backed`, `DAX, MAP_SYNC`, or `file, msync`.
    pub medium: String,
    /// The file system of `dir`.
    pub file_system: String,
    /// The folder that was asked for.
    pub dir: String,
    /// The day, UTC: `2026-11-22`.
    pub date: String,
    /// The version of daxscope.
    pub version: String,
    /// Peers that were not measured.
    pub missing: Vec<Missing>,
    /// The measurements, in the order in which they were made.
    pub rows: Vec<Row>,
}

impl Report {
    pub(super) fn new(dir: &Path, granted: &Granted, rows: Vec<Row>) -> Self {
        let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        Self {
            format: 1,
            machine: Host::this(granted),
            medium: granted.persists.words().into(),
            file_system: granted.file_system.clone(),
            dir: dir.display().to_string(),
            date: time::OffsetDateTime::now_utc().date().to_string(),
            version: version(),
            missing: peers::missing(granted.persists),
            rows,
        }
    }
}

/// The version, and whether its times can be taken seriously.
fn version() -> String {
    let slow = if cfg!(debug_assertions) { ", built without optimisation" } else { "" };
    format!("{}{slow}", env!("CARGO_PKG_VERSION"))
}

/// A peer that was not measured, and how to have it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Missing {
    /// Its name in the rows where it would be.
    pub peer: String,
    /// Why it is not there.
    pub why: String,
    /// What to type.
    pub remedy: String,
}

/// One case beside one peer. Times are nanoseconds per `unit`.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Row {
    /// The group, as on the command line.
    pub group: String,
    /// What is done, in words.
    pub case: String,
    /// The frames of the core whose cost it is; may be empty.
    pub functions: Vec<String>,
    /// What one operation is: `key`, `entry`, `commit`.
    pub unit: String,
    /// Our median.
    pub ours_ns: f64,
    /// Our quartiles.
    pub ours_spread: [f64; 2],
    /// Who it is compared with; empty if with nobody.
    pub peer: String,
    /// The peer's median.
    pub peer_ns: Option<f64>,
    /// The peer's quartiles.
    pub peer_spread: Option<[f64; 2]>,
    /// Ours by the peer's: below 1 is faster.
    pub ratio: Option<f64>,
    /// Whether we are not slower.
    pub won: Option<bool>,
    /// What our side asks of the hardware, per unit.
    pub counts: Option<Counts>,
    /// A remark for the reader.
    pub note: String,
    /// Where the row stands among those that differ in one size only; `None` if it stands alone.
    pub sweep: Option<Sweep>,
}

/// One point of a line: the same case at one of several sizes.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Sweep {
    /// What all points of the line share.
    pub name: String,
    /// What the size counts: `entries`, `bytes`.
    pub of: String,
    /// The size.
    pub at: f64,
}

/// What one operation asks of the hardware. A fence that a thousand entries share is 0.001 each.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, Debug)]
pub struct Counts {
    /// Lines whose write-back is begun, non-temporal stores not among them.
    pub write_backs: f64,
    /// Fences.
    pub fences: f64,
}

impl Counts {
    /// What `operations` of them asked for together.
    #[must_use]
    pub fn per_operation(write_backs: u64, fences: u64, operations: u64) -> Self {
        let each = |count: u64| count as f64 / operations as f64;
        Self { write_backs: each(write_backs), fences: each(fences) }
    }
}
