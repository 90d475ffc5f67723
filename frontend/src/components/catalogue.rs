//! The home screen: a question per lecture.

use std::rc::Rc;

use yew::prelude::*;

use super::header::{HelpButton, ThemeButton};
use super::sentence::NoticeLine;
use crate::course::{self, Choice, Lecture};
use crate::msg::{Msg, Notice, Theme};
use crate::words;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) lectures: Rc<Vec<Lecture>>,
    pub(crate) notice: Option<Notice>,
    pub(crate) theme: Theme,
    pub(crate) send: Callback<Msg>,
}

#[component]
pub(crate) fn Catalogue(props: &Props) -> Html {
    html! {
        <div class="home">
            <header class="masthead">
                <span class="brand">{ words::NAME }</span>
                <div class="tools">
                    <ThemeButton theme={props.theme} send={props.send.clone()} />
                    <HelpButton send={props.send.clone()} />
                </div>
            </header>
            <main id="stage">
                <div class="hero">
                    <div>
                        <h1>{ words::TAGLINE }</h1>
                        <p class="lead">{ words::ABOUT }</p>
                        <p>{ words::ABOUT_STAGE }</p>
                    </div>
                    <Emblem />
                </div>
                <NoticeLine notice={props.notice.clone()} send={props.send.clone()} />
                <h2>{ words::LECTURES }</h2>
                <ol class="lectures">
                    { for props.lectures.iter().map(|lecture| html! {
                        <Card key={lecture.id.clone()} lecture={lecture.clone()} />
                    }) }
                </ol>
            </main>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct CardProps {
    lecture: Lecture,
}

#[component]
fn Card(CardProps { lecture }: &CardProps) -> Html {
    let epochs = use_memo(lecture.clone(), |lecture| course::epochs(lecture, &lecture.default));
    let link = |epoch: &str| {
        let epoch = epoch.to_string();
        course::link(lecture, &Choice { epoch, ..lecture.default.clone() })
    };
    html! {
        <li class="card">
            <h3><a href={link(&lecture.default.epoch)}>
                <span class="id">{ &lecture.id }</span>{ " " }{ &lecture.question }
            </a></h3>
            <p>{ &lecture.teaches }</p>
            <p class="status"><span class="soft">{ words::STATUS }{ ": " }</span>{ lecture.status }</p>
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
#[component]
fn Emblem() -> Html {
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
