//! The direction of dependencies: `frontend`, `native` -> `scenarios` -> `core`, and `core` depends on nothing.
//! And where `unsafe` may be.

use std::collections::BTreeSet;

use std::path::Path;

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

/// What every crate must say of itself, so that the compiler refuses `unsafe` wherever nobody allows it.
const SAFE: [(&str, &str); 5] = [
    ("scenarios/src/lib.rs", "#![forbid(unsafe_code)]"),
    ("frontend/src/main.rs", "#![forbid(unsafe_code)]"),
    ("xtask/src/main.rs", "#![forbid(unsafe_code)]"),
    ("native/src/main.rs", "#![forbid(unsafe_code)]"),
    ("native/src/lib.rs", "#![deny(unsafe_code)]"),
];

/// The files of `native/src` that may allow it: the mapped memory, and what is loaded to compare with.
const MAY_ALLOW_UNSAFE: [&str; 2] = ["native/src/pmem/raw.rs", "native/src/bench/peers/pmdk.rs"];

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
    unsafe_is_where_it_may_be()
}

fn unsafe_is_where_it_may_be() -> Result<()> {
    for (file, attribute) in SAFE {
        ensure!(project::read(file)?.contains(attribute), "{file} must say {attribute}");
    }
    let mut found = Vec::new();
    allowing_unsafe(&project::path("native/src"), &mut found)?;
    let wrong: Vec<_> =
        found.iter().filter(|file| !MAY_ALLOW_UNSAFE.contains(&file.as_str())).collect();
    ensure!(wrong.is_empty(), "no unsafe code may be in {wrong:?}");
    say::step(format!("unsafe code: {}", found.join(", ")));
    Ok(())
}

/// The files below a folder that allow unsafe code, as paths of the workspace.
fn allowing_unsafe(folder: &Path, found: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            allowing_unsafe(&path, found)?;
        } else if std::fs::read_to_string(&path)?.contains("(unsafe_code)]") {
            let name = path.strip_prefix(project::root()).unwrap_or(&path).display().to_string();
            found.extend(Some(name).filter(|name| !SAFE.iter().any(|(root, _)| root == name)));
        }
    }
    found.sort();
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
    fn whoever_allows_unsafe_is_found() {
        super::unsafe_is_where_it_may_be().unwrap();
        let folder = std::env::temp_dir().join(format!("daxscope-edges-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("b")).unwrap();
        std::fs::write(folder.join("a.rs"), "// forbid(unsafe_code)\nunsafe fn x() {}\n").unwrap();
        std::fs::write(folder.join("b/c.rs"), "#![allow(unsafe_code)]\n").unwrap();
        let mut found = Vec::new();
        super::allowing_unsafe(&folder, &mut found).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, [folder.join("b/c.rs").display().to_string()]);
    }

    #[test]
    fn only_packages_of_the_workspace_count() {
        let tree = "daxscope v0.1.0 (/x)\nanyhow v1.0.0\ndaxscope-core v0.1.0 (/x/core)\nserde v1.0.0 (*)\n";
        assert_eq!(super::named(tree).into_iter().collect::<Vec<_>>(), ["daxscope-core"]);
    }
}
