//! `daxscope run`: the text twin of the page.

use super::{existing_step, print_json};
use crate::args::Run;
use crate::{Outcome, input, paint};
use anyhow::Result;
use daxscope_core::view::{Scene, text};
use daxscope_scenarios::Session;
use serde::Serialize;

#[derive(Serialize)]
struct Trace<'a> {
    id: &'a str,
    slug: &'a str,
    variant: &'a str,
    epoch: &'static str,
    verdict: String,
    verdicts: Vec<String>,
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    step: usize,
    actor: String,
    function: String,
    sentence: String,
    rules: Vec<String>,
    verdicts: Vec<String>,
    images: String,
    changed: Vec<Change>,
    link: String,
}

#[derive(Serialize)]
struct Change {
    place: String,
    before: String,
    after: String,
}

/// Prints a lecture, or one of its steps in full.
///
/// # Errors
/// If it cannot be opened, or the step does not exist.
pub(super) fn run(args: &Run) -> Result<Outcome> {
    let opened = input::open(&args.choice)?;
    let session = &opened.session;
    let step = args.step.or(opened.step);
    let step = step.map(|step| existing_step(session, step)).transpose()?;
    if args.json {
        print_json(&trace(session, step))?;
    } else if let Some(step) = step {
        let scene = session.scene(step);
        paint::twin(&(text::step(&scene) + &text::tables(&scene)))?;
    } else {
        paint::twin(&session.transcript())?;
    }
    Ok(Outcome::AsExpected)
}

fn trace(session: &Session, only: Option<usize>) -> Trace<'_> {
    let steps = only.map_or(0..=session.last_step(), |step| step..=step);
    let verdicts: Vec<String> =
        session.reached().verdicts.iter().map(ToString::to_string).collect();
    Trace {
        id: &session.lecture().id,
        slug: &session.lecture().slug,
        variant: &session.variant().name,
        epoch: session.epoch().name(),
        verdict: verdicts.last().cloned().unwrap_or_default(),
        verdicts,
        steps: steps.map(|step| row(session, &session.scene(step))).collect(),
    }
}

fn row(session: &Session, scene: &Scene) -> Step {
    let caption = &scene.caption;
    let change = |change: &daxscope_core::view::Change| Change {
        place: change.place.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
    };
    Step {
        step: scene.step,
        actor: caption.actor.clone(),
        function: caption.function.clone(),
        sentence: caption.sentence.clone(),
        rules: caption.sources.iter().map(|source| source.rule.clone()).collect(),
        verdicts: caption.verdicts.clone(),
        images: scene.crash.images.clone(),
        changed: scene.changed.iter().map(change).collect(),
        link: session.link(scene.step).to_string(),
    }
}
