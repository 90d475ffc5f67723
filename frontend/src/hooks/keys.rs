//! Key presses become commands, wherever the focus is.

use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};
use yew::prelude::*;

use super::{Latest, address::copy_link, document_element, window};
use crate::keys::{self, Command, Place, Press, Screen};
use crate::msg::{Layer, Msg};
use crate::state::State;

/// Keys, wherever the focus is.
pub(super) fn listen(latest: Latest, send: Callback<Msg>) -> EventListener {
    let options = EventListenerOptions::enable_prevent_default();
    EventListener::new_with_options(&window(), "keydown", options, move |event| {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else {
            return;
        };
        let state = Rc::clone(&latest.borrow());
        let key = event.key();
        let press = Press {
            key: &key,
            shift: event.shift_key(),
            other: event.ctrl_key() || event.alt_key() || event.meta_key(),
        };
        let place = place(event.target().and_then(|target| target.dyn_into().ok()));
        let Some(command) = keys::command(press, place, screen(&state)) else {
            return;
        };
        event.prevent_default();
        match command {
            Command::Do(msg) => send.emit(msg),
            Command::CopyLink => copy_link(&state, &send),
            Command::FullScreen => full_screen(),
        }
    })
}

fn screen(state: &State) -> Screen {
    match (state.layer, state.lesson.is_some(), state.text) {
        (Layer::None, true, true) => Screen::Text,
        (Layer::None, true, false) => Screen::Stage,
        (Layer::None, false, _) => Screen::Home,
        _ => Screen::Dialog,
    }
}

fn place(target: Option<Element>) -> Place {
    let Some(target) = target else {
        return Place::Stepping;
    };
    let tag = target.tag_name();
    let region = target.closest("[data-arrows]").ok().flatten();
    let owner = region.and_then(|region| region.get_attribute("data-arrows"));
    let button = matches!(tag.as_str(), "BUTTON" | "A" | "SUMMARY");
    match (tag.as_str(), owner.as_deref()) {
        ("INPUT" | "SELECT" | "TEXTAREA", _) => Place::Input,
        (_, Some("own")) => Place::OwnArrows,
        (_, Some("slider")) => Place::Slider,
        (_, Some(_)) if button => Place::BarButton,
        (_, Some(_)) | ("BODY" | "HTML", _) => Place::Stepping,
        _ if button => Place::Button,
        _ => Place::Reading,
    }
}

fn full_screen() {
    let Some(document) = window().document() else {
        return;
    };
    if document.fullscreen_element().is_some() {
        document.exit_fullscreen();
    } else if let Some(root) = document_element() {
        // A browser may refuse; then the page stays as it is.
        drop(root.request_fullscreen());
    }
}
