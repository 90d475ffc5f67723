//! The guest's first file system: a shell, the tools, the kernel's modules, our programs, and `init`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::cpio::Archive;
use super::modules;
use super::unpacked::Tools;
use super::verdict::Fault;

/// The guest's first process.
const INIT: &str = include_str!("guest/init");

/// What the shell finds of busybox. Linked by name: `busybox --install` would take the place of our own programs.
const APPLETS: [&str; 18] = [
    "sh", "cp", "mount", "umount", "cat", "echo", "sleep", "poweroff", "insmod", "mkdir", "grep",
    "sed", "head", "tail", "tr", "tar", "dmesg", "sync",
];

/// Debian's programs.
const PROGRAMS: [&str; 5] = ["ndctl", "mke2fs", "e2fsck", "mkfs.xfs", "xfs_repair"];

const FOLDERS: [&str; 11] = [
    "bin",
    "sbin",
    "etc",
    "lib",
    "lib/modules",
    "lib/x86_64-linux-gnu",
    "lib64",
    "dev",
    "proc",
    "sys",
    "mnt",
];

/// Writes the archive; `ours` are our own static programs by the names that they have in the guest.
pub(crate) fn write(
    to: &Path,
    kernel: &Path,
    tools: &Tools<'_>,
    ours: &[(&str, PathBuf)],
) -> Result<(), Fault> {
    let mut archive = Archive::default();
    FOLDERS.iter().for_each(|folder| archive.folder(folder));
    archive.folder("run");
    archive.file("init", INIT.as_bytes());
    archive.file("bin/busybox", &read(&tools.program("busybox")?)?);
    APPLETS.iter().for_each(|applet| archive.link(&format!("bin/{applet}"), "busybox"));
    for (name, path) in ours {
        archive.file(&format!("bin/{name}"), &read(path)?);
    }
    debian(&mut archive, tools)?;
    let modules = modules::load(kernel)?;
    let order: String = modules.iter().map(|module| format!("{}.ko\n", module.name)).collect();
    archive.file("lib/modules/order", order.as_bytes());
    for module in modules {
        archive.file(&format!("lib/modules/{}.ko", module.name), &module.contents);
    }
    Ok(crate::project::write(to, &archive.finish())?)
}

/// Debian's programs with the libraries that they load.
fn debian(archive: &mut Archive, tools: &Tools<'_>) -> Result<(), Fault> {
    let mut added = std::collections::BTreeSet::new();
    for name in PROGRAMS {
        let program = tools.program(name)?;
        archive.file(&format!("sbin/{name}"), &read(&program)?);
        for library in tools.libraries(&program)? {
            let name = library.file_name().context("ldd named a folder")?.to_string_lossy();
            let folder =
                if name.starts_with("ld-linux") { "lib64" } else { "lib/x86_64-linux-gnu" };
            let place = format!("{folder}/{name}");
            if added.insert(place.clone()) {
                archive.file(&place, &read(&library)?);
            }
        }
    }
    archive.link("sbin/mkfs.ext4", "mke2fs");
    if let Some(defaults) = tools.file("etc/mke2fs.conf") {
        archive.file("etc/mke2fs.conf", &read(&defaults)?);
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
