//! Our own programs, linked statically: the guest has no libraries but those of Debian's tools.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::verdict::Fault;
use crate::{project, say};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Where they are.
pub(crate) struct Programs {
    /// The command line.
    pub(crate) daxscope: PathBuf,
    /// The example that stores a page by three kinds of mapping.
    pub(crate) pair: PathBuf,
    /// The tests of the real medium.
    pub(crate) medium: PathBuf,
}

/// Builds all of them. That the machine is not one for which we build could not run; a faulty source is an error.
pub(crate) fn build() -> Result<Result<Programs, Fault>> {
    if let Err(why) = can_build() {
        return Ok(Err(why));
    }
    let build = ["build", "--bin", "daxscope", "--example", "pmem_pair"];
    let built = executables(&cargo(&build)?)?;
    let tests = executables(&cargo(&["test", "--no-run", "--test", "medium"])?)?;
    Ok(Ok(Programs {
        daxscope: one(&built, "daxscope")?,
        pair: one(&built, "pmem_pair")?,
        medium: one(&tests, "medium")?,
    }))
}

fn can_build() -> Result<(), Fault> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Err(Fault::could_not_run("it needs Linux on x86-64"));
    }
    // The linker finds it where the C compiler does; a name that is not found comes back as it is.
    let found = say::output(Command::new("cc").arg("-print-file-name=libc.a"))?;
    if found.trim() == "libc.a" {
        let by_hand = "type `sudo apt-get install -y libc6-dev`";
        return Err(Fault::could_not_run(format!("there is no static C library: {by_hand}")));
    }
    let libraries =
        say::output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    if !PathBuf::from(libraries.trim()).is_dir() {
        let by_hand = format!("type `rustup target add {TARGET}`");
        return Err(Fault::could_not_run(format!("Rust's {TARGET} is missing: {by_hand}")));
    }
    Ok(())
}

/// What cargo says of a static build, a line of JSON per artefact.
fn cargo(arguments: &[&str]) -> Result<String> {
    let mut cargo = project::cargo();
    cargo
        .args(arguments)
        .args(["--package", "daxscope", "--profile", "guest", "--target", TARGET])
        .arg("--message-format=json-render-diagnostics")
        .env("RUSTFLAGS", "-C target-feature=+crt-static");
    say::step(format!("builds for the guest: cargo {}", arguments.join(" ")));
    say::output(&mut cargo)
}

/// Names and paths of what was linked.
fn executables(messages: &str) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for message in messages.lines().filter(|line| line.starts_with('{')) {
        let message: Value = serde_json::from_str(message).context("cargo printed faulty JSON")?;
        let name = message["target"]["name"].as_str();
        if let (Some(name), Some(path)) = (name, message["executable"].as_str()) {
            found.push((name.to_owned(), path.into()));
        }
    }
    Ok(found)
}

fn one(found: &[(String, PathBuf)], name: &str) -> Result<PathBuf> {
    let named: Vec<_> = found.iter().filter(|(of, _)| of == name).collect();
    ensure!(named.len() == 1, "cargo built {} programs named {name}", named.len());
    Ok(named[0].1.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_what_cargo_says_it_linked() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"daxscope_native"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"daxscope"},"executable":"/t/daxscope"}
{"reason":"build-finished","success":true}"#;
        let found = executables(messages).unwrap();
        assert_eq!(found, [("daxscope".to_owned(), PathBuf::from("/t/daxscope"))]);
        assert_eq!(one(&found, "daxscope").unwrap(), PathBuf::from("/t/daxscope"));
        assert!(one(&found, "medium").is_err());
    }
}
