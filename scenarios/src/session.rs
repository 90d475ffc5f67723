//! A session: one variant of a lecture in one epoch, run to the end of its schedule, and where the
//! user went from there.

mod ask;
mod branch;
mod moments;
mod open;
mod replay;
mod switches;
mod text;

pub use moments::Reached;
pub(crate) use open::setup;
pub use open::{Choice, OpenError, Unreached};
pub use replay::Replayed;
pub use switches::Switch;

use crate::lecture::{Cut, Lecture, Variant};
use daxscope_core::EXT4;
use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::machine::Action;
use daxscope_core::path::{Moment, Path};
use daxscope_core::view::{self, Outline, Scene};
use std::sync::Arc;

/// The fan-out of the machine that lectures run on.
pub const FAN_OUT: usize = Geometry::TEACHING.fan_out;
/// A run longer than this is taken for an endless one.
pub const STEPS_MAX: usize = 2_000;
/// The same of a boot from an image: a log of a thousand blocks takes some steps for each.
const IMAGE_STEPS_MAX: usize = 6_000;

/// One variant of a lecture in one epoch: its scripted run, and the path the user is on.
#[derive(Clone, Debug)]
pub struct Session {
    lecture: Arc<Lecture>,
    variant: usize,
    choice: Choice,
    semantics: Semantics,
    path: Path<FAN_OUT>,
    /// The actions of the schedule in this epoch.
    script: Vec<Action>,
    unreached: Vec<Unreached>,
}

impl Session {
    /// The lecture.
    #[must_use]
    pub fn lecture(&self) -> &Arc<Lecture> {
        &self.lecture
    }

    /// Whether it boots from an image of a device, which no link can carry.
    #[must_use]
    pub fn is_image(&self) -> bool {
        EXT4 && self.variant().system.found
    }

    /// How many steps it may take.
    fn steps_max(&self) -> usize {
        if self.is_image() { IMAGE_STEPS_MAX } else { STEPS_MAX }
    }

    /// The variant.
    #[must_use]
    pub fn variant(&self) -> &Variant {
        &self.lecture.variants[self.variant]
    }

    /// What was asked for.
    #[must_use]
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// The epoch.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.choice.epoch.unwrap_or(self.lecture.epoch)
    }

    /// The switches as the machine has them.
    #[must_use]
    pub fn semantics(&self) -> &Semantics {
        &self.semantics
    }

    /// The path that the user is on.
    #[must_use]
    pub fn path(&self) -> &Path<FAN_OUT> {
        &self.path
    }

    /// The moment after `step` steps.
    ///
    /// # Panics
    /// If the path is shorter; see [`Session::last_step`].
    #[must_use]
    pub fn moment(&self, step: usize) -> &Moment<FAN_OUT> {
        self.path.moment(step)
    }

    /// The number of the last step on the path; 0 is the initial state.
    #[must_use]
    pub fn last_step(&self) -> usize {
        self.path.len() - 1
    }

    /// The actions of the schedule in this epoch.
    #[must_use]
    pub fn script(&self) -> &[Action] {
        &self.script
    }

    /// The segments that ended without their landmark.
    #[must_use]
    pub fn unreached(&self) -> &[Unreached] {
        &self.unreached
    }

    /// How many steps from the start are those of the script.
    #[must_use]
    pub fn scripted_steps(&self) -> usize {
        let taken = (1..self.path.len()).map(|step| self.action(step));
        taken.zip(&self.script).take_while(|(taken, scripted)| taken == *scripted).count()
    }

    /// The action of a step.
    fn action(&self, step: usize) -> Action {
        self.path.moment(step).step.as_ref().expect("only the start has no step").0
    }

    /// What the script does after `step`, if all steps up to there are the script's.
    #[must_use]
    pub fn scripted_next(&self, step: usize) -> Option<Action> {
        (self.scripted_steps() >= step).then(|| self.script.get(step).copied()).flatten()
    }

    /// The moment after `step` steps, ready to draw: the core's scene, with the lecture's next
    /// action marked and the verdicts of a power cut that the lecture makes here.
    ///
    /// # Panics
    /// If the path is shorter.
    #[must_use]
    pub fn scene(&self, step: usize) -> Scene {
        self.with_script(view::scene(&self.path, step))
    }

    /// The same without its tables.
    fn brief(&self, step: usize) -> Scene {
        self.with_script(view::brief(&self.path, step))
    }

    /// What the lecture adds to a scene.
    fn with_script(&self, mut scene: Scene) -> Scene {
        let step = scene.step;
        let verdicts = self.verdicts_at(step);
        scene.caption.verdicts = verdicts.iter().map(ToString::to_string).collect();
        let next = self.scripted_next(step);
        let enabled = self.moment(step).machine.enabled();
        for (shown, action) in scene.enabled.iter_mut().zip(enabled) {
            shown.scripted = next == Some(action);
        }
        scene
    }

    /// The moment after `step` steps in short.
    ///
    /// # Panics
    /// If the path is shorter.
    #[must_use]
    pub fn outline(&self, step: usize) -> Outline {
        view::outline(&self.path, step)
    }

    /// Where the path has a moment that the lecture asks for.
    #[must_use]
    pub fn find(&self, moment: &crate::lecture::Moment) -> Option<usize> {
        moments::find(moment, &self.path)
    }

    /// The cuts of the variant and the steps after which they are made; `None` where the path
    /// does not come by.
    pub fn cuts(&self) -> impl Iterator<Item = (&Cut, Option<usize>)> {
        self.variant().cuts.iter().map(|cut| (cut, self.find(&cut.moment)))
    }

    /// The author's sentences for a step.
    pub fn sentences(&self, step: usize) -> impl Iterator<Item = &str> {
        let here = move |sentence: &&crate::lecture::Sentence| {
            let epoch = sentence.epochs.is_empty() || sentence.epochs.contains(&self.epoch());
            let verdicts = self.verdicts_at(step);
            let verdict = sentence.verdict.is_none_or(|verdict| verdicts.contains(&verdict));
            epoch && verdict && self.find(&sentence.moment) == Some(step)
        };
        self.variant().sentences.iter().filter(here).map(|sentence| sentence.text.as_str())
    }
}
