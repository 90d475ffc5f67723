//! What only system calls tell of a path.

use crate::pmem::{file_system_name, grants_map_sync};
use crate::sys::{DeviceKind, DeviceNr, Sys, read};
use rustix::fs::{AtFlags, StatxAttributes, StatxFlags};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Bytes that are mapped to see whether they can be.
const PAGE: usize = 4096;

/// What is at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A file or a folder of a file system.
    File,
    /// A device.
    Device,
}

/// What only system calls tell of a path.
#[derive(Debug)]
pub struct Probe {
    /// The path.
    pub path: PathBuf,
    /// What is there.
    pub kind: Kind,
    /// The file system's name, `devdax` or `block device`.
    pub fs: String,
    /// The device that it is or lies on.
    pub device: (DeviceKind, DeviceNr),
    /// `STATX_ATTR_DAX`, if the kernel knows it.
    pub dax: Option<bool>,
    /// Whether `MAP_SYNC` was granted, or what the kernel said.
    pub map_sync: io::Result<()>,
}

impl Probe {
    /// Looks at a path. In a folder it makes a file and removes it; a file it opens for reading.
    ///
    /// # Errors
    /// If there is nothing, or it cannot be opened.
    pub fn of(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        let kind = found.file_type();
        if kind.is_char_device() {
            return Self::of_dax_device(path, DeviceNr::new(found.rdev()));
        }
        if !kind.is_dir() && !kind.is_file() && !kind.is_block_device() {
            return Err(io::Error::other(
                "neither a file, a folder nor a device that can be mapped",
            ));
        }
        let device = if kind.is_block_device() { found.rdev() } else { found.dev() };
        let mut probe = Self {
            path: path.to_owned(),
            kind: if kind.is_block_device() { Kind::Device } else { Kind::File },
            fs: "block device".to_owned(),
            device: (DeviceKind::Block, DeviceNr::new(device)),
            dax: None,
            map_sync: Ok(()),
        };
        if !kind.is_block_device() {
            probe.fs = file_system_name(rustix::fs::statfs(path)?.f_type as u64);
        }
        if !kind.is_dir() {
            probe.look_at(&File::open(path)?);
            return Ok(probe);
        }
        match temporary_file(path) {
            Ok(file) => probe.look_at(&file),
            Err(why) => probe.map_sync = Err(why),
        }
        Ok(probe)
    }

    fn look_at(&mut self, file: &File) {
        self.map_sync = grants_map_sync(file, PAGE);
        let found = rustix::fs::statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::empty());
        let known = found.ok().filter(|f| f.stx_attributes_mask.contains(StatxAttributes::DAX));
        self.dax = known.map(|found| found.stx_attributes.contains(StatxAttributes::DAX));
    }

    fn of_dax_device(path: &Path, nr: DeviceNr) -> io::Result<Self> {
        let device = (DeviceKind::Char, nr);
        let folder = Sys::host().device(device.0, device.1);
        let number = |name| folder.as_ref().and_then(|f| read(&f.join(name))?.parse().ok());
        let size: Option<usize> = number("size");
        if size.is_none() {
            return Err(io::Error::other("is a character device, but no /dev/dax"));
        }
        let map_sync = grants_map_sync(&File::open(path)?, number("align").unwrap_or(2 << 20));
        let fs = "devdax".to_owned();
        Ok(Self {
            path: path.to_owned(),
            kind: Kind::Device,
            fs,
            device,
            dax: Some(true),
            map_sync,
        })
    }
}

/// A file of a page that nobody sees for long.
fn temporary_file(folder: &Path) -> io::Result<File> {
    let path = folder.join(format!(".daxscope-doctor-{}", std::process::id()));
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    fs::remove_file(&path)?;
    file.set_len(PAGE as u64)?;
    Ok(file)
}
