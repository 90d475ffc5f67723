//! Leaving the script, coming back to it, and the address of where one is.

use super::{OpenError, Session};
use crate::link::{Link, MODEL_VERSION, Run, Side, short_hash};
use daxscope_core::EXT4;
use daxscope_core::crash::IMAGES_MAX;
use daxscope_core::machine::Action;

impl Session {
    /// Takes an action after `step`, by its number among the enabled ones: a branch, which drops
    /// what came after. Where it is what comes next anyway, nothing is dropped. Returns the number
    /// of the new step.
    ///
    /// # Errors
    /// In words, if there is no such step or action, if the core refuses it, or if the path would
    /// grow beyond [`STEPS_MAX`](super::STEPS_MAX). Nothing has changed then.
    pub fn take(&mut self, step: usize, enabled: usize) -> Result<usize, String> {
        let last = self.last_step();
        if step > last {
            return Err(format!("there is no step {step}; expected 0 to {last}"));
        }
        let actions = self.moment(step).machine.enabled();
        let Some(action) = actions.get(enabled).copied() else {
            let count = actions.len();
            return Err(format!(
                "there is no action {enabled} at step {step}; {count} are possible"
            ));
        };
        if step < last && self.action(step + 1) == action {
            return Ok(step + 1);
        }
        let most = self.steps_max();
        if step >= most {
            return Err(format!("the path has {most} steps already, which is the limit"));
        }
        let mut branch = self.path.clone();
        branch.truncate(step);
        branch.advance(action).map_err(|why| why.to_string())?;
        self.path = branch;
        Ok(step + 1)
    }

    /// Cuts the power after `step` and lets the machine boot from the image of that number, until
    /// nobody who boots can go on: a branch, which drops what came after. Returns the number of the
    /// step that cuts.
    ///
    /// # Errors
    /// In words, if there is no such step or image, if the core refuses a step, or if the path would
    /// grow beyond [`STEPS_MAX`](super::STEPS_MAX). Nothing has changed then.
    pub fn cut_power(&mut self, step: usize, image: u32) -> Result<usize, String> {
        self.cut(step, image, true)
    }

    /// Cuts the power, and does not boot unless told so.
    pub(super) fn cut(&mut self, step: usize, image: u32, boot: bool) -> Result<usize, String> {
        if !EXT4 {
            return Err("nothing boots in this build".to_owned());
        }
        let last = self.last_step();
        if step > last {
            return Err(format!("there is no step {step}; expected 0 to {last}"));
        }
        let images = self.moment(step).crash.images.as_u64().unwrap_or(u64::MAX);
        let images = images.min(IMAGES_MAX.into());
        if u64::from(image) >= images {
            return Err(format!(
                "a power cut after step {step} cannot leave image {image}; expected 0 to {}",
                images - 1
            ));
        }
        let cut = Action::PowerCut(image);
        if step < last && self.action(step + 1) == cut && !boot {
            return Ok(step + 1);
        }
        let mut branch = self.path.clone();
        branch.truncate(step);
        branch.advance(cut).map_err(|why| why.to_string())?;
        loop {
            let next = branch.last().machine.runnable().next().filter(|_| boot);
            let Some(thread) = next else { break };
            if branch.len() > self.steps_max() {
                return Err(format!("the boot goes on after {} steps", self.steps_max()));
            }
            branch.advance(Action::Run(thread)).map_err(|why| why.to_string())?;
        }
        self.path = branch;
        Ok(step + 1)
    }

    /// The address of what boots if the power is cut after `step` and this image survives.
    #[must_use]
    pub fn boot_link(&self, step: usize, image: u32) -> Link {
        let link = self.link(step);
        let mut path = self.runs(step);
        path.push(Run::PowerCut { image });
        Link { path, step: link.step + 1, hash: None, ..link }
    }

    /// Goes back to the script: drops a branch and what it led to, and runs the script to its end.
    ///
    /// # Errors
    /// If the core refuses a step that it took when the session was opened.
    pub fn resume_script(&mut self) -> Result<(), OpenError> {
        let scripted = self.scripted_steps();
        self.path.truncate(scripted);
        for (at, action) in self.script.iter().enumerate().skip(scripted) {
            let refused = |why| OpenError::Refused { step: at + 1, why };
            self.path.advance(*action).map_err(refused)?;
        }
        Ok(())
    }

    /// The address of this path with `step` shown.
    #[must_use]
    pub fn link(&self, step: usize) -> Link {
        let sets = self.choice.sets.clone();
        let own = self.epoch() == self.lecture.epoch;
        Link {
            path: self.runs(self.last_step()),
            step: u32::try_from(step).expect("paths are short"),
            variant: (self.variant > 0).then(|| self.variant().name.clone()),
            side: Side { epoch: (!own).then(|| self.epoch()), sets },
            // The bytes of an image are not in the link, so it leads to no state.
            hash: (!self.is_image()).then(|| short_hash(self.path.hash(step))),
            model: Some(MODEL_VERSION),
            ..Link::to(&self.lecture.slug)
        }
    }

    /// The path up to a step as choices.
    fn runs(&self, last: usize) -> Vec<Run> {
        let scripted = self.scripted_steps().min(last);
        let mut runs = Vec::new();
        if scripted == self.script.len() {
            runs.push(Run::Script);
        } else if scripted > 0 {
            runs.push(Run::ScriptSteps(u32::try_from(scripted).expect("paths are short")));
        }
        for step in scripted..last {
            let enabled = self.moment(step).machine.enabled();
            let taken = self.action(step + 1);
            if let Action::PowerCut(image) = taken {
                runs.push(Run::PowerCut { image });
                continue;
            }
            let number = enabled.iter().position(|action| *action == taken);
            let number = number.expect("a step's action was enabled before it");
            let choice = u32::try_from(number).expect("few actions are enabled");
            match runs.last_mut() {
                Some(Run::Choice { action, times }) if *action == choice => *times += 1,
                _ => runs.push(Run::Choice { action: choice, times: 1 }),
            }
        }
        runs
    }
}
