//! Which persistent memory is here, how a path would be mapped, and *why not* better.
//!
//! What the kernel tells in files is read through [`Sys`], which a test points at a made-up tree; what
//! only a system call tells is gathered by [`Probe::of`]. [`why`](PathReport::why) is made of the two.

mod machine;
mod mounts;
mod probe;
mod why;

pub use machine::{Cpu, Kernel, Namespace, Region};
pub use mounts::Mount;
pub use probe::{Kind, Probe};

use crate::pmem::{best_flush, is_memory_only};
use crate::sys::{DeviceNr, Sys};
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Whether there is persistent memory that is no emulation.
    pub real_pmem: bool,
    /// Why so, a sentence each.
    pub reasons: Vec<String>,
    /// The kernel.
    pub kernel: Kernel,
    /// The flush instructions.
    pub cpu: Cpu,
    /// What survives a power cut by itself in the first region that says it.
    pub persistence_domain: Option<String>,
    /// The regions of persistent memory.
    pub regions: Vec<Region>,
    /// The namespaces that they are divided into.
    pub namespaces: Vec<Namespace>,
    /// `/dev/pmem…` and `/dev/dax…`.
    pub devices: Vec<String>,
    /// The paths that were asked for.
    pub paths: Vec<PathReport>,
}

/// What was found at one path.
#[derive(Clone, Debug, Serialize)]
pub struct PathReport {
    /// The path.
    pub path: PathBuf,
    /// The file system, `devdax` or `block device`.
    pub fs: String,
    /// The device that it lies on, as the mount names it.
    pub device: Option<String>,
    /// Where that is mounted.
    pub mount_point: Option<String>,
    /// The options of the mount and of its file system.
    pub mount_options: Vec<String>,
    /// `STATX_ATTR_DAX`; nothing where the kernel does not say.
    pub dax: Option<bool>,
    /// Whether `MAP_SYNC` was granted.
    pub map_sync: bool,
    /// What the kernel said instead.
    pub errno: Option<String>,
    /// How daxscope maps it: what a fence makes durable; `unknown` where it could not be tried.
    pub would_map: &'static str,
    /// The instruction for write-backs there.
    pub flush: &'static str,
    /// Why it is so, and what can be done.
    pub why: String,
}

/// Looks at the machine, and at these paths; without any, at `/dev/shm`, the working directory and every
/// file system on a pmem device.
///
/// # Errors
/// The first path that does not exist or cannot be looked at.
pub fn examine(sys: &Sys, paths: &[PathBuf]) -> io::Result<Report> {
    let named = |path: &Path, why: io::Error| {
        io::Error::new(why.kind(), format!("{}: {why}", path.display()))
    };
    let paths = if paths.is_empty() { default_paths(sys) } else { paths.to_vec() };
    let probes = paths.iter().map(|path| Probe::of(path).map_err(|why| named(path, why)));
    let probes = probes.collect::<io::Result<Vec<_>>>()?;
    Ok(report(sys, &probes))
}

fn default_paths(sys: &Sys) -> Vec<PathBuf> {
    let shm = Path::new("/dev/shm");
    let mut paths: Vec<_> = shm.is_dir().then(|| shm.to_owned()).into_iter().collect();
    paths.extend(std::env::current_dir());
    let on_pmem = Mount::all(sys).into_iter().filter(|mount| mount.is_on_pmem(sys));
    paths.extend(on_pmem.map(|mount| PathBuf::from(mount.point)));
    paths.dedup();
    paths
}

/// What the files of the kernel say, and what they say of paths that were probed.
#[must_use]
pub fn report(sys: &Sys, probes: &[Probe]) -> Report {
    let (regions, namespaces) = (Region::all(sys), Namespace::all(sys));
    let cpu = Cpu::this();
    let (real_pmem, reasons) = machine::is_real(sys, &regions);
    Report {
        real_pmem,
        reasons,
        kernel: Kernel::of(sys),
        cpu,
        persistence_domain: regions.iter().find_map(|region| region.persistence_domain.clone()),
        regions,
        namespaces,
        devices: machine::device_files(sys),
        paths: probes.iter().map(|probe| PathReport::of(sys, probe)).collect(),
    }
}

impl PathReport {
    fn of(sys: &Sys, probe: &Probe) -> Self {
        let mount = Mount::of(sys, &probe.path).filter(|_| probe.kind != Kind::Device);
        let region = sys.region(probe.device.0, probe.device.1);
        let domain = region.and_then(|region| Sys::persistence_domain(&region));
        let flush = best_flush(domain.as_deref()).name();
        let would_map = match &probe.map_sync {
            Ok(()) => "DAX, MAP_SYNC",
            Err(errno) if !why::is_refusal(errno) => "unknown",
            Err(_) if is_memory_only(&probe.fs) => "DRAM-backed",
            Err(_) => "file, msync",
        };
        Self {
            path: probe.path.clone(),
            fs: probe.fs.clone(),
            device: mount.as_ref().map(|mount| mount.source.clone()),
            mount_point: mount.as_ref().map(|mount| mount.point.clone()),
            mount_options: mount.as_ref().map(|mount| mount.options.clone()).unwrap_or_default(),
            dax: probe.dax,
            map_sync: probe.map_sync.is_ok(),
            errno: probe.map_sync.as_ref().err().map(ToString::to_string),
            would_map,
            flush,
            why: why::why(sys, probe, mount.as_ref(), domain.as_deref()),
        }
    }
}

/// A device's name in `/sys/dev/block`, such as `pmem0`.
fn block_name(sys: &Sys, nr: DeviceNr) -> Option<String> {
    let folder = sys.device(crate::sys::DeviceKind::Block, nr)?;
    Some(folder.file_name()?.to_str()?.to_owned())
}
