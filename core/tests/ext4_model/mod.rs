//! Random runs of the ext-like file system beside a simple reference.

pub(crate) mod crash;
pub(crate) mod history;
pub(crate) mod model;

use crate::common::Random;
use crash::Cut;
use daxscope_core::config::DataMode;
use daxscope_core::entry::Entry;
use daxscope_core::fs::{Kind, Layout, ROOT};
use daxscope_core::jbd::journal::Journal;
use daxscope_core::machine::frame::Frame;
use daxscope_core::machine::{
    Action, Component, Errno, Event, Machine, Op, Report, Setup, ThreadId,
};
use daxscope_core::medium::SimMedium;
use daxscope_core::rules::RuleId;
use daxscope_core::units::{BlockNr, Ino, PageIndex, Word};
use history::{Histories, Moment, state};
use model::{File, Model};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

/// What a call returned and what it read; with `all`, also what changed.
#[derive(Default)]
struct Heard {
    result: Option<Result<(), Errno>>,
    read: Option<Vec<Word>>,
    loaded: Option<Word>,
    killed: bool,
    changed: Vec<Component>,
}

impl Report for Heard {
    fn rule(&mut self, _: RuleId) {}
    fn event(&mut self, event: impl FnOnce() -> Event) {
        match event() {
            Event::CallReturned { result, .. } => self.result = Some(result),
            Event::ReadReturned { words, .. } => self.read = Some(words),
            Event::Loaded { value, .. } => self.loaded = Some(value),
            Event::Sigbus { .. } => self.killed = true,
            _ => {}
        }
    }
    fn acted_in(&mut self, _: &[Frame], _: &Frame) {}
    fn changed(&mut self, component: Component) {
        self.changed.push(component);
    }
}

/// A call under way.
struct Underway {
    op: Op,
    expected: Result<(), Errno>,
    /// What it promises when it returns.
    moment: Moment,
}

/// A machine and the reference beside it.
pub(crate) struct Run<const FAN: usize> {
    pub(crate) machine: Machine<SimMedium, FAN>,
    pub(crate) model: Model,
    pub(crate) histories: Histories,
    pub(crate) random: Random,
    calls: Vec<Option<Underway>>,
    /// Whether every step is checked for what it reports, and every tree and counter.
    pub(crate) thorough: bool,
    pub(crate) steps: usize,
    /// Blocks that the log's head has passed.
    pub(crate) logged: u64,
    pub(crate) told: Vec<String>,
}

impl<const FAN: usize> Run<FAN> {
    pub(crate) fn new(setup: &Setup, seed: u64) -> Self {
        let machine: Machine<SimMedium, FAN> = Machine::new(setup).unwrap();
        let mut model = Model::new(&machine.known, machine.words_per_block());
        let mut histories = Histories::default();
        for file in setup.files.iter().filter(|file| file.ino != ROOT && file.kind == Kind::File) {
            if !file.absent {
                let contents = |block: &BlockNr| Rc::new(machine.load_block(*block));
                let pages = (0..).zip(&file.blocks);
                let data =
                    pages.filter_map(|(page, block)| Some((page, contents(block.as_ref()?))));
                model.add(file.ino, File { pages: file.pages, data: data.collect() });
            }
            histories.begin(file.ino, state(&model, file.ino));
        }
        let calls = setup.programs.iter().map(|_| None).collect();
        Self {
            machine,
            model,
            histories,
            random: Random::new(seed),
            calls,
            thorough: true,
            steps: 0,
            logged: 0,
            told: vec![format!("seed {seed}")],
        }
    }

    /// Gives a thread that is idle its next operation.
    pub(crate) fn begin(&mut self, id: ThreadId, op: Op) {
        let thread = &mut self.machine.threads[usize::from(id.0)];
        assert!(thread.is_done() && !thread.killed);
        thread.program.ops.push(op.clone());
        self.told.push(format!("step {}: {} begins {}", self.steps, id.0, brief(&op)));
        let mut after = self.model.clone();
        let expected = after.apply(&op);
        let collapsed = matches!(op, Op::CollapseRange { .. });
        if expected.is_ok() {
            for ino in self.model.touched(&op) {
                self.histories.may_become(ino, state(&after, ino), collapsed);
            }
        }
        let moment = match op {
            Op::Fsync { ino } => self.histories.moment(|other| other == ino),
            // Nobody promises names there.
            Op::Fdatasync { ino } if !self.histories.renamed(ino) => {
                self.histories.moment(|other| other == ino)
            }
            Op::Sync | Op::Umount => self.histories.moment(|_| true),
            _ => Moment::new(),
        };
        self.calls[usize::from(id.0)] = Some(Underway { op, expected, moment });
    }

    /// Whether a thread has nothing to do.
    pub(crate) fn idle(&self, id: ThreadId) -> bool {
        self.calls[usize::from(id.0)].is_none()
    }

    /// Threads that can run.
    pub(crate) fn runnable(&self) -> Vec<ThreadId> {
        self.machine.runnable().collect()
    }

