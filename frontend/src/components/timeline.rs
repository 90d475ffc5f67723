//! One lane per actor, a dot per step, and the scrubber over them.

use std::fmt::Write;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, PointerEvent};
use yew::virtual_dom::ListenerKind;
use yew::{Callback, Html};

use super::dom::{Node, Tag, each, list, tag};
use super::panel::{Shown, panel};
use crate::course::{Mark, Run};
use crate::msg::{Go, Msg};
use crate::words;

/// Height of a lane in CSS pixels; style.css has the same number.
const LANE: usize = 16;
/// The width in the unit of coordinates: hundredths of a percent. Integers, because what prints floating-point numbers
/// is a large part of a small page.
const WIDTH: usize = 10_000;
/// The share of the width left free at both ends.
const EDGE: usize = 100;

pub(crate) fn timeline(run: &Run, step: usize, send: &Callback<Msg>) -> Tag {
    let (marks, last) = (run.marks(), run.last());
    let actors = actors(marks);
    let value = words::scrubber_value(step, last, &marks[step].sentence);
    let drawing = tag!("svg", "width" = "100%", "height" = actors.len() * LANE, "aria-hidden" = "true";
        panel("lanes", Shown::Lanes(Rc::clone(marks)), send),
        future(marks, &actors, step),
        violations(marks, &actors),
    );
    let scrubber = tag!("div", "class" = "scrubber", "role" = "slider", "tabindex" = "0",
        "data-arrows" = "slider", "aria-label" = words::TIMELINE, "aria-valuemin" = "0",
        "aria-valuemax" = last, "aria-valuenow" = step, "aria-valuetext" = value;
        drawing,
    );
    tag!("section", "class" = "timeline", "aria-label" = words::TIMELINE;
        tag!("div", "class" = "actors", "aria-hidden" = "true";
            each(&actors, |actor| tag!("span"; actor)),
        ),
        scrubber
            .on(ListenerKind::onpointerdown, scrub(send, last, true))
            .on(ListenerKind::onpointermove, scrub(send, last, false)),
    )
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
fn scrub(send: &Callback<Msg>, last: usize, down: bool) -> impl Fn(Event) + use<> {
    let send = send.clone();
    move |event: Event| {
        let step = event.dyn_ref().and_then(|event| step_at(event, last, down));
        if let Some(step) = step {
            send.emit(Msg::Go(Go::To(step)));
        }
    }
}

fn step_at(event: &PointerEvent, last: usize, down: bool) -> Option<usize> {
    if event.buttons() & 1 == 0 {
        return None;
    }
    // The listener may be called for the whole page: what was hit is inside the slider.
    let slider = event.target()?.dyn_into::<Element>().ok()?.closest(".scrubber").ok()??;
    if down {
        // Without capture the drag still works inside the slider.
        drop(slider.set_pointer_capture(event.pointer_id()));
    }
    let edges = slider.query_selector("svg").ok()??.get_bounding_client_rect();
    let free = edges.width() * EDGE as f64 / WIDTH as f64;
    let at = f64::from(event.client_x()) - edges.left() - free;
    let share = at / (edges.width() - 2.0 * free).max(1.0);
    Some((share.clamp(0.0, 1.0) * last as f64).round() as usize)
}

/// Where a step is, in the unit of [`WIDTH`].
fn x(step: usize, last: usize) -> usize {
    EDGE + (WIDTH - 2 * EDGE) * step / last.max(1)
}

/// All steps: a path of points per lane, so that a long path costs no more elements than a short one.
pub(crate) fn lanes(marks: &[Mark]) -> Tag {
    let actors = actors(marks);
    let dotted = dots(marks, &actors, &|_, mark| mark.verdicts.is_empty());
    let points = [
        tag!("path", "class" = "lane", "d" = lines(actors.len())),
        tag!("path", "class" = "event", "d" = dots(marks, &actors, &|_, mark| mark.event)),
        tag!("path", "class" = "dot", "d" = dotted),
    ];
    stretched(actors.len(), points)
}

/// A line along each lane.
fn lines(lanes: usize) -> String {
    let mut path = String::new();
    for lane in 0..lanes {
        let _ = write!(path, "M0 {}h{WIDTH}", lane * LANE + LANE / 2);
    }
    path
}

/// A cross where a verdict shows, over everything else.
fn violations(marks: &[Mark], actors: &[String]) -> Html {
    let last = marks.len() - 1;
    let found = marks.iter().enumerate().filter(|(_, mark)| !mark.verdicts.is_empty());
    each(found, |(step, mark)| {
        let (x, y) = (x(step, last), lane(actors, mark) * LANE + LANE / 2);
        let x = format!("{}.{:02}%", x / 100, x % 100);
        tag!("svg", "x" = x, "y" = y, "overflow" = "visible";
            tag!("path", "class" = "cross", "d" = "M-5-5L5 5M5-5L-5 5"),
        )
    })
}

/// Hollows the dots that are still to come, rings the one shown, and draws the line through it.
fn future(marks: &[Mark], actors: &[String], step: usize) -> Tag {
    let hollow = dots(marks, actors, &|at, mark| at > step && mark.verdicts.is_empty());
    let now = format!("M{} 0v{}", x(step, marks.len() - 1), actors.len() * LANE);
    let points = [
        tag!("path", "class" = "hollow", "d" = hollow),
        tag!("path", "class" = "here", "d" = dots(marks, actors, &|at, _| at == step)),
        tag!("path", "class" = "now", "d" = now),
    ];
    stretched(actors.len(), points)
}

/// Points in shares of the width and pixels of the height; their strokes keep their shape.
fn stretched(lanes: usize, points: [Tag; 3]) -> Tag {
    tag!("svg", "viewBox" = format!("0 0 {WIDTH} {}", lanes * LANE), "preserveAspectRatio" = "none",
        "width" = "100%", "height" = "100%";
        list(points.map(Node::node).into()),
    )
}

fn lane(actors: &[String], mark: &Mark) -> usize {
    actors.iter().position(|actor| *actor == mark.actor).unwrap_or(0)
}

fn dots(marks: &[Mark], actors: &[String], which: &dyn Fn(usize, &Mark) -> bool) -> String {
    let last = marks.len() - 1;
    let mut path = String::new();
    for (step, mark) in marks.iter().enumerate().skip(1).filter(|(step, mark)| which(*step, mark)) {
        let y = lane(actors, mark) * LANE + LANE / 2;
        let _ = write!(path, "M{} {y}h0", x(step, last));
    }
    path
}
