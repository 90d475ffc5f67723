//! Finding moments by what happened, and what a moment deserves.

use super::{FAN_OUT, Session};
use crate::landmark::{AnyOf, Landmark};
use crate::lecture::Moment;
use daxscope_core::check::Verdict;
use daxscope_core::machine::{Actor, Call, Event, Step, ThreadId};
use daxscope_core::path::{self, Path};

/// What a run came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reached {
    /// The distinct verdicts of steps and power cuts, in order; `ok` only when alone.
    pub verdicts: Vec<Verdict>,
    /// The landmarks of segments and the names of cuts that did not occur.
    pub unreached: Vec<String>,
    /// The step that first shows the last of the verdicts; 0 if that is `ok`.
    pub decided_at: usize,
}

/// Whether the moment after `step` shows one of the landmarks; `End` is meant of `thread`.
pub(super) fn shows(
    any: &AnyOf,
    path: &Path<FAN_OUT>,
    step: usize,
    thread: Option<ThreadId>,
) -> bool {
    let moment = path.moment(step);
    any.0.iter().any(|landmark| match landmark {
        Landmark::Start => step == 0,
        Landmark::End => match thread {
            Some(thread) => is_done(moment, thread),
            None => step + 1 == path.len(),
        },
        other => moment.step.as_ref().is_some_and(|(_, step)| happened(other, step)),
    })
}

/// Whether `End` is among the landmarks and the thread's program is over.
pub(super) fn is_over(any: &AnyOf, moment: &path::Moment<FAN_OUT>, thread: ThreadId) -> bool {
    any.0.contains(&Landmark::End) && is_done(moment, thread)
}

fn is_done(moment: &path::Moment<FAN_OUT>, thread: ThreadId) -> bool {
    moment.machine.threads[usize::from(thread.0)].is_done()
}

/// Whether a step shows the landmark.
fn happened(landmark: &Landmark, step: &Step) -> bool {
    step.events.iter().any(|event| match (landmark, event) {
        (Landmark::Entered(name), Event::Entered(function))
        | (Landmark::Left(name), Event::Left(function)) => name == function,
        (Landmark::Event(name), event) => event.name() == *name,
        (Landmark::Returned(wanted), Event::CallReturned { call, .. }) => wanted == call,
        (Landmark::Returned(Call::Mmap), Event::Mmapped { .. }) => true,
        _ => false,
    })
}

/// The step that leads to the moment, if the path has it.
pub(super) fn find(moment: &Moment, path: &Path<FAN_OUT>) -> Option<usize> {
    let mine = |step: &usize| {
        let actor = path.moment(*step).step.as_ref().map(|(_, step)| step.actor);
        moment.thread.is_none_or(|thread| actor == Some(Actor::Thread(thread)))
    };
    let mut found =
        (0..path.len()).filter(mine).filter(|step| shows(&moment.at, path, *step, moment.thread));
    if moment.last {
        return found.next_back();
    }
    let before = usize::try_from(moment.nth - 1).expect("u32 fits");
    found.nth(before)
}

impl Session {
    /// Whether a step shows a landmark; `Start` and `End` are no steps.
    #[must_use]
    pub fn shows(&self, landmark: &Landmark, step: usize) -> bool {
        self.moment(step).step.as_ref().is_some_and(|(_, step)| happened(landmark, step))
    }

    /// The verdicts that a step deserved, and those of the power cut if the lecture cuts there.
    #[must_use]
    pub fn verdicts_at(&self, step: usize) -> Vec<Verdict> {
        let moment = self.moment(step);
        let mut verdicts = moment.verdicts.clone();
        if self.cuts().any(|(_, at)| at == Some(step)) {
            verdicts.extend(moment.crash.broken());
        }
        verdicts
    }

    /// What the path came to: its verdicts, and what it did not reach.
    #[must_use]
    pub fn reached(&self) -> Reached {
        let shown: Vec<_> = (0..=self.last_step()).map(|step| self.verdicts_at(step)).collect();
        let verdicts = Verdict::distinct(shown.iter().flatten().copied());
        let last = verdicts.last().filter(|verdict| **verdict != Verdict::Ok);
        let decided_at = last.and_then(|last| shown.iter().position(|list| list.contains(last)));
        let segments = self.unreached.iter().map(|unreached| unreached.landmark.clone());
        let cuts = self.cuts().filter(|(_, at)| at.is_none()).map(|(cut, _)| cut.name.clone());
        let unreached = segments.chain(cuts).collect();
        Reached { verdicts, unreached, decided_at: decided_at.unwrap_or(0) }
    }
}
