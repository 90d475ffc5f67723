//! The benchmark: the model's own functions and frames, timed beside what one would otherwise use.
//!
//! A **group** hands its cases to a [`Bench`] one after the other. A [`Case`] has our side and its
//! peers; all sides do the same work in interleaved rounds ([`measure`]), and a time is printed
//! only after their answers were found equal. The result is a [`Report`]: the JSON, the table of
//! [`table`] and the page of [`html`] are made from it.
//!
//! In reading order: [`measure`], [`report`], one group ([`radix`]), [`peers`].

pub mod flush;
pub mod fs;
pub mod host;
pub mod html;
pub mod journal;
mod machine;
pub mod measure;
pub mod peers;
mod plot;
pub mod radix;
mod random;
pub mod report;
pub mod table;

pub use measure::{Bench, Case, Subject, subject};
pub use report::{Report, Row};

use crate::pmem::{self, Persists, PmemMedium};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// Which part of the model is measured.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Group {
    /// The page-cache tree by itself.
    Radix,
    /// What makes stores durable.
    Flush,
    /// What a transaction costs.
    Journal,
    /// What an operation on a file does.
    Fs,
}

impl Group {
    /// Every group, in the order in which they run.
    pub const ALL: [Self; 4] = [Self::Radix, Self::Flush, Self::Journal, Self::Fs];

    /// The word on the command line and in the JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Radix => "radix",
            Self::Flush => "flush",
            Self::Journal => "journal",
            Self::Fs => "fs",
        }
    }

    /// The group of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }

    fn run(self, bench: &mut Bench) -> Result<()> {
        match self {
            Self::Radix => radix::run(bench),
            Self::Flush => flush::run(bench),
            Self::Journal => journal::run(bench),
            Self::Fs => fs::run(bench),
        }
    }
}

/// What to measure and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The groups; none means all.
    pub groups: Vec<Group>,
    /// The folder for the files of both sides; `None`: `/dev/shm` where it exists, else the
    /// system's folder for temporary files.
    pub dir: Option<PathBuf>,
    /// Small sizes and few rounds: shows that it works, the times are coarse.
    pub quick: bool,
}

/// Measures. Everything written goes to a folder of its own below `options.dir`, which is gone
/// afterwards.
///
/// # Errors
/// If the folder cannot be used, if a peer fails, or if two sides come to different answers.
pub fn run(options: &Options) -> Result<Report> {
    let dir = options.dir.clone().unwrap_or_else(default_dir);
    if !dir.is_dir() {
        bail!("{}: expected a folder for the files of the benchmark", dir.display());
    }
    let scratch = tempfile::Builder::new()
        .prefix("daxscope-bench-")
        .tempdir_in(&dir)
        .with_context(|| format!("cannot make a folder in {}", dir.display()))?;
    let probe = PmemMedium::create(&scratch.path().join("probe"), &pmem::Options::new(4096))?;
    let persists = probe.granted().persists;
    if persists != Persists::FileMsync {
        peers::pmdk::treat_files_as_pmem();
    }
    let mut bench = Bench::new(scratch.path().to_owned(), persists, options.quick);
    let groups = if options.groups.is_empty() { &Group::ALL[..] } else { &options.groups };
    for group in Group::ALL.into_iter().filter(|group| groups.contains(group)) {
        bench.begin(group.name());
        group.run(&mut bench).with_context(|| format!("group {}", group.name()))?;
    }
    let rows = bench.finish();
    Ok(Report::new(&dir, probe.granted(), rows))
}

fn default_dir() -> PathBuf {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() }
}
