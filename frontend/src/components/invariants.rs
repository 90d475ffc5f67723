//! The named invariants: sign, words, and since when.

use daxscope_core::view::{Holds, Invariant};
use yew::prelude::*;

use crate::words;

pub(crate) fn invariants(invariants: &[Invariant]) -> Html {
    html! {
        <section class="invariants">
            <h2>{ words::INVARIANTS }</h2>
            <ul>{ for invariants.iter().map(one) }</ul>
        </section>
    }
}

fn one(invariant: &Invariant) -> Html {
    let (class, sign, says) = match invariant.holds {
        Holds::Yes => ("ok", "✓", words::HOLDS),
        Holds::No => ("no", "✗", words::BROKEN),
        Holds::NotMeaningful => ("mute", "◌", words::NOT_MEANINGFUL),
    };
    html! {
        <li key={invariant.id.clone()} {class} title={invariant.id.clone()}>
            <span aria-hidden="true">{ sign }</span>
            <span>
                <span class="sr">{ says }{ ": " }</span>{ &invariant.meaning }
                if let Some(step) = invariant.broken_since {
                    <small>{ " " }{ words::since(step) }</small>
                }
                if !invariant.detail.is_empty() {
                    <small class="detail">{ &invariant.detail }</small>
                }
            </span>
        </li>
    }
}
