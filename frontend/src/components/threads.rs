//! The threads and their kernel stacks.

use daxscope_core::view::Thread;
use yew::prelude::*;

use crate::words;

pub(crate) fn threads(threads: &[Thread]) -> Html {
    html! {
        <section class="threads">
            <h2>{ words::THREADS }</h2>
            <ul>{ for threads.iter().map(one) }</ul>
        </section>
    }
}

fn one(thread: &Thread) -> Html {
    let operation = thread.program.get(thread.position);
    html! {
        <li key={thread.name.clone()} class={classes!(thread.acted.then_some("acted"))}>
            <p class="who">
                <b>{ &thread.name }</b>{ " " }<span class="soft">{ &thread.cpu }</span>{ " " }
                <code translate="no">{ operation.map_or(words::DONE, String::as_str) }</code>
            </p>
            if thread.frames.is_empty() && operation.is_none() {
            } else if thread.frames.is_empty() {
                <p class="frame soft">{ words::USER_MODE }</p>
            } else {
                <ol>{ for thread.frames.iter().map(|frame| html! {
                    <li class={classes!("frame", frame.top.then_some("top"))}>
                        <code translate="no">{ &frame.function }</code>{ " " }<span>{ &frame.locals }</span>
                    </li>
                }) }</ol>
            }
            if let Some(waits) = &thread.waits {
                <p class="waits">{ waits }</p>
            }
        </li>
    }
}
