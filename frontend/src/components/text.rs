//! The whole lecture as text: what `daxscope run` prints, with headings to move by.

use std::rc::Rc;

use yew::prelude::*;

use crate::course::Run;
use crate::msg::Msg;
use crate::words;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) run: Rc<Run>,
    pub(crate) step: usize,
    pub(crate) send: Callback<Msg>,
}

#[component]
pub(crate) fn TextView(Props { run, send, .. }: &Props) -> Html {
    let transcript = use_memo(Rc::clone(run), |run| run.transcript());
    html! {
        <main id="stage" class="text" tabindex="-1">
            <p><button type="button" onclick={send.reform(|_: MouseEvent| Msg::Text)}>{ words::STAGE }</button></p>
            <article id="transcript">
                { for crate::transcript::sections(&transcript).into_iter().map(|section| html! {
                    <section>
                        <h2>{ section.heading }</h2>
                        <pre tabindex="0">{ section.body }</pre>
                    </section>
                }) }
            </article>
        </main>
    }
}
