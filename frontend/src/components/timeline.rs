//! One lane per actor, a dot per step, and the scrubber over them.

use std::fmt::Write;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::Element;
use yew::prelude::*;

use super::panel::{Panel, Shown};
use crate::course::{Mark, Run};
use crate::msg::{Go, Msg};
use crate::words;

/// Height of a lane in CSS pixels; style.css has the same number.
const LANE: usize = 16;

pub(crate) fn timeline(run: &Run, step: usize, send: &Callback<Msg>) -> Html {
    let (marks, last) = (run.marks(), run.last());
    let actors = actors(marks);
    let sentence = &marks[step].sentence;
    let height = (actors.len() * LANE).to_string();
    html! {
        <section class="timeline" aria-label={words::TIMELINE}>
            <div class="actors" aria-hidden="true">
                { for actors.iter().map(|actor| html! { <span key={actor.clone()}>{ actor }</span> }) }
            </div>
            <div class="scrubber" role="slider" tabindex="0" data-arrows="slider" aria-label={words::TIMELINE}
                aria-valuemin="0" aria-valuemax={last.to_string()} aria-valuenow={step.to_string()}
                aria-valuetext={words::scrubber_value(step, last, sentence)}
                onpointerdown={scrub(send, last, true)} onpointermove={scrub(send, last, false)}>
                <svg width="100%" height={height.clone()} aria-hidden="true">
                    <Panel shown={Shown::Lanes(Rc::clone(marks))} send={send.clone()} />
                    { future(marks, &actors, step) }
                    { violations(marks, &actors) }
                    <line class="now" x1={percent(step, last)} x2={percent(step, last)} y1="0" y2={height} />
                </svg>
            </div>
        </section>
    }
}

fn actors(marks: &[Mark]) -> Vec<String> {
    let mut actors: Vec<String> = Vec::new();
    for mark in marks.iter().filter(|mark| !mark.actor.is_empty()) {
        if !actors.contains(&mark.actor) {
            actors.push(mark.actor.clone());
        }
    }
    actors
}

/// The pointer's place on the scrubber is a step.
fn scrub(send: &Callback<Msg>, last: usize, down: bool) -> Callback<PointerEvent> {
    let send = send.clone();
    Callback::from(move |event: PointerEvent| {
        if let Some(step) = step_at(&event, last, down) {
            send.emit(Msg::Go(Go::To(step)));
        }
    })
}

fn step_at(event: &PointerEvent, last: usize, down: bool) -> Option<usize> {
    if event.buttons() & 1 == 0 {
        return None;
    }
    let slider = event.current_target()?.dyn_into::<Element>().ok()?;
    if down {
        // Without capture the drag still works inside the slider.
        drop(slider.set_pointer_capture(event.pointer_id()));
    }
    let edges = slider.query_selector("svg").ok()??.get_bounding_client_rect();
    let at = (f64::from(event.client_x()) - edges.left()) / edges.width().max(1.0);
    let at = (at * 100.0 - EDGE) / (100.0 - 2.0 * EDGE);
    Some((at.clamp(0.0, 1.0) * last as f64).round() as usize)
}

/// The share of the width left free at both ends, in percent.
const EDGE: f64 = 1.0;

fn x(step: usize, last: usize) -> f64 {
    EDGE + (100.0 - 2.0 * EDGE) * step as f64 / last.max(1) as f64
}

fn percent(step: usize, last: usize) -> String {
    format!("{:.2}%", x(step, last))
}

/// All steps: a path of points per lane, so that a long path costs no more elements than a short one.
pub(crate) fn lanes(marks: &[Mark]) -> Html {
    let actors = actors(marks);
    let lanes = actors.iter().enumerate().map(|(number, _)| {
        let y = number * LANE + LANE / 2;
        html! { <line class="lane" x1="0" x2="100%" y1={y.to_string()} y2={y.to_string()} /> }
    });
    html! {
        <>
            { for lanes }
            { stretched(actors.len(), html! {
                <>
                    <path class="event" d={dots(marks, &actors, |_, mark| mark.event)} />
                    <path class="dot" d={dots(marks, &actors, |_, mark| mark.verdicts.is_empty())} />
                </>
            }) }
        </>
    }
}

/// A cross where a verdict shows, over everything else.
fn violations(marks: &[Mark], actors: &[String]) -> Html {
    let last = marks.len() - 1;
    let found = marks.iter().enumerate().filter(|(_, mark)| !mark.verdicts.is_empty());
    html! {
        <>
            { for found.map(|(step, mark)| {
                let y = lane(actors, mark) * LANE + LANE / 2;
                html! {
                    <svg x={percent(step, last)} y={y.to_string()} overflow="visible">
                        <path class="cross" d="M-5-5L5 5M5-5L-5 5" />
                    </svg>
                }
            }) }
        </>
    }
}

/// Hollows the dots that are still to come, and rings the one shown.
fn future(marks: &[Mark], actors: &[String], step: usize) -> Html {
    let hollow = dots(marks, actors, |at, mark| at > step && mark.verdicts.is_empty());
    let now = dots(marks, actors, |at, _| at == step);
    stretched(
        actors.len(),
        html! { <><path class="hollow" d={hollow} /><path class="here" d={now} /></> },
    )
}

/// Points in percent of the width and pixels of the height; their strokes keep their shape.
fn stretched(lanes: usize, points: Html) -> Html {
    html! {
        <svg viewBox={format!("0 0 100 {}", lanes * LANE)} preserveAspectRatio="none" width="100%" height="100%">
            { points }
        </svg>
    }
}

fn lane(actors: &[String], mark: &Mark) -> usize {
    actors.iter().position(|actor| *actor == mark.actor).unwrap_or(0)
}

fn dots(marks: &[Mark], actors: &[String], which: impl Fn(usize, &Mark) -> bool) -> String {
    let last = marks.len() - 1;
    let mut path = String::new();
    for (step, mark) in marks.iter().enumerate().skip(1).filter(|(step, mark)| which(*step, mark)) {
        let y = lane(actors, mark) * LANE + LANE / 2;
        let _ = write!(path, "M{:.2} {y}h0", x(step, last));
    }
    path
}
