//! What is published: `dist/site/`, and `dist/daxscope.html` that needs no server.

use std::path::PathBuf;

use anyhow::Result;

use crate::page::{self, Effort, Files};
use crate::{project, say, single_file, size, tools, twin};

/// What has been written.
pub(crate) struct Dist {
    /// The files of `dist/site/`.
    pub(crate) site: Files,
    /// `dist/daxscope.html`.
    pub(crate) single_file: PathBuf,
}

/// `cargo xtask dist`
pub(crate) fn command(optimise: bool) -> Result<()> {
    let optimise = optimise && has_node();
    write(optimise).map(|_| ())
}

fn has_node() -> bool {
    tools::node()
        .inspect_err(|error| {
            say::step(format!("going without wasm-opt, so the module stays larger: {error:#}"));
        })
        .is_ok()
}

/// Builds the page and writes both forms of it.
pub(crate) fn write(optimise: bool) -> Result<Dist> {
    let site = page::build(Effort { optimise, twin_required: true, first: true })?;
    let lectures = twin::all(&site.lectures);
    let html = single_file::html(&project::read("index.html")?, &lectures, &site.files)?;
    let folder = project::path("dist");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    for (name, bytes) in &site.files {
        project::write(&folder.join("site").join(name), bytes)?;
    }
    let single_file = folder.join("daxscope.html");
    project::write(&single_file, html.as_bytes())?;
    say::step("written: dist/site/ and dist/daxscope.html");
    size::report(&site.files, html.len())?;
    Ok(Dist { site: site.files, single_file })
}
