//! The whole lecture as text: what `daxscope run` prints, with headings to move by.

use yew::prelude::*;

use crate::course::Run;
use crate::msg::Msg;
use crate::words;

pub(crate) fn text(run: &Run, send: &Callback<Msg>) -> Html {
    let transcript = run.transcript();
    html! {
        <main id="stage" class="text" tabindex="-1">
            <p><button type="button" onclick={send.reform(|_: MouseEvent| Msg::Text)}>{ words::STAGE }</button></p>
            <article id="transcript">
                { for crate::transcript::sections(&transcript).into_iter().map(|section| html! {
                    <section>
                        <h2>{ section.heading }</h2>
                        <pre>{ section.body }</pre>
                    </section>
                }) }
            </article>
        </main>
    }
}
