//! The browser tests: Playwright on Chromium, against what `dist` has written.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::dist::Dist;
use crate::{project, say, serve, tools};

/// Runs the tests of `e2e/` on both forms of the page.
pub(crate) fn test(page: Dist, arguments: &[OsString]) -> Result<()> {
    tools::npm_packages()?;
    let chromium = tools::chromium()?;
    let address = serve::in_background(page.site)?;
    say::step(format!("{} tests the page at {address}", chromium.display()));
    let mut playwright = Command::new("node");
    playwright
        .args(["node_modules/@playwright/test/cli.js", "test"])
        .args(arguments)
        .current_dir(project::path("e2e"))
        .env("BASE_URL", address)
        .env("SINGLE_FILE", page.single_file)
        .env("CHROMIUM", chromium);
    say::run(&mut playwright)
}
