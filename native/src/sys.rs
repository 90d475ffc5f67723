//! What the kernel says of devices and mounts, by files of `/sys` and `/proc`.

use std::fs;
use std::path::{Path, PathBuf};

/// A device number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DeviceNr {
    /// The driver.
    pub major: u32,
    /// The device of that driver.
    pub minor: u32,
}

impl DeviceNr {
    /// From the number as `stat` gives it.
    #[must_use]
    pub fn new(dev: u64) -> Self {
        Self { major: rustix::fs::major(dev), minor: rustix::fs::minor(dev) }
    }
}

/// Whether a device is read and written by blocks or as a stream or mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceKind {
    /// Such as `/dev/pmem0`, and what a file system lies on.
    Block,
    /// Such as `/dev/dax0.0`.
    Char,
}

/// The place where `/sys` and `/proc` are: the root, or a made-up tree in a test.
#[derive(Clone, Debug)]
pub struct Sys {
    root: PathBuf,
}

impl Sys {
    /// The kernel's own.
    #[must_use]
    pub fn host() -> Self {
        Self::at(Path::new("/"))
    }

    /// Another root.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Where an absolute path is.
    #[must_use]
    pub fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// A file's text without the white space around it; `None` if it cannot be read.
    #[must_use]
    pub fn read(&self, absolute: &str) -> Option<String> {
        read(&self.path(absolute))
    }

    /// A device's own folder below `/sys/devices`; `None` if the kernel shows none.
    #[must_use]
    pub fn device(&self, kind: DeviceKind, nr: DeviceNr) -> Option<PathBuf> {
        let kind = match kind {
            DeviceKind::Block => "block",
            DeviceKind::Char => "char",
        };
        let link = self.path(&format!("/sys/dev/{kind}/{}:{}", nr.major, nr.minor));
        fs::canonicalize(link).ok()
    }

    /// The persistent-memory region that a device lies on: `…/region0`. The device's folder is below it.
    #[must_use]
    pub fn region(&self, kind: DeviceKind, nr: DeviceNr) -> Option<PathBuf> {
        let device = self.device(kind, nr)?;
        device.ancestors().find(|folder| is_region(folder)).map(Path::to_owned)
    }

    /// What of a region survives a power cut by itself: `memory_controller`, or `cpu_cache` where the
    /// caches do (eADR); `None` where the kernel does not say.
    #[must_use]
    pub fn persistence_domain(region: &Path) -> Option<String> {
        read(&region.join("persistence_domain")).filter(|domain| domain != "unknown")
    }
}

/// A file's text without the white space around it.
#[must_use]
pub fn read(path: &Path) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// Whether a folder of `/sys` is a region: `region` and a number.
#[must_use]
pub fn is_region(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    let number = name.and_then(|name| name.strip_prefix("region"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}
