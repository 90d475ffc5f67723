//! The page as files in memory: what `serve` serves, `dist` writes and the single file carries.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use crate::{project, say, tools, twin, wasm};

/// Where the text of the lectures goes in `index.html`.
const TWIN: &str = "<!-- twin -->";

/// What the files are called; `index.html` and `boot.js` use these names.
pub(crate) mod name {
    pub(crate) const HTML: &str = "index.html";
    pub(crate) const STYLE: &str = "style.css";
    pub(crate) const BOOT: &str = "boot.js";
    pub(crate) const BINDINGS: &str = "daxscope.js";
    pub(crate) const WASM: &str = "daxscope_bg.wasm";
    pub(crate) const WORKER: &str = "worker.js";
}

/// How much work to put into the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Make the module smaller with wasm-opt.
    pub(crate) optimise: bool,
    /// A lecture whose text cannot be made is an error, not a remark.
    pub(crate) twin_required: bool,
}

/// The files of the site by name.
pub(crate) type Files = BTreeMap<&'static str, Vec<u8>>;

/// Builds everything.
pub(crate) fn build(effort: Effort) -> Result<Files> {
    tools::wasm_target()?;
    wasm::check_versions()?;
    let bound = wasm::build(effort.optimise)?;
    let lectures = match twin::html() {
        Err(error) if !effort.twin_required => {
            say::step(format!("the page goes without the text of the lectures: {error:#}"));
            String::new()
        }
        lectures => lectures?,
    };
    let worker = format!("{}\n{}", bound.bindings, project::read("frontend/worker.js")?);
    let html = replace_once(&project::read("index.html")?, TWIN, &lectures)?;
    Ok(Files::from([
        (name::HTML, html.into_bytes()),
        (name::STYLE, project::read("frontend/style.css")?.into_bytes()),
        (name::BOOT, project::read("frontend/boot.js")?.into_bytes()),
        (name::BINDINGS, bound.bindings.into_bytes()),
        (name::WASM, bound.wasm),
        (name::WORKER, worker.into_bytes()),
    ]))
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
