//! The root: state, hooks, and which screen is shown.

use std::rc::Rc;

use yew::prelude::*;

use super::dom::{Node, list};
use super::{catalogue::catalogue, dialogs::use_dialogs, history::history, lesson::lesson};
use crate::course::WHOLE;
use crate::hooks;
use crate::msg::Msg;
use crate::state::State;

impl Reducible for State {
    type Action = Msg;

    fn reduce(self: Rc<Self>, msg: Msg) -> Rc<Self> {
        let next = self.after(msg);
        // The same `Rc` again means: draw nothing.
        if next == *self { self } else { Rc::new(next) }
    }
}

#[component]
fn App() -> Html {
    let reducer = use_reducer_eq(|| State::new(&hooks::fragment(), hooks::kept_theme()));
    let dispatcher = reducer.dispatcher();
    let send = use_callback((), move |msg: Msg, ()| dispatcher.dispatch(msg));
    let state: Rc<State> = Rc::new((*reducer).clone());
    let latest: hooks::Latest = use_mut_ref(|| Rc::clone(&state));
    latest.replace(Rc::clone(&state));

    let writer = use_mut_ref(|| hooks::Writer::starting_from(hooks::fragment()));
    hooks::use_listeners(Rc::clone(&latest), Rc::clone(&writer), send.clone());
    hooks::use_address(&state, &latest, &writer);
    hooks::use_document(state.theme, state.title());
    hooks::use_computing(&state, &send);
    hooks::use_elsewhere(state.elsewhere.clone());

    let dialogs = use_dialogs(&state, &send);
    let screen = match &state.lesson {
        Some(shown) => lesson(&state, shown, &send),
        None if WHOLE && state.history => history(&state, &send),
        None => catalogue(&state, &send),
    };
    list(vec![screen.node(), dialogs])
}

/// Draws the page in `<div id="app">`; does nothing in a worker, which has no document.
pub(crate) fn mount() {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else {
        return;
    };
    let app = document.get_element_by_id("app").expect("index.html has <div id=app>");
    yew::Renderer::<App>::with_root(app).render();
}
