//! What a power cut could leave now: the count, its formula and the classes.

use daxscope_core::view::CrashNow;
use yew::prelude::*;

use crate::words;

pub(crate) fn crash(crash: &CrashNow) -> Html {
    let one = crash.images == "1";
    html! {
        <section class="crash">
            <h2>{ words::POWER_CUT }</h2>
            <p class="count">
                <b>{ &crash.images }</b>{ " " }{ if one { words::IMAGE } else { words::IMAGES } }{ " " }
                if crash.formula != crash.images { <span class="soft">{ &crash.formula }</span> }
            </p>
            <p>{ &crash.sentence }</p>
            if !crash.classes.is_empty() {
                <ul>{ for crash.classes.iter().map(|class| html! {
                    <li class={if class.invariant.is_empty() { "ok" } else { "no" }} title={class.example.clone()}>
                        <b>{ class.count }</b>
                        <span>
                            { if class.invariant.is_empty() { "✓ " } else { "✗ " } }{ &class.verdict }
                            <small class="detail">{ &class.example }</small>
                        </span>
                    </li>
                }) }</ul>
            }
        </section>
    }
}
