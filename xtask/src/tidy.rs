//! What is easily broken in files that no compiler reads.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{project, say, wasm};

/// Everything here.
pub(crate) fn check() -> Result<()> {
    wasm::check_versions()?;
    lock_names_no_registry()?;
    npm_versions_are_exact()?;
    every_test_of_the_core_is_compiled()?;
    links_lead_somewhere()
}

/// `npm ci` needs no address, and an address would bind everyone to one registry.
fn lock_names_no_registry() -> Result<()> {
    let lock = project::read("e2e/package-lock.json")?;
    ensure!(
        !lock.contains("\"resolved\"") && !lock.contains("://"),
        "e2e/package-lock.json names a registry: make it anew by `npm install --package-lock-only` in e2e/"
    );
    Ok(())
}

fn npm_versions_are_exact() -> Result<()> {
    let package: Value = serde_json::from_str(&project::read("e2e/package.json")?)?;
    let versions =
        package["devDependencies"].as_object().context("e2e/package.json needs nothing")?;
    for (name, version) in versions {
        let exact = version.as_str().is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()));
        ensure!(exact, "e2e/package.json must name one exact version of {name}, not {version}");
    }
    Ok(())
}

/// The core's tests are one program, and a file that it does not name would be left out without a word.
fn every_test_of_the_core_is_compiled() -> Result<()> {
    let program = project::read("core/tests/main.rs")?;
    for entry in std::fs::read_dir(project::path("core/tests"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let named = name == "main" || program.contains(&format!("\nmod {name};\n"));
        ensure!(named, "core/tests/main.rs does not name {name}: nothing in it is tested");
    }
    Ok(())
}

/// Every relative link of our Markdown files leads to a file.
fn links_lead_somewhere() -> Result<()> {
    let mut files = Vec::new();
    markdown(project::root(), &mut files);
    let mut dead = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file)?;
        let folder = file.parent().expect("a file is in a folder");
        for link in links(&text).filter(|link| !folder.join(link).exists()) {
            let file = file.strip_prefix(project::root()).unwrap_or(file);
            dead.push(format!("{} -> {link}", file.display()));
        }
    }
    ensure!(dead.is_empty(), "links that lead nowhere: {}", dead.join(", "));
    say::step(format!("Markdown files: {}, every link leads somewhere", files.len()));
    Ok(())
}

fn markdown(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let not_ours =
            name.starts_with('.') || ["target", "dist", "node_modules"].contains(&&*name);
        if path.is_dir() && !not_ours {
            markdown(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// The relative targets of `](…)` outside code blocks, without fragments.
fn links(text: &str) -> impl Iterator<Item = &str> {
    // Every second piece between fences is code.
    let prose = text.split("```").step_by(2);
    prose.flat_map(|prose| prose.split("](").skip(1)).filter_map(|rest| {
        let link = rest.split([')', ' ', '\n']).next()?.split('#').next()?;
        (!link.is_empty() && !link.contains(':')).then_some(link)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_relative_targets_count() {
        let text = "[a](docs/a.md#b) [b](https://example.org) [c](#d) ![e](e.png \"title\")\n```\na[1](b)\n```\n";
        assert_eq!(super::links(text).collect::<Vec<_>>(), ["docs/a.md", "e.png"]);
    }
}
