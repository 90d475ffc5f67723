//! What rustfmt, clippy and rustdoc say.

use anyhow::Result;

use crate::{project, say, tools};

/// The source is formatted.
pub(crate) fn format() -> Result<()> {
    say::run(project::cargo().args(["fmt", "--all", "--check"]))
}

/// No warning anywhere in what runs natively.
pub(crate) fn clippy_native() -> Result<()> {
    let mut clippy = project::cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]);
    say::run(&mut clippy)
}

/// No warning in what the page is made of, as the browser gets it: the lectures without what reads their text, the
/// page in its first part and whole. In the page's own profile: what runs while it is compiled is compiled once.
pub(crate) fn clippy_wasm() -> Result<()> {
    tools::wasm_target()?;
    let clippy = |packages: &[&str]| {
        let mut clippy = project::cargo();
        let page = ["clippy", "--target", "wasm32-unknown-unknown", "--profile", "wasm"];
        clippy.args(page).args(packages);
        say::run(clippy.args(["--", "--deny", "warnings"]))
    };
    let packages = ["--package", "daxscope-core", "--package", "daxscope-scenarios"];
    let first = ["--no-default-features", "--package", "daxscope-frontend"];
    clippy(&[&first[..], &packages[..]].concat())?;
    clippy(&["--package", "daxscope-frontend"])
}

/// The documentation builds without a broken link. That generated documents are current is for `cargo test` to say.
pub(crate) fn documentation() -> Result<()> {
    let mut doc = project::cargo();
    // Private items are documented too, so a link to one leads somewhere.
    let flags = "--deny warnings --allow rustdoc::private_intra_doc_links";
    doc.args(["doc", "--workspace", "--exclude", "xtask", "--no-deps", "--document-private-items"])
        .env("RUSTDOCFLAGS", flags);
    say::run(&mut doc)
}
