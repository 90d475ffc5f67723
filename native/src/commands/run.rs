//! `daxscope run`: the text twin of the page.

use super::{existing_step, print_json};
use crate::args::{PowerCut, Run, Survivor};
use crate::{Outcome, input, paint};
use anyhow::{Context, Result, anyhow};
use daxscope_core::check::Verdict;
use daxscope_core::view::{Scene, text};
use daxscope_scenarios::Session;
use serde::Serialize;
use std::ops::RangeInclusive;

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
    let mut opened = input::open(&args.choice)?;
    let booted = args.power_cut.as_ref().map(|cut| cut_power(&mut opened.session, cut));
    let booted = booted.transpose()?;
    let session = &opened.session;
    let step = args.step.or(opened.step.filter(|_| booted.is_none()));
    let step = step.map(|step| existing_step(session, step)).transpose()?;
    if args.json {
        let only = step.map(|step| step..=step);
        let booted = booted.map(|cut: usize| cut..=session.last_step());
        let steps = only.or(booted).unwrap_or(0..=session.last_step());
        print_json(&trace(session, steps))?;
    } else if let Some(step) = step {
        let scene = session.scene(step);
        paint::twin(&(text::step(&scene) + &text::tables(&scene)))?;
    } else if let Some(cut) = booted {
        let steps = cut..=session.last_step();
        paint::twin(&steps.map(|step| session.step_text(step)).collect::<String>())?;
    } else {
        paint::twin(&session.transcript())?;
    }
    // Of an image nothing is expected but that it boots. What else was done with it is the user's.
    let boots = session.path().last().machine.mounted.is_some()
        && session.reached().verdicts == [Verdict::Ok];
    let differs = session.is_image() && booted.is_none() && !boots;
    Ok(if differs { Outcome::Differs } else { Outcome::AsExpected })
}

/// Cuts the power and boots; the step of the cut.
fn cut_power(session: &mut Session, cut: &PowerCut) -> Result<usize> {
    let step = existing_step(session, cut.step)?;
    let classes = &session.moment(step).crash.classes;
    let image = match cut.image {
        Survivor::Number(number) => number,
        Survivor::Worst => classes.first().map_or(0, |class| class.number),
        Survivor::Class(verdict) => {
            let class = classes.iter().find(|class| class.verdict == verdict);
            let words: Vec<&str> = classes.iter().map(|class| class.verdict.word()).collect();
            let expected = words.join(", ");
            class
                .with_context(|| format!("no image is `{verdict}`; expected one of {expected}"))?
                .number
        }
    };
    session.cut_power(step, image).map_err(|why| anyhow!(why))
}

fn trace(session: &Session, steps: RangeInclusive<usize>) -> Trace<'_> {
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
        link: if session.is_image() { String::new() } else { session.link(scene.step).to_string() },
    }
}
