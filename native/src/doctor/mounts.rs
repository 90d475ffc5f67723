//! What is mounted where, by `/proc/self/mountinfo`.

use super::block_name;
use crate::sys::{DeviceKind, DeviceNr, Sys};
use std::fs;
use std::path::Path;

/// A mount.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mount {
    /// The file system's device.
    pub device: DeviceNr,
    /// Where it is mounted.
    pub point: String,
    /// The kernel's name of the file system.
    pub fs: String,
    /// What is mounted, such as `/dev/pmem0`.
    pub source: String,
    /// The options of the mount, then those of the file system that it has not too.
    pub options: Vec<String>,
}

impl Mount {
    /// All, in the order in which they were mounted.
    #[must_use]
    pub fn all(sys: &Sys) -> Vec<Self> {
        let text = sys.read("/proc/self/mountinfo").unwrap_or_default();
        text.lines().filter_map(Self::parse).collect()
    }

    /// The one that a path is on: the last of those with the longest mount point.
    #[must_use]
    pub fn of(sys: &Sys, path: &Path) -> Option<Self> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let above = Self::all(sys).into_iter().filter(|mount| path.starts_with(&mount.point));
        above.max_by_key(|mount| Path::new(&mount.point).components().count())
    }

    /// `36 35 259:0 / /mnt/pm rw,noatime shared:1 - ext4 /dev/pmem0 rw,dax=always`
    fn parse(line: &str) -> Option<Self> {
        let (mount, of_fs) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(2);
        let (major, minor) = mount.next()?.split_once(':')?;
        let device = DeviceNr { major: major.parse().ok()?, minor: minor.parse().ok()? };
        let point = unescape(mount.nth(1)?);
        let own = mount.next()?;
        let mut of_fs = of_fs.split(' ');
        let fs = of_fs.next()?.to_owned();
        let source = unescape(of_fs.next()?);
        let mut options: Vec<String> = Vec::new();
        for option in own.split(',').chain(of_fs.next().unwrap_or_default().split(',')) {
            if !option.is_empty() && !options.iter().any(|other| other == option) {
                options.push(option.to_owned());
            }
        }
        Some(Self { device, point, fs, source, options })
    }

    /// Whether its device is persistent memory.
    #[must_use]
    pub fn is_on_pmem(&self, sys: &Sys) -> bool {
        let name = block_name(sys, self.device).unwrap_or_default();
        name.starts_with("pmem") || sys.region(DeviceKind::Block, self.device).is_some()
    }

    /// What the option `dax` says: `always`, `inode`, `never`, or nothing. Without a value it is `always`.
    #[must_use]
    pub fn dax(&self) -> Option<&str> {
        self.options.iter().find_map(|option| match option.as_str() {
            "dax" => Some("always"),
            option => option.strip_prefix("dax="),
        })
    }
}

/// White space and backslashes are three octal digits there.
fn unescape(text: &str) -> String {
    let codes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    codes.iter().fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}
