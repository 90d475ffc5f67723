//! The address follows the state and the state the address (UI-1104).

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::js_sys;
use yew::prelude::*;

use super::{Latest, window};
use crate::msg::{Layer, Msg};
use crate::state::State;

/// The fragment of the address, `#` included.
pub(crate) fn fragment() -> String {
    window().location().hash().unwrap_or_default()
}

/// The link to this step as an address.
pub(crate) fn address(state: &State) -> String {
    let here = window().location().href().unwrap_or_default();
    format!("{}{}", here.split('#').next().unwrap_or_default(), state.link())
}

/// Puts the link on the clipboard; where that is refused, a field shows it. There is none to an image.
pub(crate) fn copy_link(state: &State, send: &Callback<Msg>) {
    if state.is_image() {
        return send.emit(Msg::Show(Layer::Link));
    }
    let clipboard = js_sys::Reflect::get(&window().navigator(), &JsValue::from("clipboard"));
    let Some(clipboard) = clipboard.ok().and_then(|it| it.dyn_into::<web_sys::Clipboard>().ok())
    else {
        return send.emit(Msg::Copied(false));
    };
    let answer = |ok: bool| {
        let send = send.clone();
        Closure::once_into_js(move |_: JsValue| send.emit(Msg::Copied(ok)))
    };
    when_done(&clipboard.write_text(&address(state)), &answer(true), &answer(false));
}

/// Calls one of two functions once a promise is kept or broken.
pub(super) fn when_done(promise: &JsValue, kept: &JsValue, broken: &JsValue) {
    let then = js_sys::Reflect::get(promise, &JsValue::from("then"));
    if let Some(then) = then.ok().and_then(|then| then.dyn_into::<js_sys::Function>().ok()) {
        drop(then.call2(promise, kept, broken));
    }
}

/// The address follows the state.
#[hook]
pub(crate) fn use_address(state: &State, latest: &Latest, writer: &Rc<RefCell<Writer>>) {
    let (latest, writer, place) = (Rc::clone(latest), Rc::clone(writer), state.place());
    use_effect_with(state.link(), move |_| Writer::follow(&writer, &latest, place));
}

/// The state follows the address.
pub(super) fn listen(
    latest: Latest,
    writer: Rc<RefCell<Writer>>,
    send: Callback<Msg>,
) -> EventListener {
    let missed = writer.borrow().overtaken();
    let visit = move || {
        let fragment = fragment();
        writer.borrow_mut().timer = None;
        writer.borrow_mut().seen.clone_from(&fragment);
        if fragment != latest.borrow().link() {
            writer.borrow_mut().arrived = true;
            send.emit(Msg::Visit(fragment));
        }
    };
    // Who went on before this listened is followed once the page has been drawn as it started.
    if missed {
        Timeout::new(0, visit.clone()).forget();
    }
    EventListener::new(&window(), "hashchange", move |_| visit())
}

/// Writes steps into the address at most once a second, the last one always.
pub(crate) struct Writer {
    written_at_ms: f64,
    place: Option<String>,
    timer: Option<Timeout>,
    /// The browser has led here, so that its history has the place already.
    arrived: bool,
    /// What the address was when it was last read or written.
    seen: String,
}

impl Writer {
    const PAUSE_MS: f64 = 1_000.0;

    /// Of a page that starts from this address.
    pub(crate) fn starting_from(seen: String) -> Self {
        Self { written_at_ms: 0.0, place: None, timer: None, arrived: false, seen }
    }

    /// The browser has led on already: a listener will be told, or has to look.
    fn overtaken(&self) -> bool {
        self.seen != fragment()
    }

    fn follow(this: &Rc<RefCell<Self>>, latest: &Latest, place: String) {
        let mut writer = this.borrow_mut();
        let moved = writer.place.as_ref() != Some(&place);
        let known = writer.place.is_none() || std::mem::take(&mut writer.arrived);
        writer.place = Some(place);
        let wait_ms = writer.written_at_ms + Self::PAUSE_MS - js_sys::Date::now();
        if moved || wait_ms <= 0.0 {
            writer.write(&latest.borrow(), moved && !known);
        } else if writer.timer.is_none() {
            let (this, latest) = (Rc::clone(this), Rc::clone(latest));
            let later = move || {
                this.borrow_mut().write(&latest.borrow(), false);
            };
            writer.timer = Some(Timeout::new(wait_ms.ceil() as u32, later));
        }
    }

    fn write(&mut self, state: &State, push: bool) {
        self.timer = None;
        self.written_at_ms = js_sys::Date::now();
        let link = state.link();
        let alert = state.notice.as_ref().is_some_and(|notice| notice.alert);
        let now = fragment();
        // A link that could not be restored stays in the address until the reader moves on.
        if self.overtaken() || now == link || (link.is_empty() && now.len() <= 2) || alert {
            return;
        }
        let to = if link.is_empty() { "#/" } else { &link };
        let Ok(history) = window().history() else {
            return;
        };
        // An embedding page may refuse; the link button still works.
        drop(if push {
            history.push_state_with_url(&JsValue::NULL, "", Some(to))
        } else {
            history.replace_state_with_url(&JsValue::NULL, "", Some(to))
        });
        self.seen = fragment();
    }
}
