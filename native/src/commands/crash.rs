//! `daxscope crash`: every surviving image, by class, after recovery.

use super::{existing_step, print_json};
use crate::args::Choice;
use crate::{Outcome, input};
use anyhow::Result;
use daxscope_core::view::{CrashClass, Scene};
use serde::Serialize;
use std::io::Write;

#[derive(Serialize)]
struct Report<'a> {
    id: &'a str,
    variant: &'a str,
    epoch: &'static str,
    step: usize,
    /// The exact number of images, as text: it may be longer than a number may be.
    eager: &'a str,
    examined: u64,
    outcomes: u64,
    classes: Vec<Class<'a>>,
}

#[derive(Serialize)]
struct Class<'a> {
    verdict: &'a str,
    invariant: &'a str,
    count: u64,
    example: &'a str,
    /// The number of the example: `daxscope run --power-cut` boots from it.
    image: u32,
}

/// Cuts the power after a step.
///
/// # Errors
/// If the lecture cannot be opened, or the step does not exist.
pub(super) fn crash(choice: &Choice, step: usize, json: bool) -> Result<Outcome> {
    let session = input::open(choice)?.session;
    let step = existing_step(&session, step)?;
    let scene = session.scene(step);
    let crash = &session.moment(step).crash;
    let report = Report {
        id: &session.lecture().id,
        variant: &session.variant().name,
        epoch: session.epoch().name(),
        step,
        eager: &scene.crash.images,
        examined: crash.examined,
        outcomes: crash.outcomes,
        classes: scene.crash.classes.iter().map(row).collect(),
    };
    if json {
        print_json(&report)?;
        return Ok(Outcome::AsExpected);
    }
    print(&scene, &report)?;
    Ok(Outcome::AsExpected)
}

fn row(class: &CrashClass) -> Class<'_> {
    let CrashClass { verdict, invariant, count, example, number } = class;
    Class { verdict, invariant, count: *count, example, image: *number }
}

fn print(scene: &Scene, report: &Report<'_>) -> Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "Power cut after step {}: {}", report.step, scene.caption.sentence)?;
    writeln!(out, "{} possible images: {}", report.eager, scene.crash.formula)?;
    if report.examined.to_string() != report.eager {
        writeln!(out, "showing the first {}", report.examined)?;
    }
    for class in &report.classes {
        let broken = match class.invariant {
            "" => String::new(),
            invariant => format!(", breaks {invariant}"),
        };
        writeln!(
            out,
            "  {} {}{broken}: for example image {}, which {}",
            class.count, class.verdict, class.image, class.example
        )?;
    }
    writeln!(out, "{} different outcomes after recovery", report.outcomes)?;
    Ok(())
}
