//! The page's ties to the browser: keys, address, title, theme, window width. All wait for events; nothing runs
//! while nothing happens.

mod address;
#[cfg(feature = "ext4")]
mod files;
mod keys;

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

pub(crate) use address::{Writer, address, copy_link, fragment, use_address};
#[cfg(feature = "ext4")]
pub(crate) use files::read_file;

use crate::history;
use crate::msg::{Msg, Theme};
use crate::state::State;
use crate::words;

const THEME_KEY: &str = "daxscope.1.theme";
const NARROW: &str = "(max-width: 45rem)";

pub(crate) fn window() -> web_sys::Window {
    web_sys::window().expect("the page has a window")
}

fn document_element() -> Option<Element> {
    window().document()?.document_element()
}

/// The theme that was chosen on this device, where storage is allowed.
pub(crate) fn kept_theme() -> Theme {
    let storage = window().local_storage().ok().flatten();
    let kept = storage.and_then(|storage| storage.get_item(THEME_KEY).ok().flatten());
    kept.map_or(Theme::System, |name| Theme::named(&name))
}

/// The newest state, for listeners that are set up once.
pub(crate) type Latest = Rc<RefCell<Rc<State>>>;

/// What the page listens to as long as it is there: keys, the address, the width of the window. One effect for all,
/// because each costs a kilobyte of WebAssembly.
#[hook]
pub(crate) fn use_listeners(latest: Latest, writer: Rc<RefCell<Writer>>, send: Callback<Msg>) {
    use_effect_with((), move |()| {
        #[cfg(feature = "ext4")]
        let dropped = files::listen(send.clone());
        let listeners = [
            Some(keys::listen(Rc::clone(&latest), send.clone())),
            Some(address::listen(latest, writer, send.clone())),
            listen_width(send),
        ];
        move || {
            drop(listeners);
            #[cfg(feature = "ext4")]
            drop(dropped);
        }
    });
}

/// `data-theme` on the root, and the choice kept on the device if that is allowed; the title of the page.
#[hook]
pub(crate) fn use_document(theme: Theme, title: Option<String>) {
    use_effect_with((theme, title), |(theme, title)| {
        let Some(document) = window().document() else { return };
        document.set_title(&match title {
            Some(title) => [title, " · ", words::NAME].concat(),
            None => [words::NAME, ": ", words::TAGLINE].concat(),
        });
        if let Some(root) = document.document_element() {
            drop(root.set_attribute("data-theme", theme.name()));
        }
        if let Ok(Some(storage)) = window().local_storage() {
            drop(match theme {
                Theme::System => storage.remove_item(THEME_KEY),
                chosen => storage.set_item(THEME_KEY, chosen.name()),
            });
        }
    });
}

/// Starts the page again at the address that leads elsewhere: `boot.js` then loads the part that has it.
#[hook]
pub(crate) fn use_elsewhere(link: Option<String>) {
    use_effect_with(link, |link| {
        if let Some(link) = link {
            let here = window().location();
            drop(here.set_hash(link).and_then(|()| here.reload()));
        }
    });
}

/// While the screen shows a verdict that is not known yet, asks for some more runs, in a task of their own, so that
/// the browser stays responsive. Then nothing runs any more.
#[hook]
pub(crate) fn use_computing(state: &State, send: &Callback<Msg>) {
    let send = send.clone();
    let left = state.waiting().map(|_| history::progress(&state.lines));
    use_effect_with(left, move |left| {
        let task = left.map(|_| Timeout::new(0, move || send.emit(Msg::Compute)));
        move || drop(task)
    });
}

/// Says when the window becomes narrow or wide.
fn listen_width(send: Callback<Msg>) -> Option<EventListener> {
    let query = window().match_media(NARROW).ok().flatten()?;
    send.emit(Msg::Narrow(query.matches()));
    let target = query.clone();
    Some(EventListener::new(&target, "change", move |_| send.emit(Msg::Narrow(query.matches()))))
}

/// Moves the focus to the first element of a selector.
pub(crate) fn focus(selector: &str) {
    let found = window().document().and_then(|it| it.query_selector(selector).ok().flatten());
    if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        drop(element.focus());
    }
}
