//! Following a link: never to another state than the one it was made for.

use super::{Choice, OpenError, STEPS_MAX, Session};
use crate::catalogue::Catalogue;
use crate::lecture::Lecture;
use crate::link::{Link, MODEL_VERSION, Run, short_hash};
use daxscope_core::machine::Action;
use std::sync::Arc;

/// Where a link led.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The session, on the link's path as far as that could be followed.
    pub session: Session,
    /// The step to show: the link's, or the deepest one that is certainly the link's.
    pub step: usize,
    /// In words, why that is not the step that the link asks for.
    pub problem: Option<String>,
}

impl Session {
    /// Follows a link: opens its lecture, takes its choices and compares the state's hash.
    ///
    /// A path that cannot be followed to its end, a step that is not there, or a state that is not
    /// the link's is told in [`Replayed::problem`].
    ///
    /// # Errors
    /// If there is no such lecture, variant or switch.
    pub fn replay(catalogue: &Catalogue, link: &Link) -> Result<Replayed, OpenError> {
        let lecture = catalogue.find(&link.lecture).map_err(OpenError::Unknown)?;
        Self::replay_in(lecture, link)
    }

    /// The same in a lecture that was found.
    ///
    /// # Errors
    /// If there is no such variant or switch.
    pub fn replay_in(lecture: impl Into<Arc<Lecture>>, link: &Link) -> Result<Replayed, OpenError> {
        let choice = Choice {
            variant: link.variant.clone(),
            epoch: link.side.epoch,
            sets: link.side.sets.clone(),
            planted: None,
        };
        let mut session = Self::open(lecture, choice)?;
        let problem = session.follow(&link.path).err();
        let wanted = usize::try_from(link.step).unwrap_or(usize::MAX);
        let last = session.last_step();
        let (step, problem) = if wanted <= last {
            session.compare(wanted, link, problem)
        } else {
            let beyond = || format!("the link shows step {wanted}, but its path has {last} steps");
            (last, Some(problem.unwrap_or_else(beyond)))
        };
        let problem = problem.map(|why| with_version(link.model, &why));
        Ok(Replayed { session, step, problem })
    }

    /// The same path with other choices of epoch and switches: the script as it is then, and after
    /// it the free choices of this path, each by what it does and not by its number. Shows `step`,
    /// or the last one if the path is shorter.
    ///
    /// A choice that is not possible any more ends the path before it, which
    /// [`Replayed::problem`] tells.
    ///
    /// # Errors
    /// If the choices cannot be opened.
    pub fn under(&self, choice: Choice, step: usize) -> Result<Replayed, OpenError> {
        let mut session = Self::open(Arc::clone(&self.lecture), choice)?;
        let scripted = self.scripted_steps();
        let mut problem = None;
        if scripted < self.script.len() {
            session.path.truncate(scripted.min(session.script.len()));
        }
        for free in scripted + 1..=self.last_step() {
            let at = session.last_step();
            if let Action::PowerCut(image) = self.action(free) {
                // It boots as it does then, for as many steps as that takes.
                problem = session.cut_power(at, image).err();
                break;
            }
            let enabled = session.moment(at).machine.enabled();
            let number = enabled.iter().position(|action| *action == self.action(free));
            let taken = match number {
                Some(number) => session.take(at, number),
                None => Err(self.what_was_done(free)),
            };
            if let Err(why) = taken {
                problem = Some(format!("step {} is not possible any more: {why}", at + 1));
                break;
            }
        }
        let step = step.min(session.last_step());
        Ok(Replayed { session, step, problem })
    }

    /// Who acted in a step and what that was, as it stood among what was possible before it.
    fn what_was_done(&self, step: usize) -> String {
        let enabled = self.moment(step - 1).machine.enabled();
        let number = enabled.iter().position(|enabled| *enabled == self.action(step));
        let number = number.expect("a step's action was enabled before it");
        let done = &self.scene(step - 1).enabled[number];
        format!("{}, {}", done.actor, done.what)
    }

    /// The step to show and what is wrong with it: the state's hash decides.
    fn compare(
        &self,
        step: usize,
        link: &Link,
        problem: Option<String>,
    ) -> (usize, Option<String>) {
        match link.hash {
            Some(hash) if hash != short_hash(self.path.hash(step)) => {
                let why = format!(
                    "its choices lead to another state at step {step} than the one it was made \
                     for; shown from the start"
                );
                (0, Some(why))
            }
            None if link.model.is_some_and(|model| model != MODEL_VERSION) => {
                let why = format!("it has no hash to tell whether step {step} is still the same");
                (step, Some(problem.unwrap_or(why)))
            }
            _ => (step, problem),
        }
    }

    /// Takes the choices; on the first that is not possible says why, with the path up to there.
    fn follow(&mut self, runs: &[Run]) -> Result<(), String> {
        let mut at = 0;
        let end = self.script.len();
        for (number, run) in (1..).zip(runs) {
            let on_script = self.scripted_steps() >= at;
            let wanted = match *run {
                Run::Script => end,
                Run::ScriptSteps(steps) => at + steps as usize,
                Run::PowerCut { image } => {
                    let cut = self.cut(at, image, number == runs.len()).map_err(|why| {
                        self.path.truncate(at);
                        format!("step {} is not possible: {why}", at + 1)
                    });
                    at = cut?;
                    continue;
                }
                Run::Choice { action, times } => {
                    for _ in 0..times {
                        at = self.choose(at, action as usize)?;
                    }
                    continue;
                }
            };
            if !on_script {
                self.path.truncate(at);
                return Err(format!("`{run}` cannot follow the script after a free choice"));
            }
            if wanted > end {
                return Err(format!("`{run}` asks for step {wanted}, the script has {end}"));
            }
            at = wanted.max(at);
        }
        // A power cut at the end stands for the whole boot.
        if !matches!(runs.last(), Some(Run::PowerCut { .. })) {
            self.path.truncate(at);
        }
        Ok(())
    }

    fn choose(&mut self, at: usize, action: usize) -> Result<usize, String> {
        if at >= STEPS_MAX {
            return Err(format!("a path has at most {STEPS_MAX} steps"));
        }
        let taken = self.take(at, action);
        if taken.is_err() {
            self.path.truncate(at);
        }
        taken.map_err(|why| format!("step {} is not possible: {why}", at + 1))
    }
}

fn with_version(model: Option<u32>, why: &str) -> String {
    match model {
        Some(model) if model != MODEL_VERSION => {
            format!("This link was made with model {model}, this is model {MODEL_VERSION}: {why}")
        }
        _ => format!("This link cannot be followed: {why}"),
    }
}
