//! What is published: `dist/site/` with both pages, and `dist/daxscope.html`, the full page, that needs no server.

use std::path::PathBuf;

use anyhow::Result;

use crate::page::{self, Effort, FULL, Form, Site};
use crate::{project, say, single_file, size, tools};

/// What has been written.
pub(crate) struct Dist {
    /// What is in `dist/site/`.
    pub(crate) site: Site,
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

/// Builds both pages and writes the site and the single file.
pub(crate) fn write(optimise: bool) -> Result<Dist> {
    let effort = Effort { optimise, twin_required: true };
    let site =
        Site { small: page::build(effort, Form::Small)?, full: page::build(effort, Form::Full)? };
    let html = single_file::html(&site.full)?;
    let folder = project::path("dist");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    for (folder, files) in
        [(folder.join("site"), &site.small), (folder.join("site").join(FULL), &site.full)]
    {
        for (name, bytes) in files {
            project::write(&folder.join(name), bytes)?;
        }
    }
    let single_file = folder.join("daxscope.html");
    project::write(&single_file, html.as_bytes())?;
    say::step("written: dist/site/ and dist/daxscope.html");
    size::report(&site, html.len())?;
    Ok(Dist { site, single_file })
}
