//! Crash for real: a process writes through the machine's own journal on a mapped file, says after each
//! fsync and sync that it returned, and is killed at any moment. Whoever comes later checks the file.
//!
//! The operations follow from a seed alone ([`Stream`]), so the checker knows them without having seen
//! them: it replays them on a model of a few maps, and accepts what lies between the last operation
//! that was acknowledged and the next one that would have been ([`verify`]).
//!
//! What this shows depends on how the process ends. SIGKILL keeps the CPU's caches and the kernel's page
//! cache: the file is as the last instruction left it, so it tests the journal's order at any
//! instruction, not lost cache lines. A machine that is reset tests what a fence is worth on that memory.
//! Which lines may be lost in between is the simulated medium's business (`daxscope crash`).

mod model;
mod oracle;
mod stream;
mod superblock;

pub use model::{File, Model};
pub use oracle::{Verified, verify};
pub use stream::{Next, Stream, Universe};
pub use superblock::mend_superblock;

use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::fs::{Kind, Layout, ROOT};
use daxscope_core::machine::frame::Frame;
use daxscope_core::machine::{
    Component, Errno, Event, FileSetup, Machine, Op, Program, Report, Setup, System,
};
use daxscope_core::medium::Medium;
use daxscope_core::rules::RuleId;
use daxscope_core::units::{BlockNr, Cpu, Tid, Word, WordAddr};
use std::io::{self, Write};

/// The kernel whose rules the writer obeys.
pub const EPOCH: Epoch = Epoch::V6_12;

const CPU: Cpu = Cpu(0);
/// Words that are copied at once when a device is made.
const CHUNK: usize = 1 << 16;

/// What a machine of this universe starts from: an empty root directory, a journal, one idle thread.
#[must_use]
pub fn setup(universe: &Universe, planted: Option<RuleId>) -> Setup {
    let root = FileSetup {
        ino: ROOT,
        name: "root".into(),
        kind: Kind::Directory,
        dax: false,
        absent: false,
        pages: 1,
        blocks: vec![Some(BlockNr(Layout::of(&universe.geometry).pool().start))],
        index_blocks: Vec::new(),
    };
    let file = |known: &stream::Known| FileSetup {
        ino: known.ino,
        name: known.name.clone(),
        kind: Kind::File,
        dax: known.dax,
        absent: true,
        pages: 0,
        blocks: Vec::new(),
        index_blocks: Vec::new(),
    };
    Setup {
        geometry: universe.geometry,
        semantics: Semantics::preset(EPOCH),
        files: std::iter::once(root).chain(universe.files.iter().map(file)).collect(),
        contents: Vec::new(),
        system: System { journal: Some(Tid(1)), ..System::PLAIN },
        programs: vec![Program { name: "writer".into(), cpu: CPU, ops: Vec::new(), boot: false }],
        planted,
    }
}

/// Puts a whole image on a medium; it is durable afterwards.
pub fn make_device<M: Medium>(medium: &mut M, image: &[Word]) {
    for (n, words) in image.chunks(CHUNK).enumerate() {
        medium.store_nt(CPU, WordAddr((n * CHUNK) as u64), words);
    }
    medium.fence(CPU);
}

/// What a call has returned, and whether a store has killed its process.
#[derive(Default)]
struct Heard {
    result: Option<Result<(), Errno>>,
    killed: bool,
}

impl Report for Heard {
    fn rule(&mut self, _: RuleId) {}

    fn event(&mut self, event: impl FnOnce() -> Event) {
        match event() {
            Event::CallReturned { result, .. } => self.result = Some(result),
            Event::Sigbus { .. } => self.killed = true,
            _ => {}
        }
    }

    fn acted_in(&mut self, _: &[Frame], _: &Frame) {}

    fn changed(&mut self, _: Component) {}
}

/// A machine whose only thread is given one operation after the other.
pub struct Writer<M, const FAN: usize> {
    /// The machine.
    pub machine: Machine<M, FAN>,
}

