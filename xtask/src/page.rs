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

/// Which of the two pages: a first visit gets the small one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Without the ext-like file system and the lectures that need it.
    Small,
    /// With all.
    Full,
}

impl Form {
    /// In words.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Small => "the page",
            Self::Full => "the full page",
        }
    }

    /// What cargo has to be told.
    pub(crate) const fn features(self) -> &'static [&'static str] {
        match self {
            Self::Small => &[],
            Self::Full => &["--features", "ext4"],
        }
    }
}

/// The small page, and the full one in a folder of its own.
pub(crate) struct Site {
    /// At the root.
    pub(crate) small: Files,
    /// In [`FULL`].
    pub(crate) full: Files,
}

/// The folder of the full page.
pub(crate) const FULL: &str = "full/";

impl Site {
    /// The file that a path asks for, `index.html` for a folder.
    pub(crate) fn get(&self, path: &str) -> Option<&[u8]> {
        let (files, name) = match path.strip_prefix(FULL) {
            Some(name) => (&self.full, name),
            None => (&self.small, path),
        };
        let name = if name.is_empty() { name::HTML } else { name };
        files.get(name).map(Vec::as_slice)
    }
}

/// How much work to put into the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Make the module smaller with wasm-opt.
    pub(crate) optimise: bool,
    /// A lecture whose text cannot be made is an error, not a remark.
    pub(crate) twin_required: bool,
}

/// The files of a page by name.
pub(crate) type Files = BTreeMap<&'static str, Vec<u8>>;

/// Builds a page.
pub(crate) fn build(effort: Effort, form: Form) -> Result<Files> {
    tools::wasm_target()?;
    wasm::check_versions()?;
    let bound = wasm::build(effort.optimise, form)?;
    let lectures = match twin::html(form) {
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
    fn a_path_leads_to_a_page_or_to_a_file_of_it() {
        let files = |text: &str| Files::from([(name::HTML, text.as_bytes().to_vec())]);
        let site = Site { small: files("small"), full: files("full") };
        assert_eq!(site.get(""), Some(b"small".as_slice()));
        assert_eq!(site.get("full/"), Some(b"full".as_slice()));
        assert_eq!(site.get("full/index.html"), Some(b"full".as_slice()));
        assert_eq!(site.get("full/no"), None);
    }

    #[test]
    fn the_template_must_hold_a_mark_exactly_once() {
        assert_eq!(replace_once("a<b>c", "<b>", "B").unwrap(), "aBc");
        assert!(replace_once("ac", "<b>", "B").is_err());
        assert!(replace_once("<b><b>", "<b>", "B").is_err());
    }
}
