//! Prediction questions: the author says what they are about, the run says what is right.

use super::Session;
use crate::lecture::{About, Asked, Prediction};
use daxscope_core::machine::Event;
use daxscope_core::narrate::labels;

impl Session {
    /// The question to ask after `step`, before the next one is shown, with the answer that this
    /// run gives. `None` also where that answer is not among those to choose from, which
    /// [`crate::check()`] reports.
    #[must_use]
    pub fn prediction(&self, step: usize) -> Option<Asked<'_>> {
        let here = |prediction: &&Prediction| {
            let epoch = prediction.epochs.is_empty() || prediction.epochs.contains(&self.epoch());
            epoch && self.find(&prediction.moment) == Some(step + 1)
        };
        let prediction = self.variant().predictions.iter().find(here)?;
        let answer = self.answer(prediction, step + 1)?;
        let right = prediction.answers.iter().position(|offered| *offered == answer)?;
        Some(Asked { prediction, right })
    }

    /// The questions of this epoch that the run comes by and whose right answer is not offered:
    /// the question and that answer.
    pub(crate) fn unanswerable(&self) -> Vec<(&str, String)> {
        let mut found = Vec::new();
        for prediction in &self.variant().predictions {
            let epoch = prediction.epochs.is_empty() || prediction.epochs.contains(&self.epoch());
            let step = self.find(&prediction.moment).filter(|_| epoch);
            let answer = step.map(|step| self.answer(prediction, step).unwrap_or_default());
            let answer = answer.filter(|answer| !prediction.answers.contains(answer));
            found.extend(answer.map(|answer| (prediction.ask.as_str(), answer)));
        }
        found
    }

    /// What the step, or the rest of the run from it on, answers.
    fn answer(&self, prediction: &Prediction, step: usize) -> Option<String> {
        match &prediction.about {
            About::Read => {
                let (_, report) = self.moment(step).step.as_ref()?;
                report.events.iter().find_map(|event| match event {
                    Event::ReadReturned { words, .. } => Some(labels(words)),
                    Event::Loaded { value, .. } => Some(value.to_string()),
                    _ => None,
                })
            }
            About::Images => Some(self.moment(step).crash.images.to_string()),
            About::Shows(landmark) => {
                let shows = (step..=self.last_step()).any(|step| self.shows(landmark, step));
                Some(if shows { "yes" } else { "no" }.to_owned())
            }
        }
    }
}
