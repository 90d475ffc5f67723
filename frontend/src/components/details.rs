//! What changed in this step, and what the step is based on.

use daxscope_core::view::{Caption, Change};
use yew::prelude::*;

use crate::words;

pub(crate) fn changed(changed: &[Change]) -> Html {
    html! {
        <section class="changed">
            <h2>{ words::CHANGED }</h2>
            if changed.is_empty() {
                <p class="soft">{ words::NOT_CHANGED }</p>
            } else {
                <ul>{ for changed.iter().map(|change| html! {
                    <li><b>{ &change.place }</b>{ " " }<code>{ &change.before }</code>{ " → " }<code>{ &change.after }</code></li>
                }) }</ul>
            }
        </section>
    }
}

pub(crate) fn sources(caption: &Caption, stands_on: &[(String, String)]) -> Html {
    html! {
        <section class="sources">
            <h2>{ words::SOURCES }</h2>
            if caption.sources.is_empty() {
                <p class="soft">{ words::NO_SOURCES }</p>
            } else {
                <ul>{ for caption.sources.iter().map(|source| html! {
                    <li>
                        <b>{ &source.rule }</b>{ " " }{ &source.line }
                        <small class="detail">
                            <code translate="no">{ &source.file }{ " " }{ &source.function }</code>
                            { " · " }{ &source.versions }{ " · " }{ &source.evidence }
                        </small>
                    </li>
                }) }</ul>
            }
            <h3>{ words::STANDS_ON }</h3>
            <ul>{ for stands_on.iter().map(|(reference, says)| html! {
                <li><b>{ reference }</b>{ " " }{ says }</li>
            }) }</ul>
        </section>
    }
}
