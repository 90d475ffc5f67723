//! The home screen: a question per lecture.

use yew::prelude::*;

use super::header::{help_button, theme_button};
use super::sentence::notice_line;
use crate::course::{self, Choice, Lecture};
use crate::msg::Msg;
use crate::state::State;
use crate::words;

pub(crate) fn catalogue(state: &State, send: &Callback<Msg>) -> Html {
    html! {
        <div class="home">
            <header class="masthead">
                <span class="brand">{ words::NAME }</span>
                <div class="tools">
                    { theme_button(state.theme, send) }
                    { help_button(send) }
                </div>
            </header>
            <main id="stage">
                <div class="hero">
                    <div>
                        <h1>{ words::TAGLINE }</h1>
                        <p class="lead">{ words::ABOUT }</p>
                        <p>{ words::ABOUT_STAGE }</p>
                    </div>
                    { emblem() }
                </div>
                { notice_line(state.notice.as_ref(), send) }
                <h2>{ words::LECTURES }</h2>
                <ol class="lectures">
                    { for state.lectures.iter().map(card) }
                </ol>
            </main>
        </div>
    }
}

fn card(lecture: &Lecture) -> Html {
    let epochs = course::epochs(lecture, &lecture.default);
    let link = |epoch: &str| {
        let epoch = epoch.to_string();
        course::link(lecture, &Choice { epoch, ..lecture.default.clone() })
    };
    html! {
        <li key={lecture.id.clone()} class="card">
            <h3><a href={link(&lecture.default.epoch)}>
                <span class="id">{ &lecture.id }</span>{ " " }{ &lecture.question }
            </a></h3>
            <p>{ &lecture.teaches }</p>
            <p class="status soft">{ words::status(lecture.status) }</p>
            <ul class="verdicts" aria-label={words::VERDICTS}>
                { for epochs.chunk_by(|one, other| one.verdict == other.verdict).map(|alike| html! {
                    <li key={alike[0].name} class={super::epochs::class(&alike[0])}>
                        <b>{ super::epochs::sign(&alike[0]) }{ " " }{ &alike[0].verdict }</b>
                        { for alike.iter().map(|epoch| html! {
                            <a key={epoch.name} href={link(epoch.name)}>{ epoch.title }</a>
                        }) }
                    </li>
                }) }
            </ul>
        </li>
    }
}

/// The idea in one drawing: copies above the waterline, what stays below it.
fn emblem() -> Html {
    html! {
        <svg class="emblem" viewBox="0 0 260 170" aria-hidden="true">
            <g class="shape">
                <rect x="20" y="12" width="44" height="30" rx="4" />
                <path d="M130 8l19 19-19 19-19-19z" />
                <rect x="196" y="12" width="44" height="30" rx="4" />
            </g>
            <g class="volatile">
                <rect x="20" y="62" width="44" height="14" rx="3" />
                <rect x="108" y="62" width="44" height="14" rx="3" />
            </g>
            <path class="waterline" d="M0 96H260" />
            <g class="persistent">
                <rect x="20" y="116" width="44" height="14" rx="3" />
                <rect x="108" y="116" width="44" height="14" rx="3" />
                <rect x="196" y="116" width="44" height="14" rx="3" />
                <rect x="20" y="136" width="44" height="14" rx="3" />
                <rect x="108" y="136" width="44" height="14" rx="3" />
            </g>
            <rect class="wrong" x="196" y="136" width="44" height="14" rx="3" />
        </svg>
    }
}
