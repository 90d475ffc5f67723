//! Where programs and their libraries are: unpacked, or this machine's own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::verdict::Fault;
use crate::say;

/// Where Debian puts programs; the last two are links to the first two on a merged system.
const FOLDERS: [&str; 4] = ["usr/bin", "usr/sbin", "bin", "sbin"];

/// The unpacked tools.
pub(crate) struct Tools<'a>(pub(crate) &'a Path);

impl Tools<'_> {
    /// A program: the unpacked one, or else this machine's own.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf, Fault> {
        let roots = [self.0, Path::new("/")];
        let places = roots.iter().flat_map(|root| FOLDERS.map(|folder| root.join(folder)));
        places.map(|folder| folder.join(name)).find(|path| path.is_file()).ok_or_else(|| {
            Fault::could_not_run(format!("there is no {name}, which apt should have brought"))
        })
    }

    /// A file of the unpacked tools, or else this machine's own, by its path without the first slash.
    pub(crate) fn file(&self, path: &str) -> Option<PathBuf> {
        [self.0.join(path), Path::new("/").join(path)].into_iter().find(|path| path.is_file())
    }

    /// What `LD_LIBRARY_PATH` has to be for unpacked programs.
    pub(crate) fn library_path(&self) -> OsString {
        let folders = ["usr/lib", "lib"].map(|lib| self.0.join(lib).join("x86_64-linux-gnu"));
        std::env::join_paths(folders).expect("the target folder has no colon in its name")
    }

    /// The shared libraries that a program loads, the loader among them.
    pub(crate) fn libraries(&self, program: &Path) -> Result<Vec<PathBuf>> {
        let mut ldd = Command::new("ldd");
        let listed = say::output(ldd.arg(program).env("LD_LIBRARY_PATH", self.library_path()))?;
        libraries(&listed).with_context(|| format!("{} lacks a library", program.display()))
    }
}

/// The paths in the output of ldd; an error if a library is not found.
fn libraries(listed: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for line in listed.lines() {
        anyhow::ensure!(!line.contains("not found"), "{}", line.trim());
        found.extend(line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_the_paths_of_ldd() {
        let listed = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let expected = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(libraries(listed).unwrap(), expected.map(PathBuf::from));
        assert!(libraries("\tlibndctl.so.6 => not found\n").is_err());
    }
}
