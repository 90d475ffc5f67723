//! Rounds, interleaved, and what comes out of them.
//!
//! Every side of a case does the same operations. A round runs each side once, in an order that
//! changes from round to round, so that whatever drifts (clock rate, neighbours of the machine), and
//! what one side leaves in the caches, hits all of them alike. Building up the state for a round is not
//! timed. The clock is read twice around a run and never inside; the rows named `noop` show what
//! the loop and the clock cost by themselves.

use super::random::Random;
use super::report::{Counts, Row, Sweep};
use crate::pmem::Persists;
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// One side of a comparison.
pub trait Subject {
    /// Brings the state to where a run starts, if there is anything to do. Not timed; runs before
    /// every [`run`](Self::run).
    ///
    /// # Errors
    /// What the side could not do.
    fn prepare(&mut self) -> Result<()> {
        Ok(())
    }

    /// Does the operations of the case, once, and returns the answer that every side must come to:
    /// how many keys were found, how many entries were flushed. Timed.
    ///
    /// # Errors
    /// What the side could not do.
    fn run(&mut self) -> Result<u64>;
}

/// A side made of a state and two functions on it, which cannot fail.
pub fn subject<S: 'static>(
    state: S,
    prepare: impl FnMut(&mut S) + 'static,
    run: impl FnMut(&mut S) -> u64 + 'static,
) -> Box<dyn Subject> {
    Box::new(Closures { state, prepare, run })
}

struct Closures<S, P, R> {
    state: S,
    prepare: P,
    run: R,
}

impl<S, P: FnMut(&mut S), R: FnMut(&mut S) -> u64> Subject for Closures<S, P, R> {
    fn prepare(&mut self) -> Result<()> {
        (self.prepare)(&mut self.state);
        Ok(())
    }

    fn run(&mut self) -> Result<u64> {
        Ok((self.run)(&mut self.state))
    }
}

/// What is compared: one kind of operation, our side, and its peers.
pub struct Case {
    name: String,
    functions: Vec<&'static str>,
    unit: &'static str,
    units: u64,
    answer: u64,
    runs: u32,
    counts: Option<Counts>,
    note: String,
    sweep: Option<Sweep>,
    sides: Vec<(String, Box<dyn Subject>)>,
}

impl Case {
    /// A case whose run does `units` operations, each of which is one `unit`, and comes to `units`
    /// as its answer.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        unit: &'static str,
        units: u64,
        ours: Box<dyn Subject>,
    ) -> Self {
        Self {
            name: name.into(),
            functions: Vec::new(),
            unit,
            units,
            answer: units,
            runs: 1,
            counts: None,
            note: String::new(),
            sweep: None,
            sides: vec![(String::new(), ours)],
        }
    }

    /// The frames of the core whose cost this is, by [`Frame::function`].
    ///
    /// [`Frame::function`]: daxscope_core::machine::frame::Frame::function
    #[must_use]
    pub fn functions(mut self, functions: &[&'static str]) -> Self {
        self.functions = functions.to_vec();
        self
    }

    /// The answer of a run where it is not the number of operations: 0 for lookups of absent keys.
    #[must_use]
    pub const fn answer(mut self, answer: u64) -> Self {
        self.answer = answer;
        self
    }

    /// How often a round prepares and runs, where one run is too short for the clock.
    #[must_use]
    pub const fn runs(mut self, runs: u32) -> Self {
        self.runs = runs;
        self
    }

    /// What our side asks of the hardware, per operation; exact.
    #[must_use]
    pub const fn counts(mut self, counts: Counts) -> Self {
        self.counts = Some(counts);
        self
    }

    /// A remark for the reader of the row.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Makes the case one point of a line in the report's plots.
    #[must_use]
    pub fn sweep(mut self, name: impl Into<String>, of: &str, at: u64) -> Self {
        self.sweep = Some(Sweep { name: name.into(), of: of.into(), at: at as f64 });
        self
    }

    /// Adds a side to compare with.
    #[must_use]
    pub fn peer(mut self, name: impl Into<String>, peer: Box<dyn Subject>) -> Self {
        self.sides.push((name.into(), peer));
        self
    }

    fn row(&self, group: &str, ours: Spread, peer: Option<(&str, Spread)>) -> Row {
        let ratio = peer.map(|(_, peer)| ours.median / peer.median);
        Row {
            group: group.into(),
            case: self.name.clone(),
            functions: self.functions.iter().map(|function| (*function).into()).collect(),
            unit: self.unit.into(),
            ours_ns: ours.median,
            ours_spread: [ours.low, ours.high],
            peer: peer.map_or_else(String::new, |(name, _)| name.into()),
            peer_ns: peer.map(|(_, peer)| peer.median),
            peer_spread: peer.map(|(_, peer)| [peer.low, peer.high]),
            ratio,
            won: ratio.map(|ratio| ratio <= 1.0),
            counts: self.counts,
            note: self.note.clone(),
            sweep: self.sweep.clone(),
        }
    }
}

/// Median and quartiles of the rounds of one side, in nanoseconds per operation.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// A quarter of the rounds was faster.
    pub low: f64,
    /// Half of them was.
    pub median: f64,
    /// A quarter was slower.
    pub high: f64,
}

