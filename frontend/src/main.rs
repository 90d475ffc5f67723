//! The page: draws what `daxscope-core` says, decides nothing about kernels.

#[cfg(target_arch = "wasm32")]
mod page {
    use yew::prelude::*;

    #[component]
    fn App() -> Html {
        html! {
            <main>
                <h1>{ "daxscope" }</h1>
                <p>{ "See where your bytes live." }</p>
            </main>
        }
    }

    /// Draws the page in `<div id="app">`; does nothing in a worker, which has no document.
    pub(crate) fn mount() {
        let Some(document) = web_sys::window().and_then(|window| window.document()) else {
            return;
        };
        let app = document
            .get_element_by_id("app")
            .expect("index.html has <div id=app>");
        yew::Renderer::<App>::with_root(app).render();
    }
}

fn main() {
    #[cfg(target_arch = "wasm32")]
    page::mount();
}
