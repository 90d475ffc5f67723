//! The direction of dependencies: `frontend`, `native` -> `scenarios` -> `core`, and `core` depends on nothing.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use crate::{project, say};

const CORE: &str = "daxscope-core";
const SCENARIOS: &str = "daxscope-scenarios";

/// Each package with those of the workspace it may name.
const MAY_NAME: [(&str, &[&str]); 4] = [
    (CORE, &[]),
    (SCENARIOS, &[CORE]),
    ("daxscope-frontend", &[CORE, SCENARIOS]),
    ("daxscope", &[CORE, SCENARIOS]),
];

/// What reads the text of lectures, by the beginning of its name: the page has its lectures packed and goes without.
const NOT_IN_THE_PAGE: [&str; 3] = ["toml", "winnow", "serde_spanned"];

/// What `core` must say of itself, so that the compiler holds its purity.
const PURITY: [&str; 2] = ["#![no_std]", "#![forbid(unsafe_code)]"];

/// Compares what `cargo tree` shows with what is allowed.
pub(crate) fn check() -> Result<()> {
    for (package, allowed) in MAY_NAME {
        let tree = say::output(project::cargo().args([
            "tree",
            "--package",
            package,
            "--edges",
            "normal,build",
            "--target",
            "all",
            "--depth",
            "1",
            "--prefix",
            "none",
        ]))?;
        let named = named(&tree);
        let wrong: Vec<_> = named.iter().filter(|name| !allowed.contains(name)).copied().collect();
        ensure!(wrong.is_empty(), "{package} must not depend on {}", wrong.join(", "));
        if package == CORE {
            ensure!(tree.lines().count() == 1, "{CORE} must not depend on anything:\n{tree}");
        }
        say::step(format!("{package} -> {}", named.into_iter().collect::<Vec<_>>().join(", ")));
    }
    let page = ["--package", "daxscope-frontend", "--target", "wasm32-unknown-unknown"];
    let kinds = ["--edges", "normal,no-proc-macro", "--prefix", "none"];
    let page = say::output(project::cargo().arg("tree").args(page).args(kinds))?;
    let readers = readers(&page);
    ensure!(readers.is_empty(), "the page must not contain {}", readers.join(", "));
    say::step("the page -> nothing that reads the text of lectures");
    let source = project::read("core/src/lib.rs")?;
    for attribute in PURITY {
        ensure!(source.contains(attribute), "core/src/lib.rs must say {attribute}");
    }
    Ok(())
}

/// The packages of this workspace below the first line.
fn named(tree: &str) -> BTreeSet<&str> {
    let names = tree.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| name.starts_with("daxscope") || *name == "xtask").collect()
}

/// The packages that read the text of lectures.
fn readers(tree: &str) -> Vec<&str> {
    let reads = |name: &&str| NOT_IN_THE_PAGE.iter().any(|reader| name.starts_with(reader));
    tree.lines().filter_map(|line| line.split_whitespace().next()).filter(reads).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_reads_lectures_is_found_with_its_parts() {
        let tree = "daxscope-frontend v0.1.0 (/x)\nserde v1.0.0\ntoml v1.2.1\ntoml_parser v1.0.0\n";
        assert_eq!(super::readers(tree), ["toml", "toml_parser"]);
    }

    #[test]
    fn only_packages_of_the_workspace_count() {
        let tree = "daxscope v0.1.0 (/x)\nanyhow v1.0.0\ndaxscope-core v0.1.0 (/x/core)\nserde v1.0.0 (*)\n";
        assert_eq!(super::named(tree).into_iter().collect::<Vec<_>>(), ["daxscope-core"]);
    }
}
