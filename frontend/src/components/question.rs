//! A question before a step, and what came of it after.

use yew::prelude::*;

use crate::lesson::Asked;
use crate::msg::Msg;
use crate::words;

pub(crate) fn question(asked: Option<&Asked>, send: &Callback<Msg>) -> Html {
    let Some(Asked { question, answer, revealed }) = asked else { return Html::default() };
    let option = |(number, text): (usize, &String)| {
        let chosen = *answer == Some(number);
        let right = *revealed && number == question.right;
        let letter = char::from(b'A' + number as u8).to_string();
        html! {
            <li key={number}>
                <button type="button" aria-pressed={chosen.to_string()} aria-keyshortcuts={letter.clone()}
                    aria-disabled={(answer.is_some() || *revealed).to_string()}
                    class={classes!(right.then_some("right"))}
                    onclick={send.reform(move |_: MouseEvent| Msg::Answer(number))}>
                    <kbd>{ letter }</kbd><span>{ text }</span>
                    if right { <em>{ "✓ " }{ words::RIGHT }</em> }
                    if chosen && !right { <em>{ words::YOURS }</em> }
                </button>
            </li>
        }
    };
    html! {
        <section class="ask">
            <h2>{ if *revealed { words::OUTCOME } else { words::PREDICT } }</h2>
            <p>{ &question.ask }</p>
            <ol>{ for question.answers.iter().enumerate().map(option) }</ol>
            if answer.is_some() && !revealed { <p class="soft">{ words::ANSWERED }</p> }
        </section>
    }
}