impl<M: Medium, const FAN: usize> Writer<M, FAN> {
    /// A new device on this medium, made by mkfs.
    ///
    /// # Panics
    /// If the medium has another length than the universe's device.
    #[must_use]
    pub fn new(universe: &Universe, planted: Option<RuleId>, mut medium: M) -> Self {
        assert_eq!(medium.words(), universe.geometry.words(), "words of the device");
        let setup = setup(universe, planted);
        let machine = Machine::with_medium(&setup, |image| {
            make_device(&mut medium, image);
            medium
        });
        Self { machine: machine.expect("the setup names what exists") }
    }

    /// Mounts what is on a medium: the machine's own recovery replays the log, in place.
    ///
    /// # Errors
    /// If the mount fails.
    pub fn mount(universe: &Universe, medium: M) -> Result<Self, String> {
        let setup = setup(universe, None);
        let setup = Setup { system: System { mounted: false, ..setup.system }, ..setup };
        let machine = Machine::with_medium(&setup, |_| medium);
        let mut writer = Self { machine: machine.expect("the setup names what exists") };
        writer.call(&Next { number: 0, op: Op::Mount, expected: Ok(()) })?;
        Ok(writer)
    }

    /// Runs one operation to its end.
    ///
    /// # Errors
    /// If it returned something else than the model says.
    pub fn call(&mut self, next: &Next) -> Result<(), String> {
        let thread = &mut self.machine.threads[0];
        thread.program.ops = vec![next.op.clone()];
        thread.position = 0;
        let mut heard = Heard::default();
        while !self.machine.threads[0].is_done() {
            let runnable = self.machine.runnable().next();
            let thread = runnable.ok_or("the thread sleeps for ever")?;
            self.machine.run(thread, &mut heard).map_err(|why| why.to_string())?;
        }
        let is_store = matches!(next.op, Op::Store { .. });
        let result = heard.result.or(is_store.then_some(Ok(())));
        if heard.killed || result != Some(next.expected) {
            let Next { number, op, expected, .. } = next;
            return Err(format!("operation {number}, {op:?}: {result:?}, expected {expected:?}"));
        }
        Ok(())
    }
}

/// How much to write.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// From which all operations follow.
    pub seed: u64,
    /// So many operations; `None` is without end.
    pub operations: Option<u64>,
    /// A fault, for a test of the checker.
    pub planted: Option<RuleId>,
}

/// Makes a device and writes, with a line to `acks` for every operation that promised something and has
/// returned: `READY` when the device is made, `ACK n`, `DONE n` at the end.
///
/// # Errors
/// If an operation returned what it should not, or `acks` cannot be written.
pub fn write<M: Medium>(
    universe: &Universe,
    medium: M,
    task: &Task,
    acks: &mut impl Write,
) -> io::Result<()> {
    match universe.geometry.fan_out {
        8 => write_with::<M, 8>(universe, medium, task, acks),
        fan_out => {
            assert_eq!(fan_out, Geometry::KERNEL.fan_out);
            write_with::<M, 64>(universe, medium, task, acks)
        }
    }
}

fn write_with<M: Medium, const FAN: usize>(
    universe: &Universe,
    medium: M,
    task: &Task,
    acks: &mut impl Write,
) -> io::Result<()> {
    let mut writer = Writer::<M, FAN>::new(universe, task.planted, medium);
    let mut say = |line: &str| acks.write_all(line.as_bytes()).and_then(|()| acks.flush());
    say("READY\n")?;
    let mut stream = Stream::new(universe, task.seed);
    let end = task.operations.unwrap_or(u64::MAX);
    for next in stream.by_ref().take_while(|next| next.number <= end) {
        writer.call(&next).map_err(io::Error::other)?;
        if next.promises() {
            say(&format!("ACK {}\n", next.number))?;
        }
    }
    say(&format!("DONE {end}\n"))
}

#[cfg(test)]
mod tests;
