//! The page as files in memory: what `serve` serves, `dist` writes and the single file carries.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, ensure};

use crate::wasm::{self, Part};
use crate::{project, say, tools, twin};

/// Where the text of the lectures goes in `index.html`.
pub(crate) const TWIN: &str = "<!-- twin -->";
/// Where `index.html` says which lectures the first part has.
const FIRST: &str = "<meta name=\"daxscope-first\" content=\"\">";

/// What the files are called; `index.html` and `boot.js` use these names.
pub(crate) mod name {
    pub(crate) const HTML: &str = "index.html";
    pub(crate) const STYLE: &str = "style.css";
    pub(crate) const BOOT: &str = "boot.js";
    pub(crate) const FIRST_BINDINGS: &str = "first.js";
    pub(crate) const FIRST_WASM: &str = "first_bg.wasm";
    pub(crate) const BINDINGS: &str = "daxscope.js";
    pub(crate) const WASM: &str = "daxscope_bg.wasm";
    pub(crate) const TEXT: &str = "text.html";
    pub(crate) const WORKER: &str = "worker.js";
}

/// How much work to put into the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Make the module smaller with wasm-opt.
    pub(crate) optimise: bool,
    /// A lecture whose text cannot be made is an error, not a remark.
    pub(crate) twin_required: bool,
    /// Build the part that a first visit loads; without it every visit loads all.
    pub(crate) first: bool,
}

/// The files of the site by name.
pub(crate) type Files = BTreeMap<&'static str, Vec<u8>>;

/// What has been built.
pub(crate) struct Site {
    /// The files.
    pub(crate) files: Files,
    /// The lectures as text.
    pub(crate) lectures: Vec<twin::Text>,
}

/// Builds everything.
pub(crate) fn build(effort: Effort) -> Result<Site> {
    tools::wasm_target()?;
    wasm::check_versions()?;
    if effort.optimise {
        wasm::get_optimiser()?;
    }
    let whole = wasm::compile(Part::Whole)?;
    // wasm-opt leaves a core to what comes next.
    let whole = std::thread::spawn(move || whole.ready(effort.optimise));
    let lectures = match twin::lectures() {
        Err(error) if !effort.twin_required => {
            say::step(format!("the page goes without the text of the lectures: {error:#}"));
            Vec::new()
        }
        lectures => lectures?,
    };
    let first = effort.first.then(|| wasm::compile(Part::First)?.ready(effort.optimise));
    let first = first.transpose()?;
    let whole =
        whole.join().map_err(|_| anyhow!("the thread that runs wasm-opt has panicked"))??;
    let worker = format!("{}\n{}", whole.bindings, project::read("frontend/worker.js")?);
    let mut html = project::read("index.html")?;
    let mut files = Files::from([
        (name::TEXT, twin::page(&html, &lectures)?.into_bytes()),
        (name::STYLE, project::read("frontend/style.css")?.into_bytes()),
        (name::BOOT, project::read("frontend/boot.js")?.into_bytes()),
        (name::BINDINGS, whole.bindings.into_bytes()),
        (name::WASM, whole.wasm),
        (name::WORKER, worker.into_bytes()),
    ]);
    if let Some(first) = first {
        files.insert(name::FIRST_BINDINGS, first.bindings.into_bytes());
        files.insert(name::FIRST_WASM, first.wasm);
        html = replace_once(&html, FIRST, &twin::names_of_first(&lectures))?;
    }
    html = replace_once(&html, TWIN, &twin::beginning(&lectures))?;
    files.insert(name::HTML, html.into_bytes());
    Ok(Site { files, lectures })
}

/// Replaces the one occurrence of `from`: none or two mean that the template and the build disagree.
pub(crate) fn replace_once(text: &str, from: &str, to: &str) -> Result<String> {
    let count = text.matches(from).count();
    ensure!(count == 1, "index.html must hold `{from}` exactly once and holds it {count} times");
    Ok(text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_must_hold_a_mark_exactly_once() {
        assert_eq!(replace_once("a<b>c", "<b>", "B").unwrap(), "aBc");
        assert!(replace_once("ac", "<b>", "B").is_err());
        assert!(replace_once("<b><b>", "<b>", "B").is_err());
    }
}