    /// Runs a thread for one step and compares what it returned.
    pub(crate) fn step(&mut self, id: ThreadId) {
        let n = usize::from(id.0);
        let position = self.machine.threads[n].position;
        let heard = self.act(Action::Run(id));
        if self.machine.threads[n].position > position {
            let call = self.calls[n].take().expect("a call was under way");
            self.returned(&call, &heard);
        } else {
            assert!(!heard.killed, "{} was killed by SIGBUS", self.machine.threads[n].program.name);
        }
    }

    /// One action of a thread or of the hardware.
    fn act(&mut self, action: Action) -> Heard {
        self.steps += 1;
        let mut heard = Heard::default();
        let before = self.thorough.then(|| self.machine.clone());
        let head = self.machine.journal.as_ref().map(|journal| journal.head.0);
        self.machine.apply(action, &mut heard).unwrap();
        if let (Some(head), Some(journal)) = (head, &self.machine.journal) {
            let len = journal.layout.len;
            self.logged += u64::from((journal.head.0 + len - head) % len);
        }
        if let Some(before) = before {
            for component in before.differing(&self.machine) {
                assert!(heard.changed.contains(&component), "{component:?} changed unsaid");
            }
            self.check_trees();
        }
        self.check_log();
        heard
    }

    /// The hardware evicts a dirty line, if there is one.
    pub(crate) fn evict(&mut self) {
        let dirty: Vec<_> = self.machine.medium.dirty_lines().collect();
        if !dirty.is_empty() {
            let line = self.random.pick(&dirty);
            self.act(Action::Evict(line));
        }
    }

    fn returned(&mut self, call: &Underway, heard: &Heard) {
        let Underway { op, expected, moment } = call;
        if let Op::Load { at } = op {
            let file = &self.model.files[&at.ino];
            assert_eq!(heard.loaded, Some(file.word(at.index.0, at.word.into())), "{op:?}");
            return;
        }
        let result = match op {
            Op::Store { .. } => Ok(()),
            _ => heard.result.unwrap_or_else(|| panic!("{op:?} returned nothing")),
        };
        if result == Err(Errno::Enospc) && *expected == Ok(()) {
            self.told.push("  no space".into());
            for ino in self.model.touched(op) {
                self.histories.has_not_become(ino);
            }
            return self.check_no_space(op);
        }
        assert_eq!(result, *expected, "{op:?}");
        if result.is_err() {
            self.told.push(format!("  {result:?}"));
            return;
        }
        let touched = self.model.touched(op);
        assert_eq!(self.model.apply(op), Ok(()));
        touched.into_iter().for_each(|ino| self.histories.settle(ino));
        let mut others: Vec<Moment> = Vec::new();
        for other in self.calls.iter_mut().flatten() {
            others.push(std::mem::take(&mut other.moment));
        }
        self.histories.promise(moment, &mut others);
        for (other, moment) in self.calls.iter_mut().flatten().zip(others) {
            other.moment = moment;
        }
        if let Op::Read { ino, index } | Op::DirectRead { ino, index } = op {
            let file = &self.model.files[ino];
            let expected: Vec<_> =
                (0..self.machine.words_per_block()).map(|n| file.word(index.0, n)).collect();
            assert!(heard.read.as_ref() == Some(&expected), "{op:?}");
        }
    }

    /// A call may say that there is no space only if little of it is left.
    fn check_no_space(&self, op: &Op) {
        let mounted = self.machine.mounted.as_ref().expect("a call without a file system fails");
        let slots = mounted.layout.inodes_max() - 1;
        // Another thread's call under way may have taken or not yet given back one.
        let no_slot = self.model.files.len() as u64 + 1 >= slots && matches!(op, Op::Create { .. });
        assert!(no_slot || mounted.free_blocks() < 3, "{op:?}: there is space");
    }

    /// INV-TAG and INV-CNT.
    pub(crate) fn check_trees(&self) {
        for id in self.machine.mappings() {
            let space = self.machine.mapping(id);
            space.i_pages.check().unwrap_or_else(|why| panic!("{id:?}: {why}"));
            let is_entry = |entry: &Entry| entry.is_exceptional();
            let entries = space.i_pages.iter(..).filter(|(_, entry)| is_entry(entry)).count();
            let all = space.i_pages.iter(..).count();
            let counted = (space.nrpages, space.nrexceptional);
            assert_eq!(counted, ((all - entries) as u64, entries as u64), "{id:?}");
        }
    }

    /// What is free of the log and what is between tail and head is the whole log.
    fn check_log(&self) {
        let Some(Journal { head, tail, free, layout, .. }) = &self.machine.journal else { return };
        let used = (head.0 + layout.len - tail.0) % layout.len;
        assert_eq!((free + used) % layout.len, 0, "head {head}, tail {tail}, free {free}");
        assert!(*free <= layout.len);
    }

