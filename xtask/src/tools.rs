//! Finds what the build needs and installs what is missing, or says exactly what to type.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::project;
use crate::say;

/// The oldest Node that the packages in `e2e/` run on.
const NODE: u32 = 18;

/// Makes sure that the wasm32 target is there.
pub(crate) fn wasm_target() -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let libraries =
        say::output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    if Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    say::step(format!("the Rust target {TARGET} is missing: installing it"));
    say::run(Command::new("rustup").args(["target", "add", TARGET]))
        .with_context(|| format!("install the Rust target {TARGET} in the way your Rust came"))
}

/// Makes sure that `cargo fmt` and `cargo clippy` are there.
pub(crate) fn lint_components() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !say::works(project::cargo().args([subcommand, "--version"])) {
            say::step(format!("{component} is missing: installing it"));
            say::run(Command::new("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}

/// The version of Node, if there is one that is new enough.
pub(crate) fn node() -> Result<String> {
    let missing = "Node is missing: type `sudo apt-get install -y nodejs npm`";
    let version = say::output(Command::new("node").arg("--version")).context(missing)?;
    let version = version.trim();
    let major = version.trim_start_matches('v').split('.').next().and_then(|n| n.parse().ok());
    ensure!(
        major.is_some_and(|major: u32| major >= NODE),
        "Node {version} is too old: this needs Node {NODE} or newer"
    );
    Ok(version.into())
}

/// Makes sure that the packages of `e2e/package-lock.json` are there, exactly those.
pub(crate) fn npm_packages() -> Result<()> {
    let lock = project::read("e2e/package-lock.json")?;
    let stamp = project::path("e2e/node_modules/.installed-from");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    node()?;
    ensure!(
        say::works(Command::new("npm").arg("--version")),
        "npm is missing: type `sudo apt-get install -y npm`"
    );
    say::step("installing the npm packages of e2e/package-lock.json");
    let mut npm = Command::new("npm");
    npm.arg("ci").current_dir(project::path("e2e")).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    say::run(&mut npm)?;
    project::write(&stamp, lock.as_bytes())
}

/// A Chromium that runs: `$CHROMIUM`, one on the path, or one that apt installs when we are root. Without a window it
/// need not paint frames for one, so the headless shell is preferred: the tests take a third less time in it.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(chosen) = std::env::var_os("CHROMIUM") {
        let chosen = PathBuf::from(chosen);
        ensure!(runs(&chosen), "CHROMIUM={} does not run", chosen.display());
        return Ok(chosen);
    }
    if let Some(shell) = browser_on_path(&[HEADLESS_SHELL]) {
        return Ok(shell);
    }
    let installed = install_by_apt(HEADLESS_SHELL, "it is a package of Debian");
    if let Some(shell) = browser_on_path(&[HEADLESS_SHELL]) {
        return Ok(shell);
    }
    if let Some(found) = browser_on_path(&WITH_WINDOWS) {
        if let Err(why) = installed {
            say::step(format!("{why}; using the slower {}", found.display()));
        }
        return Ok(found);
    }
    install_by_apt("chromium", CHROMIUM_BY_HAND)?;
    browser_on_path(&WITH_WINDOWS)
        .with_context(|| format!("the Chromium just installed does not run: {CHROMIUM_BY_HAND}"))
}

const HEADLESS_SHELL: &str = "chromium-headless-shell";
const WITH_WINDOWS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const CHROMIUM_BY_HAND: &str = "type `sudo apt-get update && sudo apt-get install -y chromium`, \
    or set CHROMIUM to the path of a Chromium or Chrome (on Ubuntu, whose package is a snap, \
    install Chrome and this finds it)";

fn browser_on_path(names: &[&str]) -> Option<PathBuf> {
    let folders: Vec<_> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file() && runs(path))
}

/// Makes sure that e2fsprogs is there, which reads and replays the journals that the core writes.
pub(crate) fn e2fsprogs() -> Result<()> {
    if std::env::var_os("DAXSCOPE_WITHOUT_E2FSPROGS").is_some_and(|value| value == "1")
        || has_e2fsprogs()
    {
        return Ok(());
    }
    let by_hand = "type `sudo apt-get update && sudo apt-get install -y e2fsprogs`, or set \
        DAXSCOPE_WITHOUT_E2FSPROGS=1 to do without independent readers of the journal";
    install_by_apt("e2fsprogs", by_hand)?;
    ensure!(has_e2fsprogs(), "e2fsprogs has just been installed and is not complete: {by_hand}");
    Ok(())
}

/// Its tools are for root, so they may be where only root looks.
fn has_e2fsprogs() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/sbin", "/usr/sbin"].map(PathBuf::from));
    let folders: Vec<_> = folders.collect();
    let has = |tool| folders.iter().any(|folder| folder.join(tool).is_file());
    ["mke2fs", "debugfs", "e2fsck"].into_iter().all(has)
}

/// Installs a package of Debian if we may.
fn install_by_apt(package: &str, by_hand: &str) -> Result<()> {
    let is_root = say::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !is_root || !say::works(Command::new("apt-get").arg("--version")) {
        bail!("no {package} found: {by_hand}");
    }
    say::step(format!("no {package} found: installing Debian's"));
    say::run(Command::new("apt-get").arg("update"))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", package]).env("DEBIAN_FRONTEND", "noninteractive");
    say::run(&mut install)
}

/// Ubuntu's `chromium-browser` is a script that only asks for a snap, so a file of that name proves nothing.
fn runs(browser: &Path) -> bool {
    say::works(Command::new(browser).arg("--version"))
}
