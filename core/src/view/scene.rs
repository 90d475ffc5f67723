//! Building a [`Scene`] from a moment of a path.

use super::journal::{self, Ring, Rings};
use super::matrix::{self, Moment};
use super::used::Used;
use super::{
    Caption, Change, CrashClass, CrashNow, EnabledAction, FrameLine, Holds, Invariant, Row, Scene,
    Source, Thread, Waterline, blocks, trees,
};
use crate::check;
use crate::config::Platform;
use crate::machine::{
    Action, Actor, BlockWord, Component, Event, FileWord, Machine, Op, Step, ThreadId,
};
use crate::medium::{Image, PersistenceDomain, SimMedium};
use crate::narrate::{START, actor_name, labels, narrate};
use crate::path::{self, Path};
use crate::rules::RuleId;
use crate::units::WORDS_PER_LINE;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The moment after `step` steps of a path.
///
/// # Panics
/// If the path is shorter.
#[must_use]
pub fn scene<const FAN: usize>(path: &Path<FAN>, step: usize) -> Scene {
    let changed = really_changed(path, step);
    let now = Moment { path, step, changed: &changed, used: &Used::of(path) };
    let (ring, before) = (Ring::of(&now), Ring::of(&now.earlier()));
    let rings = Rings { now: &ring, before: &before };
    let (rows, below_row) = matrix::rows(&now, rings);
    let rows_before = || matrix::rows(&now.earlier(), Rings { now: &before, before: &before }).0;
    let mut scene = brief(path, step);
    scene.caption.event =
        step.checked_sub(1).and_then(|_| why_stop(path, step, &rows, rows_before));
    scene.waterline.below_row = below_row;
    Scene {
        columns: matrix::columns(&now, &rows),
        rows,
        log: journal::log(&now, rings),
        transactions: journal::details(&now),
        blocks: blocks::details(&now, rings),
        touched: blocks::touched(&now),
        trees: trees::trees(&now),
        ..scene
    }
}

/// The same without matrix, log, facts and trees, and without a reason to stop: what
/// [`step`](super::text::step) prints, at a fraction of the price.
///
/// # Panics
/// If the path is shorter.
#[must_use]
pub fn brief<const FAN: usize>(path: &Path<FAN>, step: usize) -> Scene {
    let text = waterline_text(&path.moment(step).machine);
    Scene {
        step,
        caption: caption(path, step),
        columns: Vec::new(),
        rows: Vec::new(),
        waterline: Waterline { below_row: 0, text },
        log: Vec::new(),
        transactions: Vec::new(),
        blocks: Vec::new(),
        touched: String::new(),
        trees: Vec::new(),
        threads: threads(path, step),
        invariants: invariants(path, step),
        crash: crash_now(path, step),
        changed: changes(path, step, &really_changed(path, step)),
        enabled: enabled(path, step),
    }
}

/// The components that the step lists as changed and that look different.
fn really_changed<const FAN: usize>(path: &Path<FAN>, step: usize) -> Vec<Component> {
    let moment = path.moment(step);
    let Some((_, report)) = &moment.step else {
        return Vec::new();
    };
    let before = &path.moment(step - 1).machine;
    let differs = |component: &&Component| before.differs_in(&moment.machine, **component);
    report.changed.iter().filter(differs).copied().collect()
}

fn caption<const FAN: usize>(path: &Path<FAN>, step: usize) -> Caption {
    let moment = path.moment(step);
    let Some((_, report)) = &moment.step else {
        return Caption {
            sentence: START.to_string(),
            actor: String::new(),
            function: String::new(),
            sources: Vec::new(),
            verdicts: Vec::new(),
            event: None,
        };
    };
    let source = |rule: &RuleId| {
        let rule = rule.rule();
        Source {
            rule: rule.id.to_string(),
            function: rule.function.to_string(),
            file: rule.file.to_string(),
            versions: rule.versions.to_string(),
            evidence: rule.evidence.to_string(),
            line: rule.line.to_string(),
        }
    };
    let function = report.stack.last().copied().unwrap_or_default();
    // The rules of the function that acted come first, then those of its callers.
    let own = |rule: &&RuleId| rule.rule().function.split(", ").any(|name| name == function);
    let rules = report.rules.iter().filter(own);
    let rules = rules.chain(report.rules.iter().filter(|rule| !own(rule)));
    Caption {
        sentence: narrate(&moment.machine, report, &moment.verdicts),
        actor: actor_name(&moment.machine, report.actor),
        function: function.to_string(),
        sources: rules.map(source).collect(),
        verdicts: moment.verdicts.iter().map(ToString::to_string).collect(),
        event: None,
    }
}

