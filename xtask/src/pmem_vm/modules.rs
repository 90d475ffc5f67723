//! The kernel's modules that the guest loads, in the order of their dependencies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// What the guest needs; what is not there as a file is built into this kernel.
const NEEDED: [&str; 17] = [
    "crc16",
    "crc32c_generic",
    "libcrc32c",
    "mbcache",
    "jbd2",
    "ext4",
    "xfs",
    "libnvdimm",
    "nd_btt",
    "nd_pmem",
    "nfit",
    "dax_pmem",
    "device_dax",
    "virtio_pci",
    "virtio_blk",
    "nd_virtio",
    "virtio_pmem",
];

/// One module, uncompressed.
pub(crate) struct Module {
    /// Its name, with underscores.
    pub(crate) name: String,
    /// The ELF file.
    pub(crate) contents: Vec<u8>,
}

/// The needed modules of an unpacked kernel, each behind those that it depends on.
pub(crate) fn load(kernel: &Path) -> Result<Vec<Module>> {
    let mut files = BTreeMap::new();
    // Where a release keeps /lib apart from /usr/lib, its packages may name either.
    for root in ["lib/modules", "usr/lib/modules"] {
        find(&kernel.join(root), &mut files);
    }
    ensure!(!files.is_empty(), "the kernel has no modules in {}", kernel.display());
    let mut read = BTreeMap::new();
    let ordered = order(&NEEDED, |name| {
        let Some(file) = files.get(name) else { return Ok(None) };
        let contents = uncompressed(file)?;
        let depends = depends(&contents);
        read.insert(name.to_owned(), contents);
        Ok(Some(depends))
    })?;
    let module = |name: String| read.remove(&name).map(|contents| Module { name, contents });
    Ok(ordered.into_iter().filter_map(module).collect())
}

/// All modules below a folder, by name.
fn find(folder: &Path, files: &mut BTreeMap<String, PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            find(&path, files);
        } else if let Some((name, _)) = entry.file_name().to_string_lossy().split_once(".ko") {
            files.insert(underscored(name), path);
        }
    }
}

/// The kernel takes `-` and `_` in a module's name for the same.
fn underscored(name: &str) -> String {
    name.replace('-', "_")
}

fn uncompressed(file: &Path) -> Result<Vec<u8>> {
    let decompressor = match file.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        _ => {
            return std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
        }
    };
    let output = Command::new(decompressor).arg("-dc").arg(file).output();
    let output = output.with_context(|| format!("cannot run {decompressor}"))?;
    ensure!(output.status.success(), "{decompressor} cannot read {}", file.display());
    Ok(output.stdout)
}

/// The names in `depends=` of a module's section `.modinfo`, which is a list of texts that end in NUL.
fn depends(module: &[u8]) -> Vec<String> {
    let texts = module.split(|byte| *byte == 0);
    let Some(names) = texts.filter_map(|text| text.strip_prefix(b"depends=")).next() else {
        return Vec::new();
    };
    let names = String::from_utf8_lossy(names);
    names.split(',').filter(|name| !name.is_empty()).map(underscored).collect()
}

/// Every module once, each behind those that it depends on; one without a file has no place in the order.
fn order(
    needed: &[&str],
    mut dependencies: impl FnMut(&str) -> Result<Option<Vec<String>>>,
) -> Result<Vec<String>> {
    /// A module whose dependencies wait to be placed, or that comes after them.
    enum Todo {
        Visit(String),
        Place(String),
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut placed = Vec::new();
    let mut todo: Vec<_> =
        needed.iter().rev().map(|name| Todo::Visit((*name).to_owned())).collect();
    while let Some(next) = todo.pop() {
        match next {
            Todo::Place(name) => placed.push(name),
            Todo::Visit(name) => {
                if !seen.insert(name.clone()) {
                    continue;
                }
                if let Some(depends) = dependencies(&name)? {
                    todo.push(Todo::Place(name));
                    todo.extend(depends.into_iter().rev().map(Todo::Visit));
                }
            }
        }
    }
    Ok(placed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(needed: &[&str], files: &[(&str, &[&str])]) -> Vec<String> {
        let files: BTreeMap<_, _> = files.iter().copied().collect();
        let depends = |name: &str| {
            let depends = files.get(name).copied();
            Ok(depends.map(|names| names.iter().map(ToString::to_string).collect()))
        };
        order(needed, depends).unwrap()
    }

    #[test]
    fn a_module_comes_behind_what_it_depends_on_and_once() {
        let files: [(&str, &[&str]); 5] = [
            ("nd_pmem", &["libnvdimm", "nd_btt"]),
            ("nd_btt", &["libnvdimm"]),
            ("libnvdimm", &[]),
            ("xfs", &["libcrc32c", "crc_built_in"]),
            ("libcrc32c", &[]),
        ];
        assert_eq!(
            ordered(&["nd_pmem", "xfs", "ext4", "libnvdimm"], &files),
            ["libnvdimm", "nd_btt", "nd_pmem", "libcrc32c", "xfs"]
        );
    }

    #[test]
    fn dependencies_are_read_from_the_module() {
        let module = b"\x7fELF\0license=GPL\0depends=nd-virtio,virtio\0name=virtio_pmem\0";
        assert_eq!(depends(module), ["nd_virtio", "virtio"]);
        assert_eq!(depends(b"\x7fELF\0depends=\0name=crc16\0"), [""; 0]);
        assert_eq!(depends(b"\x7fELF"), [""; 0]);
    }
}
