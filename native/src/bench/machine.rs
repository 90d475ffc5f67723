//! A machine that one program after the other is given to.

use super::report::Counts;
use crate::pmem::CountedMedium;
use anyhow::{Result, anyhow};
use daxscope_core::fs::Kind;
use daxscope_core::machine::frame::Frame;
use daxscope_core::machine::{
    Component, Errno, Event, FileSetup, Machine, NoReport, Op, Program, Report, Setup, ThreadId,
};
use daxscope_core::medium::Medium;
use daxscope_core::rules::RuleId;
use daxscope_core::units::{Cpu, Ino, Word, WordAddr};

/// Whose stores, write-backs and fences they are.
pub(super) const CPU: Cpu = Cpu(0);
/// Words of a block at the kernel's sizes.
pub(super) const WORDS: u64 = 512;
/// The first inode that a file can have.
pub(super) const FIRST_INO: u32 = 11;

/// The only thread.
const THREAD: ThreadId = ThreadId(0);

/// A machine on a real medium, with one thread.
pub(super) struct Host<M> {
    pub(super) machine: Machine<M, 64>,
}

impl<M: Medium> Host<M> {
    /// A machine with the device that the setup asks for; `make` gets its length in bytes and gives
    /// a medium that is all zero.
    pub(super) fn create(mut setup: Setup, make: impl FnOnce(u64) -> Result<M>) -> Result<Self> {
        let program = Program { name: "bench".into(), cpu: CPU, ops: Vec::new(), boot: false };
        setup.programs = vec![program];
        let mut medium = make(setup.geometry.words() * 8)?;
        let machine = Machine::with_medium(&setup, |image| {
            fill(&mut medium, image);
            medium
        });
        let machine = machine.map_err(|why| anyhow!("{:?}: {}", why.place, why.message))?;
        Ok(Self { machine })
    }

    /// Runs one operation to its end.
    pub(super) fn call(&mut self, op: Op) -> Result<()> {
        self.call_with(op, &mut NoReport)
    }

    /// The same, heard by `report`.
    fn call_with(&mut self, op: Op, report: &mut impl Report) -> Result<()> {
        let thread = &mut self.machine.threads[0];
        thread.program.ops.clear();
        thread.program.ops.push(op);
        thread.position = 0;
        while !self.machine.threads[0].is_done() {
            self.machine.run(THREAD, report).map_err(|why| anyhow!("{why}"))?;
        }
        Ok(())
    }

    /// Runs one operation and demands that it succeeds and that fsck, if it is that, finds nothing.
    pub(super) fn succeed(&mut self, op: Op) -> Result<()> {
        let mut heard = Heard(Ok(()));
        self.call_with(op, &mut heard)?;
        heard.0.map_err(|why| anyhow!("{:?}: {why}", self.machine.threads[0].program.ops))
    }
}

impl Host<CountedMedium> {
    /// What one call of `work` asks of the hardware, exactly.
    pub(super) fn count(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<crate::pmem::Counts> {
        self.machine.medium.reset_counts();
        work(self)?;
        Ok(self.machine.medium.counts())
    }
}

/// Per operation, for a row.
pub(super) fn per_operation(counts: crate::pmem::Counts, operations: u64) -> Counts {
    Counts::per_operation(counts.write_backs, counts.fences, operations)
}

/// Puts an image on a medium that is all zero; it is durable afterwards.
fn fill(medium: &mut impl Medium, image: &[Word]) {
    for (block, words) in (0..).zip(image.chunks(WORDS as usize)) {
        if words.iter().any(|word| *word != Word::ZERO) {
            medium.store_nt(CPU, WordAddr(block * WORDS), words);
        }
    }
    medium.fence(CPU);
}

/// A file of one page, which is a hole, or a file that is still to be made.
pub(super) fn empty_file(ino: Ino, absent: bool) -> FileSetup {
    FileSetup {
        ino,
        name: format!("f{}", ino.0),
        kind: Kind::File,
        dax: false,
        absent,
        pages: u64::from(!absent),
        blocks: Vec::new(),
        index_blocks: Vec::new(),
    }
}

/// What went wrong, if something did.
struct Heard(Result<(), String>);

impl Report for Heard {
    fn rule(&mut self, _: RuleId) {}

    fn event(&mut self, event: impl FnOnce() -> Event) {
        match event() {
            Event::CallReturned { result: Err(errno), .. } => self.0 = Err(words(errno)),
            Event::Fsck { problems, unrecovered } if unrecovered || !problems.is_empty() => {
                self.0 = Err(format!("fsck finds {} problems", problems.len()));
            }
            _ => {}
        }
    }

    fn acted_in(&mut self, _: &[Frame], _: &Frame) {}

    fn changed(&mut self, _: Component) {}
}

fn words(errno: Errno) -> String {
    format!("{errno:?}")
}