/// Why one would stop at this step, most telling reason first (UI-603).
fn why_stop<const FAN: usize>(
    path: &Path<FAN>,
    step: usize,
    rows: &[Row],
    rows_before: impl FnOnce() -> Vec<Row>,
) -> Option<String> {
    let (now, before) = (path.moment(step), path.moment(step - 1));
    let reason = if !now.verdicts.is_empty() {
        "verdict"
    } else if let Some(what) = crash_or_invariant_changed(now, before) {
        what
    } else if mismatches(rows) != mismatches(&rows_before()) {
        "mismatch"
    } else if now.step.as_ref().is_some_and(|(_, report)| promises(report)) {
        "promise"
    } else if step + 1 == path.len() {
        "end"
    } else {
        return None;
    };
    Some(reason.to_string())
}

/// Whether other invariants are broken than before, or a power cut breaks other promises.
pub(super) fn crash_or_invariant_changed<const FAN: usize>(
    now: &path::Moment<FAN>,
    before: &path::Moment<FAN>,
) -> Option<&'static str> {
    let broken = |moment: &path::Moment<FAN>| -> Vec<bool> {
        moment.invariants.iter().map(|holds| matches!(holds, check::Holds::No(_))).collect()
    };
    let classes = |moment: &path::Moment<FAN>| -> Vec<_> { moment.crash.broken().collect() };
    if broken(now) != broken(before) {
        Some("invariant")
    } else if classes(now) != classes(before) {
        Some("crash")
    } else {
        None
    }
}

pub(super) fn promises(step: &Step) -> bool {
    let promise =
        |event: &Event| matches!(event, Event::CallReturned { call, .. } if call.promises());
    step.events.iter().any(promise)
}

/// Where copies differ from the newest content.
fn mismatches(rows: &[Row]) -> Vec<(&str, usize)> {
    let cells = |row: &Row| -> Vec<usize> {
        let cells = row.cells.iter().enumerate();
        cells.filter(|(_, cell)| cell.differs_from.is_some()).map(|(at, _)| at).collect()
    };
    rows.iter().flat_map(|row| cells(row).into_iter().map(|at| (row.id.as_str(), at))).collect()
}

fn waterline_text<const FAN: usize>(machine: &Machine<SimMedium, FAN>) -> String {
    match machine.semantics.platform() {
        Ok(Platform::Eadr) => "a power cut loses everything above this line · eADR",
        Ok(Platform::PanicOnly) => "a kernel panic loses everything above this line",
        _ => "a power cut loses everything above this line · ADR",
    }
    .to_string()
}

fn threads<const FAN: usize>(path: &Path<FAN>, step: usize) -> Vec<Thread> {
    let moment = path.moment(step);
    let acted = moment.step.as_ref().map(|(_, report)| report.actor);
    let machine = &moment.machine;
    let thread = |(n, thread): (u8, &crate::machine::Thread)| {
        let id = ThreadId(n);
        let frames = thread.stack.iter().enumerate().map(|(at, frame)| FrameLine {
            function: frame.function().to_string(),
            locals: frame.locals(),
            top: at + 1 == thread.stack.len(),
        });
        let waiting = machine.waiters.iter().find(|(waiter, ..)| *waiter == id);
        let waits = waiting.map(|(_, wait)| format!("sleeps on {}", machine.wait_name(*wait)));
        Thread {
            name: thread.program.name.clone(),
            cpu: thread.program.cpu.to_string(),
            program: thread.program.ops.iter().map(|op| op_text(machine, op)).collect(),
            position: thread.position,
            frames: frames.collect(),
            waits: waits.or_else(|| why_not(machine, thread).map(ToString::to_string)),
            acted: acted == Some(Actor::Thread(id)),
        }
    };
    (0u8..).zip(&machine.threads).map(thread).collect()
}

