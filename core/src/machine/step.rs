//! What a step reports: actor, stack, rules, events, changed components.

use super::VmaId;
use super::event::Event;
use super::frame::Frame;
use super::program::ThreadId;
use crate::address_space::MappingId;
use crate::rules::RuleId;
use crate::sorted;
use crate::units::{BlockNr, Ino, LineNr, PageIndex};
use alloc::vec::Vec;

/// Who acts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Actor {
    /// A thread.
    Thread(ThreadId),
    /// The hardware: evicts lines, completes writes, loses power.
    Hardware,
}

/// What can be done next; see [`super::Machine::enabled`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// The thread runs to its next observable action.
    Run(ThreadId),
    /// The hardware writes a dirty line back, at a moment of its own choosing (CPU-3).
    Evict(LineNr),
    /// The disk completes the n-th of its writes under way, in whatever order.
    CompleteIo(usize),
    /// The power fails. The n-th of the images that it may leave is what survives, counted from 0 in
    /// the order of [`images`](crate::medium::images); below [`IMAGES_MAX`](crate::medium::IMAGES_MAX).
    PowerCut(u32),
}

impl Action {
    /// Who acts.
    #[must_use]
    pub const fn actor(self) -> Actor {
        match self {
            Self::Run(thread) => Actor::Thread(thread),
            Self::Evict(_) | Self::CompleteIo(_) | Self::PowerCut(_) => Actor::Hardware,
        }
    }
}

/// An error number that a call can return.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Errno {
    /// I/O error.
    Eio,
    /// No such file.
    Enoent,
    /// The file exists.
    Eexist,
    /// Invalid argument.
    Einval,
    /// Device or resource busy.
    Ebusy,
    /// File too large.
    Efbig,
    /// No space left on the device.
    Enospc,
    /// Try again: a page went away meanwhile. No call returns it.
    Eagain,
    /// Out of memory: what a call says that can have no page.
    Enomem,
}

/// A part of the machine that a step changed: the unit of highlighting, of the text diff and of
/// the explorer's incremental hashing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Component {
    /// A thread: its stack, position or wait.
    Thread(ThreadId),
    /// A thread's memory mappings: the mapping itself, or the PTE of one page of it.
    Pte(VmaId, PageIndex),
    /// The set of mappings of user memory.
    Vmas,
    /// A slot of a mapping's tree: item or tags.
    Slot(MappingId, PageIndex),
    /// nrpages and nrexceptional of a mapping.
    Counters(MappingId),
    /// A page's contents or flags.
    Page(MappingId, PageIndex),
    /// An inode's dirty state.
    Inode(Ino),
    /// A line of the medium: its window of versions or its pending marks.
    Line(LineNr),
    /// The queue of sleepers.
    WaitQueue,
    /// S_DAX and the block size of the device's inode.
    BdevInode,
    /// The writes under way to a disk.
    Bios,
    /// The set of files in memory.
    Inodes,
    /// The allocator's own bitmap and the inode slots.
    Allocator,
    /// The journal's transactions, head and tail.
    Journal,
    /// What the journal knows of a block's buffer.
    JournalHead(BlockNr),
}

/// One step: one actor's next observable action.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Who acted.
    pub actor: Actor,
    /// The kernel functions on the actor's stack when it acted, outermost first. Empty in user
    /// mode and for the hardware.
    pub stack: Vec<&'static str>,
    /// The rules that the executed branches implement, in order, each once.
    pub rules: Vec<RuleId>,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What changed, sorted, each once.
    pub changed: Vec<Component>,
}

impl Step {
    /// The event that says what the step did: the last that is no call, return or side effect of a
    /// lock; else the return of a system call.
    #[must_use]
    pub fn main_event(&self) -> Option<&Event> {
        let is_return = |event: &&Event| matches!(event, Event::CallReturned { .. });
        let is_side = |event: &&Event| {
            event.name().is_empty()
                || matches!(event, Event::LockFenced { .. } | Event::Wakes { .. })
        };
        let mut newest = self.events.iter().rev();
        let main = newest.clone().find(|event| !is_side(event));
        main.or_else(|| newest.find(is_return))
    }
}

/// Takes what a step reports. [`FullReport`] builds the [`Step`], [`ChangeReport`] only the
/// changed components, [`NoReport`] nothing, so that it compiles away.
pub trait Report {
    /// A branch that implements `rule` was executed.
    fn rule(&mut self, rule: RuleId);
    /// Something happened; the event is built only if somebody takes it.
    fn event(&mut self, event: impl FnOnce() -> Event);
    /// The observable action happened in `frame`, with `callers` below it on the stack.
    fn acted_in(&mut self, callers: &[Frame], frame: &Frame);
    /// A component changed. Listing one that stayed equal is allowed, missing one is not.
    fn changed(&mut self, component: Component);
    /// Whether it takes nothing, so that nobody walks a tree for it.
    fn takes_nothing(&self) -> bool {
        false
    }
}

/// Builds a whole [`Step`].
#[derive(Default, Debug)]
pub struct FullReport {
    rules: Vec<RuleId>,
    events: Vec<Event>,
    changed: Vec<Component>,
    stack: Vec<&'static str>,
}

impl FullReport {
    /// The step, once the machine has applied an action with this report.
    #[must_use]
    pub fn into_step(self, actor: Actor) -> Step {
        let Self { rules, events, changed, stack } = self;
        Step { actor, stack, rules, events, changed }
    }
}

impl Report for FullReport {
    fn rule(&mut self, rule: RuleId) {
        if !self.rules.contains(&rule) {
            self.rules.push(rule);
        }
    }
    fn event(&mut self, event: impl FnOnce() -> Event) {
        push(&mut self.events, event());
    }
    fn acted_in(&mut self, callers: &[Frame], frame: &Frame) {
        self.stack = callers.iter().chain([frame]).map(Frame::function).collect();
    }
    fn changed(&mut self, component: Component) {
        sorted::insert(&mut self.changed, component);
    }
}

/// One copy of this, and not one in every place that reports an event.
#[inline(never)]
fn push(events: &mut Vec<Event>, event: Event) {
    events.push(event);
}

/// Collects only the changed components, for the explorer.
#[derive(Default, Debug)]
pub struct ChangeReport {
    /// What changed so far, unsorted.
    pub changed: Vec<Component>,
}

impl Report for ChangeReport {
    fn rule(&mut self, _: RuleId) {}
    fn event(&mut self, _: impl FnOnce() -> Event) {}
    fn acted_in(&mut self, _: &[Frame], _: &Frame) {}
    fn changed(&mut self, component: Component) {
        self.changed.push(component);
    }
}

/// Takes nothing, for the benchmark.
#[derive(Clone, Copy, Default, Debug)]
pub struct NoReport;

impl Report for NoReport {
    fn rule(&mut self, _: RuleId) {}
    fn event(&mut self, _: impl FnOnce() -> Event) {}
    fn acted_in(&mut self, _: &[Frame], _: &Frame) {}
    fn changed(&mut self, _: Component) {}
    fn takes_nothing(&self) -> bool {
        true
    }
}