    /// Every block of the pool is free, a file's, or freed by a transaction that has not committed.
    /// Holds while no operation is under way.
    pub(crate) fn check_space(&self) {
        let Some(mounted) = &self.machine.mounted else { return };
        let of = |kind: &daxscope_core::machine::Inode<FAN>| {
            kind.blocks().count() + kind.index_blocks().count()
        };
        let owned: usize = self.machine.inodes.iter().map(of).sum();
        let live = self.machine.journal.iter().flat_map(|j| j.running.iter().chain(&j.committing));
        let pending: usize = live.map(|transaction| transaction.freed.len()).sum();
        let all = owned as u64 + pending as u64 + mounted.free_blocks();
        assert_eq!(all, mounted.layout.pool_blocks(), "blocks of the pool");
    }

    /// What a reader would get of every page is what the reference has. Holds while no operation is
    /// under way.
    pub(crate) fn check_contents(&self) {
        for (ino, file) in &self.model.files {
            let inode = self.machine.inode(*ino);
            assert_eq!(Some(inode.name.as_str()), self.model.name_of(*ino), "{ino}");
            for (page, words) in &file.data {
                let index = PageIndex(*page);
                let cached = inode.mapping.find_get_page(index).filter(|page| page.uptodate);
                let same = cached.map_or_else(
                    || inode.block(index).is_some_and(|b| self.machine.load_block(b) == **words),
                    |cached| cached.words == **words,
                );
                assert!(same, "{ino} page {page}, cached: {}", cached.is_some());
            }
        }
    }

    /// Cuts the power: whatever survives recovers to what the files may hold.
    pub(crate) fn cut(&mut self, cut: Cut) {
        let machine = &self.machine;
        let (geometry, log) = (machine.geometry, machine.log);
        let image = crash::image(&machine.medium, cut, &mut self.random);
        let mut words = image.clone();
        let found = crash::recovered(&mut words, &geometry, log.as_ref());
        let mode = machine.semantics.data_mode().unwrap();
        self.check_files(&words, &found, mode, &format!("{cut:?}"));
        if let Some(log) = &log {
            crash::recovery_repeats(&image, &words, log, &mut self.random);
        }
    }

    pub(crate) fn check_files(
        &self,
        image: &[Word],
        found: &daxscope_core::fs::FileSystem,
        mode: DataMode,
        what: &str,
    ) {
        let layout = Layout::of(&self.machine.geometry);
        let checked = self.histories.check(image, &layout, found, mode);
        checked.unwrap_or_else(|why| panic!("power cut {what}: {why}"));
    }

    /// Runs an operation of a thread to its end; nobody else runs but whom it waits for.
    pub(crate) fn call(&mut self, id: ThreadId, op: Op) {
        self.begin(id, op);
        while !self.idle(id) {
            let runnable = self.runnable();
            let next = if runnable.contains(&id) { Some(id) } else { runnable.first().copied() };
            self.step(next.expect("somebody sleeps for ever"));
        }
    }

    /// Every file holds what the reference has, as its readers see it.
    pub(crate) fn read_all(&mut self, id: ThreadId) {
        let files: BTreeMap<Ino, File> = self.model.files.clone();
        for (ino, file) in files {
            assert_eq!(self.machine.inode(ino).pages, file.pages, "{ino}");
            let blocks: Vec<_> = self.machine.inode(ino).blocks().map(|(page, _)| page.0).collect();
            assert_eq!(blocks, file.data.keys().copied().collect::<Vec<_>>(), "{ino}");
            let holes = (0..file.pages.min(3)).filter(|page| !file.data.contains_key(page));
            for page in file.data.keys().copied().chain(holes) {
                self.call(id, Op::Read { ino, index: PageIndex(page) });
            }
        }
        let known: Vec<_> = self.model.files.keys().copied().chain([ROOT]).collect();
        let live = self.machine.inodes.iter().map(|inode| inode.ino);
        let mut live: Vec<_> = live.collect();
        live.sort_unstable();
        let mut known = known;
        known.sort_unstable();
        assert_eq!(live, known);
    }
}

/// An operation in few words.
fn brief(op: &Op) -> String {
    match op {
        Op::DirectWrite { at, words } => {
            format!("direct write {at:?} of {} words {}", words.len(), words[0])
        }
        Op::Write { at, words } => {
            format!("write {at:?} of {} words {}", words.len(), words[0])
        }
        other => format!("{other:?}"),
    }
}

/// Runs a test of one seed; if it fails, says what had happened.
pub(crate) fn told<const FAN: usize>(run: &mut Run<FAN>, test: impl FnOnce(&mut Run<FAN>)) {
    let result = catch_unwind(AssertUnwindSafe(|| test(run)));
    if let Err(why) = result {
        run.told.iter().for_each(|line| eprintln!("{line}"));
        eprintln!("failed at step {}", run.steps);
        resume_unwind(why);
    }
}
pub(crate) const fn mapping(ino: Ino) -> daxscope_core::address_space::MappingId {
    daxscope_core::address_space::MappingId::File(ino)
}