/// Why a thread will not run, if it neither is done nor sleeps.
fn why_not<const FAN: usize>(
    machine: &Machine<SimMedium, FAN>,
    thread: &crate::machine::Thread,
) -> Option<&'static str> {
    match (machine.rebooted, thread.program.boot, thread.killed) {
        (false, true, _) => Some("boots after a power cut"),
        (true, false, _) => Some("gone with the power"),
        (_, _, true) => Some("killed by SIGBUS"),
        _ => None,
    }
}

/// One line of a program: `store a[3] line 0 = NEW`.
fn op_text<const FAN: usize>(machine: &Machine<SimMedium, FAN>, op: &Op) -> String {
    let name = |ino| machine.file_name(ino);
    let line = |word: u16| {
        let line = usize::from(word) / WORDS_PER_LINE;
        match usize::from(word) % WORDS_PER_LINE {
            0 => format!("line {line}"),
            word => format!("line {line} word {word}"),
        }
    };
    let place = |at: &FileWord| format!("{}[{}] {}", name(at.ino), at.index, line(at.word));
    let raw = |at: &BlockWord| format!("raw {} {}", at.block, line(at.word));
    match op {
        Op::Mmap { ino } => format!("mmap {}", name(*ino)),
        Op::MmapSync { ino } => format!("mmap {} MAP_SYNC", name(*ino)),
        Op::RawMmap => "mmap the device".to_string(),
        Op::RawLoad { at } => format!("load {}", raw(at)),
        Op::RawStore { at, value } => format!("store {} = {value}", raw(at)),
        Op::RawWrite { at, words } => format!("raw write {} = {}", at.block, labels(words)),
        Op::RawFsync => "fsync the device".to_string(),
        Op::Load { at } => format!("load {}", place(at)),
        Op::Store { at, value } => format!("store {} = {value}", place(at)),
        Op::Clwb { at } => format!("clwb {}", place(at)),
        Op::Sfence => "sfence".to_string(),
        Op::Write { at, words } => {
            format!("write {}[{}] = {}", name(at.ino), at.index, labels(words))
        }
        Op::DirectWrite { at, words } => {
            format!("write {}[{}] = {}, O_DIRECT", name(at.ino), at.index, labels(words))
        }
        Op::DirectRead { ino, index } => format!("read {}[{index}], O_DIRECT", name(*ino)),
        Op::Read { ino, index } => format!("read {}[{index}]", name(*ino)),
        Op::Msync { ino, first, count } => format!("msync {}[{first}] +{count}", name(*ino)),
        Op::FadviseDontneed { ino, first, count } => {
            format!("fadvise {}[{first}] +{count} DONTNEED", name(*ino))
        }
        Op::RawRead { index } => format!("raw read b{index}"),
        Op::PartitionRead { index } => format!("read the partition table, b{index}"),
        Op::Fsync { ino } => format!("fsync {}", name(*ino)),
        Op::Sync => "sync".to_string(),
        Op::PeriodicWriteback => "periodic writeback".to_string(),
        Op::InvalidateBdev => "invalidate_bdev".to_string(),
        Op::Create { ino } => format!("create {}", name(*ino)),
        Op::Unlink { ino } => format!("unlink {}", name(*ino)),
        Op::Rename { ino, to } => format!("rename {} to {to}", name(*ino)),
        Op::Truncate { ino, pages } => format!("truncate {} to {pages}", name(*ino)),
        Op::PunchHole { ino, first, count } => format!("punch {}[{first}] +{count}", name(*ino)),
        Op::CollapseRange { ino, first, count } => {
            format!("collapse {}[{first}] +{count}", name(*ino))
        }
        Op::Fdatasync { ino } => format!("fdatasync {}", name(*ino)),
        Op::Commit => "commit timer".to_string(),
        Op::Checkpoint => "checkpoint".to_string(),
        Op::Mount => "mount".to_string(),
        Op::Umount => "umount".to_string(),
        Op::Fsck => "fsck".to_string(),
    }
}

