//! From a path to a medium, step by step: the best mapping that the kernel grants.

use super::granted::is_memory_only;
use super::raw::{Flush, How, Region, WRITES_BACK};
use super::{
    Counts, FlushInstruction, Granted, MapError, Mapping, NT_THRESHOLD, NoMapSync, Persists,
    RealMedium, file_system_name,
};
use crate::sys::{DeviceKind, DeviceNr, Sys, read};
use rustix::fs::{FallocateFlags, FlockOperation};
use rustix::io::Errno;
use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// The length of a medium is a multiple of this many bytes, a page of most MMUs and of none less.
const PAGE: u64 = 4096;

/// Which mapping the caller wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// `MAP_SYNC` if it is granted, else the next best.
    TryMapSync,
    /// No `MAP_SYNC`, even where it could be had.
    Plain,
    /// `MAP_SYNC` or an error.
    DemandMapSync,
}

/// How to map.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of the medium, a multiple of a page; 0 is the whole length of what is there.
    pub len: u64,
    /// Which mapping.
    pub sync: Wanted,
    /// The instruction for write-backs; `None` is the best of this CPU and region.
    pub flush: Option<FlushInstruction>,
    /// From how many bytes on stores go around the cache; `None` is [`NT_THRESHOLD`].
    pub nt_threshold: Option<usize>,
}

impl Options {
    /// The best that can be had, of this length.
    #[must_use]
    pub const fn new(len: u64) -> Self {
        Self { len, sync: Wanted::TryMapSync, flush: None, nt_threshold: None }
    }
}

/// Whether this CPU has the instruction.
#[must_use]
pub fn has_flush(instruction: FlushInstruction) -> bool {
    Flush::of(instruction).is_some()
}

/// The best flush instruction of this CPU; none where the caches survive a power cut.
#[must_use]
pub fn best_flush(persistence_domain: Option<&str>) -> FlushInstruction {
    if persistence_domain == Some("cpu_cache") {
        return FlushInstruction::None;
    }
    let best = FlushInstruction::ALL.into_iter().find(|flush| has_flush(*flush));
    best.expect("every CPU can do without")
}

/// Whether the kernel grants `MAP_SYNC` for the start of a file that is open at least for reading; `bytes`
/// is a multiple of what may be mapped there. Nothing of the file is touched.
///
/// # Errors
/// What the kernel says.
pub fn grants_map_sync(file: &File, bytes: usize) -> io::Result<()> {
    Ok(Region::grants_map_sync(file, bytes)?)
}

/// What is at a path.
struct Target {
    file: File,
    kind: Kind,
    /// The device that it is or lies on.
    device: (DeviceKind, DeviceNr),
    /// Its length in bytes.
    len: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    BlockDevice,
    Dax,
}

impl<const COUNTED: bool> RealMedium<COUNTED> {
    /// Maps a file that is made if it is not there, with the length of the options. Its space is
    /// reserved, and it is durable that the file is there and how long it is.
    ///
    /// A device can be named too: its length must do.
    ///
    /// # Errors
    /// What the kernel refused, or that another process has the file mapped.
    pub fn create(path: &Path, options: &Options) -> Result<Self, MapError> {
        check_len(path, options.len)?;
        let error = |tried: &str| MapError::new(path, tried);
        let mut new = OpenOptions::new();
        let file = new.read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|why| error("cannot be opened or made").because(why))?;
        let mut target = Target::of(path, file)?;
        if target.kind == Kind::File {
            let file = &target.file;
            file.set_len(options.len).map_err(|why| error("cannot be resized").because(why))?;
            match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, options.len) {
                Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
                Err(why) => return Err(error("has no space").because(why)),
            }
            file.sync_all().map_err(|why| error("cannot be synced").because(why))?;
            target.len = options.len;
        }
        Self::map(path, target, options)
    }

    /// Maps a file or device that is there.
    ///
    /// # Errors
    /// What the kernel refused, that another process has it mapped, or that it is shorter than asked.
    pub fn open(path: &Path, options: &Options) -> Result<Self, MapError> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(|why| MapError::new(path, "cannot be opened").because(why))?;
        let target = Target::of(path, file)?;
        let len = if options.len == 0 { target.len } else { options.len };
        check_len(path, len)?;
        Self::map(path, target, &Options { len, ..*options })
    }

    /// Memory of this process alone, all zeros.
    ///
    /// # Errors
    /// If there is no such memory, or the length is no multiple of a page.
    pub fn anonymous(len: u64) -> Result<Self, MapError> {
        check_len(Path::new(""), len)?;
        let region = Region::anonymous(len as usize);
        let region =
            region.map_err(|why| MapError::new("", "anonymous memory was refused").because(why))?;
        let granted = Granted {
            mapping: Mapping::Anonymous,
            persists: Persists::DramBacked,
            flush: best_flush(None),
            persistence_domain: None,
            file_system: "anonymous".to_owned(),
        };
        Self::of(Path::new(""), region, granted, &Options::new(len))
    }

    fn map(path: &Path, target: Target, options: &Options) -> Result<Self, MapError> {
        let Target { file, kind, device, len } = target;
        if options.len > len {
            let tried = format!("has {len} bytes, expected {} or more", options.len);
            return Err(MapError::new(path, tried));
        }
        lock(path, &file)?;
        let file_system = match kind {
            Kind::Dax => "devdax".to_owned(),
            Kind::BlockDevice => "block device".to_owned(),
            Kind::File => file_system_of(path, &file)?,
        };
        // A DAX device is mapped whole: it wants multiples of its own alignment.
        let bytes = if kind == Kind::Dax { len } else { options.len };
        let (region, mapping) = region(path, file, bytes as usize, options.sync)?;
        let domain = Sys::host().region(device.0, device.1);
        let domain = domain.and_then(|region| Sys::persistence_domain(&region));
        let persists = match mapping {
            Mapping::MapSync if WRITES_BACK => Persists::DaxMapSync,
            _ if is_memory_only(&file_system) => Persists::DramBacked,
            _ => Persists::FileMsync,
        };
        let flush = options.flush.unwrap_or_else(|| best_flush(domain.as_deref()));
        let granted = Granted { mapping, persists, flush, persistence_domain: domain, file_system };
        Self::of(path, region, granted, options)
    }

    fn of(
        path: &Path,
        region: Region,
        granted: Granted,
        options: &Options,
    ) -> Result<Self, MapError> {
        let Some(flush) = Flush::of(granted.flush) else {
            return Err(MapError::new(path, format!("this CPU has no {}", granted.flush)));
        };
        Ok(Self {
            words: options.len / size_of::<u64>() as u64,
            region,
            flush,
            nt_threshold: options.nt_threshold.unwrap_or(NT_THRESHOLD),
            granted,
            to_sync: None,
            counts: Cell::new(Counts::default()),
        })
    }
}

