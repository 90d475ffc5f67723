//! The WebAssembly module and its bindings.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::{project, say, tools};

/// Which part of the page a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// What a first visit loads: without the ext-like file system, and the lectures that go without it.
    First,
    /// All.
    Whole,
}

impl Part {
    /// What its files are called.
    const fn stem(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Whole => "daxscope",
        }
    }

    /// What cargo has to be told.
    const fn features(self) -> &'static [&'static str] {
        match self {
            Self::First => &["--no-default-features"],
            Self::Whole => &[],
        }
    }
}

/// A module ready to be loaded.
pub(crate) struct Bound {
    /// The script that defines the global `wasm_bindgen`.
    pub(crate) bindings: String,
    /// The module.
    pub(crate) wasm: Vec<u8>,
}

/// A module that has its bindings and could be smaller.
pub(crate) struct Compiled {
    bindings: String,
    module: PathBuf,
}

impl Compiled {
    /// Ready to be loaded; `optimise`: made smaller, on one core.
    pub(crate) fn ready(self, optimise: bool) -> Result<Bound> {
        let module = if optimise { optimised(&self.module)? } else { self.module };
        Ok(Bound { bindings: self.bindings, wasm: std::fs::read(module)? })
    }
}

/// Compiles a part of the page and makes its bindings.
///
/// The bindings are of the kind without modules, in both forms of the page: the single file cannot do otherwise, and so
/// there is one way to start.
pub(crate) fn compile(part: Part) -> Result<Compiled> {
    let target = project::target()?;
    let stem = part.stem();
    say::step(format!("compiling the page to WebAssembly: {stem}"));
    let mut cargo = project::cargo();
    cargo
        .args(["build", "--package", "daxscope-frontend"])
        .args(["--target", "wasm32-unknown-unknown", "--profile", "wasm"])
        .args(part.features())
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", remapped_paths()?);
    say::run(&mut cargo)?;

    say::step("making the bindings");
    let folder = target.join("page");
    Bindgen::new()
        .input_path(target.join("wasm32-unknown-unknown/wasm/daxscope-frontend.wasm"))
        .out_name(stem)
        .no_modules(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&folder)
        .context("wasm-bindgen cannot make the bindings")?;
    let bindings = std::fs::read_to_string(folder.join(format!("{stem}.js")))?;
    Ok(Compiled { bindings, module: folder.join(format!("{stem}_bg.wasm")) })
}

/// Flags that keep this machine's paths out of the module, so that it comes out the same everywhere.
fn remapped_paths() -> Result<String> {
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let mut remaps = vec![(project::root().to_path_buf(), "/daxscope")];
    let sources = cargo_home.context("neither CARGO_HOME nor HOME is set")?.join("registry/src");
    for folder in std::fs::read_dir(sources).into_iter().flatten() {
        remaps.push((folder?.path(), "/dependencies"));
    }
    remaps.sort();
    let flags =
        remaps.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    Ok(flags.collect::<Vec<_>>().join(" "))
}

/// How hard wasm-opt works: what comes out smallest after brotli, which counts, and not before it (`--converge` takes
/// twice as long for half a kilobyte). That the lowest
/// 1,024 bytes of memory are unused holds because rustc puts the stack there, which grows down and ends in them.
const LEVEL: [&str; 2] = ["-Oz", "--low-memory-unused"];

/// Gets wasm-opt.
pub(crate) fn get_optimiser() -> Result<()> {
    tools::node().context("wasm-opt needs Node (`--no-opt` goes without)")?;
    tools::npm_packages()
}

/// Runs wasm-opt; the features are those that Rust's wasm32 target has on.
fn optimised(module: &Path) -> Result<PathBuf> {
    say::step(format!("optimising {} with wasm-opt", module.display()));
    let to = module.with_extension("opt.wasm");
    let mut wasm_opt = Command::new("node");
    wasm_opt
        .current_dir(project::path("e2e"))
        .arg("node_modules/binaryen/bin/wasm-opt")
        .args(LEVEL)
        .args(["--strip-debug", "--strip-producers", "--strip-target-features"])
        .args(["--enable-bulk-memory", "--enable-multivalue", "--enable-mutable-globals"])
        .args(["--enable-nontrapping-float-to-int", "--enable-reference-types"])
        .args(["--enable-sign-ext", "-o"])
        .arg(&to)
        .arg(module);
    say::run(&mut wasm_opt)?;
    Ok(to)
}

/// The bindings' maker works for one version of wasm-bindgen only: the one in `Cargo.lock` must be that.
pub(crate) fn check_versions() -> Result<()> {
    let lock = project::read("Cargo.lock")?;
    let used = locked(&lock, "wasm-bindgen")?;
    let linked = locked(&lock, "wasm-bindgen-cli-support")?;
    ensure!(
        used == linked,
        "the page uses wasm-bindgen {used} but xtask makes bindings for {linked}: write `={used}` for \
         wasm-bindgen in frontend/Cargo.toml and for wasm-bindgen-cli-support in xtask/Cargo.toml"
    );
    Ok(())
}

/// The version of a package in the text of a `Cargo.lock`.
fn locked<'a>(lock: &'a str, package: &str) -> Result<&'a str> {
    let head = format!("[[package]]\nname = \"{package}\"\nversion = \"");
    let (_, rest) =
        lock.split_once(&head).with_context(|| format!("Cargo.lock has no package {package}"))?;
    rest.split('"').next().context("Cargo.lock ends in the middle of a version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_found_by_its_whole_name() {
        let lock = "[[package]]\nname = \"a-b\"\nversion = \"2.0.0\"\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n";
        assert_eq!(locked(lock, "a").unwrap(), "1.2.3");
        assert_eq!(locked(lock, "a-b").unwrap(), "2.0.0");
        assert!(locked(lock, "b").is_err());
    }

    #[test]
    fn the_locked_versions_of_wasm_bindgen_agree() {
        check_versions().unwrap();
    }
}