fn invariants<const FAN: usize>(path: &Path<FAN>, step: usize) -> Vec<Invariant> {
    let holds = |step: usize, at: usize| &path.moment(step).invariants[at];
    let invariant = |(at, invariant): (usize, &check::Invariant)| {
        let broken = |step: &usize| matches!(holds(*step, at), check::Holds::No(_));
        let broken_since = (0..=step).rev().take_while(|step| broken(step)).last();
        let (now, detail) = match holds(step, at) {
            check::Holds::Yes => (Holds::Yes, String::new()),
            check::Holds::No(why) => (Holds::No, why.clone()),
            check::Holds::NotMeaningful => (Holds::NotMeaningful, String::new()),
        };
        Invariant {
            id: invariant.id().to_string(),
            meaning: invariant.meaning().to_string(),
            holds: now,
            broken_since,
            detail,
        }
    };
    let moment = path.moment(step);
    let all = check::Invariant::ALL.iter().enumerate();
    all.filter(|(_, about)| about.is_about(&moment.machine, &moment.judge)).map(invariant).collect()
}

fn crash_now<const FAN: usize>(path: &Path<FAN>, step: usize) -> CrashNow {
    let moment = path.moment(step);
    let report = &moment.crash;
    let images = report.images.to_string();
    let class = |class: &crate::crash::CrashClass| CrashClass {
        verdict: class.verdict.to_string(),
        invariant: class.invariant.map(|inv| inv.id().to_string()).unwrap_or_default(),
        count: class.count,
        example: image_text(&moment.machine, &class.example),
        number: class.number,
    };
    let cut = match check::persistence_domain(&moment.machine) {
        PersistenceDomain::WriteQueue => "A power cut now",
        PersistenceDomain::Caches => "A crash now",
    };
    let bad = report.broken_images();
    let sentence = match (report.images.as_u64(), bad) {
        _ if report.is_partial() => {
            let examined = report.examined;
            format!(
                "{cut} leaves one of {images} images; of the first {examined}, {bad} break a promise."
            )
        }
        (Some(1), 0) => format!("{cut} leaves one possible image, and it keeps every promise."),
        (Some(1), _) => format!("{cut} leaves one possible image, and it breaks a promise."),
        (_, 0) => format!("{cut} leaves one of {images} images; each keeps every promise."),
        (_, bad) => format!("{cut} leaves one of {images} images; {bad} of them break a promise."),
    };
    let classes = report.classes.iter().map(class).collect();
    CrashNow { images, formula: report.images.formula(), sentence, classes }
}

/// `loses b10 line 0`, or `loses nothing`.
fn image_text<const FAN: usize>(machine: &Machine<SimMedium, FAN>, image: &Image) -> String {
    let lost = image.choice.iter().filter(|choice| choice.is_lost());
    let lines: Vec<_> = lost.map(|choice| machine.place(Component::Line(choice.line))).collect();
    if lines.is_empty() {
        "loses nothing".to_string()
    } else {
        format!("loses {}", lines.join(", "))
    }
}

fn changes<const FAN: usize>(path: &Path<FAN>, step: usize, changed: &[Component]) -> Vec<Change> {
    let Some(before) = step.checked_sub(1).map(|step| &path.moment(step).machine) else {
        return Vec::new();
    };
    let after = &path.moment(step).machine;
    let shown = changed.iter().filter(|component| !matches!(component, Component::Thread(_)));
    let change = |component: &Component| Change {
        place: after.place(*component),
        before: before.describe(*component),
        after: match after.describe(*component) {
            same if same == before.describe(*component) => format!("{same}, with other words"),
            other => other,
        },
    };
    shown.map(change).collect()
}

fn enabled<const FAN: usize>(path: &Path<FAN>, step: usize) -> Vec<EnabledAction> {
    let machine = &path.moment(step).machine;
    let scripted = (step + 1 < path.len()).then(|| path.moment(step + 1));
    let scripted = scripted.and_then(|moment| moment.step.as_ref()).map(|(action, _)| *action);
    let what = |action: &Action| match action {
        Action::Run(ThreadId(n)) => {
            let thread = &machine.threads[usize::from(*n)];
            match thread.stack.last() {
                Some(frame) => frame.function().to_string(),
                None => op_text(machine, &thread.program.ops[thread.position]),
            }
        }
        Action::Evict(line) => format!("evict {}", machine.place(Component::Line(*line))),
        Action::CompleteIo(bio) => format!("complete the write to {}", machine.bios[*bio].block),
        Action::PowerCut(image) => format!("cut the power, image {image} survives"),
    };
    let action = |action: &Action| EnabledAction {
        actor: actor_name(machine, action.actor()),
        what: what(action),
        scripted: scripted == Some(*action),
    };
    machine.enabled().iter().map(action).collect()
}