impl Spread {
    /// Of at least one sample; interpolates between neighbours.
    ///
    /// # Panics
    /// If there is no sample.
    #[must_use]
    pub fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (samples.len() - 1) as f64;
            let (below, above) = (samples[place.floor() as usize], samples[place.ceil() as usize]);
            below + (above - below) * place.fract()
        };
        Self { low: at(0.25), median: at(0.5), high: at(0.75) }
    }
}

/// Runs cases and collects their rows.
pub struct Bench {
    dir: PathBuf,
    persists: Persists,
    quick: bool,
    group: &'static str,
    /// How long the rounds of one case may take.
    time_per_case: Duration,
    rows: Vec<Row>,
    progress: Progress,
}

/// Rounds of a case, at least, whatever time they take.
const ROUNDS_MIN: usize = 3;
/// And at most, however short they are.
const ROUNDS_MAX: usize = 25;

impl Bench {
    /// A benchmark whose files go to a folder, where a fence makes durable what `persists` says.
    #[must_use]
    pub fn new(dir: PathBuf, persists: Persists, quick: bool) -> Self {
        let time_per_case = Duration::ZERO;
        Self {
            dir,
            persists,
            quick,
            group: "",
            time_per_case,
            rows: Vec::new(),
            progress: Progress::new(),
        }
    }

    /// The folder for files, of both sides alike.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What a fence makes durable in that folder.
    #[must_use]
    pub const fn persists(&self) -> Persists {
        self.persists
    }

    /// How many operations a run has where so many would do: few of them if it is to be quick, or if
    /// each is an msync.
    #[must_use]
    pub fn so_many(&self, count: u64) -> u64 {
        match self.persists {
            Persists::FileMsync => count.div_ceil(400),
            _ if self.quick => count.div_ceil(50),
            _ => count,
        }
    }

    /// Whether small sizes are asked for.
    #[must_use]
    pub const fn is_quick(&self) -> bool {
        self.quick
    }

    pub(super) fn begin(&mut self, group: &'static str) {
        self.group = group;
        self.progress.group(group);
    }

    /// Shares out the time of a group: how long the rounds of each case that follows may take.
    pub fn time_per_case(&mut self, time: Duration) {
        self.time_per_case = if self.quick { Duration::ZERO } else { time };
    }

    /// The rows of everything that was measured.
    #[must_use]
    pub fn finish(self) -> Vec<Row> {
        self.progress.0.finish_and_clear();
        self.rows
    }

    /// Measures a case; adds a row for each peer, or one row if there is none.
    ///
    /// # Errors
    /// If a side fails, or does not come to the answer of the case.
    pub fn measure(&mut self, mut case: Case) -> Result<()> {
        self.progress.case(self.group, &case.name);
        // The first round warms up, and shows that all sides do the same work.
        let mut random = Random::new();
        round(&mut case, &mut random)?;
        let mut samples = vec![Vec::new(); case.sides.len()];
        let began = Instant::now();
        for n in 0..ROUNDS_MAX {
            if n >= ROUNDS_MIN && began.elapsed() >= self.time_per_case {
                break;
            }
            for (samples, time) in samples.iter_mut().zip(round(&mut case, &mut random)?) {
                let operations = case.units as f64 * f64::from(case.runs);
                samples.push(time.as_nanos() as f64 / operations);
            }
            self.progress.0.tick();
        }
        let mut spreads = samples.into_iter().map(Spread::of);
        let ours = spreads.next().expect("a case has a side of ours");
        let peers: Vec<_> = case.sides.drain(1..).map(|(name, _)| name).zip(spreads).collect();
        if peers.is_empty() {
            self.rows.push(case.row(self.group, ours, None));
        }
        let rows = peers.iter().map(|(name, at)| case.row(self.group, ours, Some((name, *at))));
        self.rows.extend(rows);
        Ok(())
    }
}

/// Runs each side, in another order each time: what one leaves in the caches is not always the same
/// other one's to find. The times in the order of the sides.
fn round(case: &mut Case, random: &mut Random) -> Result<Vec<Duration>> {
    let mut order: Vec<usize> = (0..case.sides.len()).collect();
    random.shuffle(&mut order);
    let mut times = vec![Duration::ZERO; case.sides.len()];
    for side in order {
        let (name, subject) = &mut case.sides[side];
        let name: &str = if name.is_empty() { "daxscope" } else { name };
        let who = || format!("{}: {name}", case.name);
        for _ in 0..case.runs {
            subject.prepare().with_context(who)?;
            let began = Instant::now();
            let answer = subject.run();
            times[side] += began.elapsed();
            let answer = answer.with_context(who)?;
            if answer != case.answer {
                bail!("{}: the answer is {answer}, expected {}", who(), case.answer);
            }
        }
    }
    Ok(times)
}

/// Says on standard error what is being measured: a line that changes where that is a terminal,
/// else a line for each group.
struct Progress(ProgressBar);

impl Progress {
    fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_style(ProgressStyle::with_template("{spinner} {elapsed} {msg}").expect("valid"));
        Self(bar)
    }

    fn group(&self, group: &str) {
        if !std::io::stderr().is_terminal() {
            eprintln!("measuring {group} …");
        }
    }

    fn case(&self, group: &str, case: &str) {
        self.0.set_message(format!("{group}: {case}"));
        self.0.tick();
    }
}
