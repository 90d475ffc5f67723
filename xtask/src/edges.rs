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

#[cfg(test)]
mod tests {
    #[test]
    fn only_packages_of_the_workspace_count() {
        let tree = "daxscope v0.1.0 (/x)\nanyhow v1.0.0\ndaxscope-core v0.1.0 (/x/core)\nserde v1.0.0 (*)\n";
        assert_eq!(super::named(tree).into_iter().collect::<Vec<_>>(), ["daxscope-core"]);
    }
}
