//! A lecture on the screen: a run, a step on it, and that moment's parts.

use std::rc::Rc;

use crate::course::{self, Question, Run, WHOLE};
use crate::msg::Go;
use crate::parts::Parts;

/// A lecture on the screen.
#[derive(Clone, PartialEq)]
pub(crate) struct Lesson {
    pub(crate) run: Rc<Run>,
    /// The lecture's own path, while the reader is on a branch of it.
    pub(crate) trunk: Option<Rc<Run>>,
    pub(crate) step: usize,
    pub(crate) parts: Parts,
    /// The answers given, by the step at which they were asked for.
    pub(crate) answers: Rc<Vec<(usize, usize)>>,
}

/// A question on the screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    pub(crate) question: Question,
    pub(crate) answer: Option<usize>,
    /// The step has been taken: what was right may be said.
    pub(crate) revealed: bool,
}

impl Lesson {
    /// A run at a step, or at its last one if it is shorter.
    pub(crate) fn at(run: Rc<Run>, step: usize, before: Option<&Parts>) -> Self {
        let step = step.min(run.last());
        let parts = Parts::of(run.scene(step), before);
        Self { run, trunk: None, step, parts, answers: Rc::default() }
    }

    /// The answer given at a step.
    pub(crate) fn answer(&self, step: usize) -> Option<usize> {
        self.answers.iter().find(|(at, _)| *at == step).map(|(_, answer)| *answer)
    }

    /// The same run at another step.
    pub(crate) fn moved(&self, step: usize) -> Self {
        let moved = Self::at(Rc::clone(&self.run), step, Some(&self.parts));
        Self { trunk: self.trunk.clone(), answers: Rc::clone(&self.answers), ..moved }
    }

    /// The step that a move leads to; the same one where there is none further.
    pub(crate) fn target(&self, go: Go) -> usize {
        let (last, marks) = (self.run.last(), self.run.marks());
        let is_stop = |step: &usize| marks[*step].event || *step == 0 || *step == last;
        match go {
            Go::First => 0,
            Go::Back => self.step.saturating_sub(1),
            Go::Next => (self.step + 1).min(last),
            Go::Last => last,
            Go::PreviousEvent => (0..self.step).rev().find(is_stop).unwrap_or(0),
            Go::NextEvent => (self.step + 1..=last).find(is_stop).unwrap_or(last),
            Go::To(step) => step.min(last),
        }
    }

    /// The verdict words up to this step, each once, in order.
    pub(crate) fn verdicts(&self) -> Vec<&str> {
        let mut words = Vec::new();
        for word in self.run.marks()[..=self.step].iter().flat_map(|mark| &mark.verdicts) {
            if !words.contains(&word.as_str()) {
                words.push(word.as_str());
            }
        }
        words
    }

    /// The question asked here, or the one that this step has just answered.
    pub(crate) fn asked(&self) -> Option<Asked> {
        let asked = |step: usize, revealed| {
            let answer = self.answer(step);
            self.run.question(step).map(|question| Asked { question, answer, revealed })
        };
        let just = self.step.checked_sub(1).and_then(|step| asked(step, true));
        asked(self.step, false).or(just)
    }

    /// The address without the step. No address leads to an image, so this is that of where one is opened.
    pub(crate) fn place(&self) -> String {
        if WHOLE && self.run.is_image() { self.link() } else { self.run.link(0) }
    }

    /// Leads back to this very moment.
    pub(crate) fn link(&self) -> String {
        if WHOLE && self.run.is_image() {
            return course::open_link("");
        }
        self.run.link(self.step)
    }
}