impl Target {
    fn of(path: &Path, mut file: File) -> Result<Self, MapError> {
        let error = |tried: &str| MapError::new(path, tried);
        let found = file.metadata().map_err(|why| error("cannot be examined").because(why))?;
        let kind = if found.file_type().is_char_device() {
            Kind::Dax
        } else if found.file_type().is_block_device() {
            Kind::BlockDevice
        } else if found.is_file() {
            Kind::File
        } else {
            return Err(error("is neither a file nor a device"));
        };
        let device = match kind {
            Kind::Dax => (DeviceKind::Char, DeviceNr::new(found.rdev())),
            Kind::BlockDevice => (DeviceKind::Block, DeviceNr::new(found.rdev())),
            Kind::File => (DeviceKind::Block, DeviceNr::new(found.dev())),
        };
        let len = if kind == Kind::Dax {
            let folder = Sys::host().device(device.0, device.1);
            let size = folder.and_then(|folder| read(&folder.join("size"))?.parse().ok());
            size.ok_or_else(|| error("is no DAX device: it has no size in /sys/dev/char"))?
        } else {
            let end = file.seek(SeekFrom::End(0));
            end.map_err(|why| error("has no length").because(why))?
        };
        Ok(Self { file, kind, device, len })
    }
}

/// Keeps other users of this program out; a file system without locks lets everybody in.
fn lock(path: &Path, file: &File) -> Result<(), MapError> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Err(MapError::new(path, "is in use, by another daxscope?")),
        _ => Ok(()),
    }
}

fn file_system_of(path: &Path, file: &File) -> Result<String, MapError> {
    let found = rustix::fs::fstatfs(file);
    let found = found.map_err(|why| MapError::new(path, "has no file system").because(why))?;
    Ok(file_system_name(found.f_type as u64))
}

/// The best mapping that is wanted and granted.
fn region(
    path: &Path,
    file: File,
    bytes: usize,
    wanted: Wanted,
) -> Result<(Region, Mapping), MapError> {
    let (file, why) = match wanted {
        Wanted::Plain => (file, NoMapSync::NotAsked),
        Wanted::TryMapSync | Wanted::DemandMapSync => {
            match Region::map(file, bytes, How::MapSync) {
                Ok(region) => return Ok((region, Mapping::MapSync)),
                Err((_, why)) if wanted == Wanted::DemandMapSync => {
                    let tried = "cannot be mapped with MAP_SYNC, see `daxscope doctor`";
                    return Err(MapError::new(path, tried).because(why));
                }
                Err((file, why)) => (file, NoMapSync::Refused(why.into())),
            }
        }
    };
    match Region::map(file, bytes, How::Shared) {
        Ok(region) => Ok((region, Mapping::Shared { why })),
        Err((_, why)) => Err(MapError::new(path, "cannot be mapped").because(why)),
    }
}

fn check_len(path: &Path, len: u64) -> Result<(), MapError> {
    if len == 0 || !len.is_multiple_of(PAGE) || usize::try_from(len).is_err() {
        let tried = format!("a length of {len} bytes, expected a multiple of {PAGE}");
        return Err(MapError::new(path, tried));
    }
    Ok(())
}
