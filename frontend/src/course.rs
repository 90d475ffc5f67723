//! The lectures and their runs, as the page wants them: the one place that knows the scenarios.

use std::rc::Rc;

use daxscope_core::view::Scene;

use crate::fixture;

/// A lecture of the catalogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Lecture {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) question: String,
    pub(crate) teaches: String,
    pub(crate) status: String,
    pub(crate) sources: Vec<String>,
    /// Name and title.
    pub(crate) variants: Vec<(String, String)>,
    pub(crate) default: Choice,
}

/// An epoch of a lecture and how the lecture ends there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Epoch {
    pub(crate) name: String,
    pub(crate) verdict: String,
    pub(crate) ok: bool,
}

/// What a lecture is run with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Choice {
    pub(crate) variant: String,
    pub(crate) epoch: String,
}

impl Choice {
    pub(crate) fn in_words(&self) -> String {
        format!("{} {}", self.epoch, self.variant).trim_end().to_string()
    }
}

/// A moment of a run on the timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    pub(crate) actor: String,
    pub(crate) sentence: String,
    pub(crate) event: bool,
    pub(crate) verdicts: Vec<String>,
}

/// A lecture run along one path.
pub(crate) struct Run {
    lecture: Lecture,
    choice: Choice,
    marks: Rc<Vec<Mark>>,
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

pub(crate) fn catalogue() -> Rc<Vec<Lecture>> {
    Rc::new(fixture::lectures())
}

impl Run {
    pub(crate) fn open(lecture: &Lecture, choice: &Choice) -> Result<Self, String> {
        Ok(Self {
            lecture: lecture.clone(),
            choice: choice.clone(),
            marks: Rc::new(fixture::marks(&choice.epoch)),
        })
    }

    pub(crate) fn replay(fragment: &str) -> Result<(Self, usize, Option<String>), String> {
        let parts: Vec<&str> = fragment.split(['/', '?']).collect();
        let lectures = catalogue();
        let lecture = lectures
            .iter()
            .find(|l| Some(&l.slug.as_str()) == parts.get(2))
            .ok_or("no such lecture")?;
        let mut choice = lecture.default.clone();
        if let Some(e) = fragment.split("e=").nth(1) {
            choice.epoch = e.to_string();
        }
        let run = Self::open(lecture, &choice)?;
        let step = parts.get(4).and_then(|s| s.parse().ok()).unwrap_or(0);
        let last = run.last();
        if step > last {
            return Ok((
                run,
                last,
                Some(format!("Step {step} does not exist; step {last} is shown.")),
            ));
        }
        Ok((run, step, None))
    }

    pub(crate) fn lecture(&self) -> &Lecture {
        &self.lecture
    }
    pub(crate) fn choice(&self) -> &Choice {
        &self.choice
    }
    pub(crate) fn last(&self) -> usize {
        self.marks.len() - 1
    }
    pub(crate) fn marks(&self) -> &Rc<Vec<Mark>> {
        &self.marks
    }
    pub(crate) fn changes(&self) -> &[usize] {
        &[1, 1, 1, 0, 0, 0, 0, 0, 2, 5]
    }
    pub(crate) fn scene(&self, step: usize) -> Scene {
        fixture::scene(step, self.last())
    }
    pub(crate) fn link(&self, step: usize) -> String {
        format!("#/1/{}/~/{step}?e={}", self.lecture.slug, self.choice.epoch)
    }
    pub(crate) fn take(&self, _step: usize, _number: usize) -> Result<Self, String> {
        Self::open(&self.lecture, &self.choice)
    }
    pub(crate) fn transcript(&self) -> String {
        "S01  Can it?\n\nstep 0\nbla".to_string()
    }
}

/// The epochs of a lecture's variant, oldest first, each with the verdict that the run there ends with.
pub(crate) fn epochs(_lecture: &Lecture, _variant: &str) -> Vec<Epoch> {
    fixture::epochs()
}

/// The link to a lecture's start.
pub(crate) fn link(lecture: &Lecture, choice: &Choice) -> String {
    format!("#/1/{}/~/0?e={}", lecture.slug, choice.epoch)
}
