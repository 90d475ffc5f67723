//! What is here whatever the path: kernel, CPU, regions, namespaces.

use crate::pmem::{FlushInstruction, best_flush, has_flush};
use crate::sys::{Sys, is_region, read};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The options of the kernel that DAX depends on.
const CONFIG: [&str; 7] = [
    "CONFIG_LIBNVDIMM",
    "CONFIG_BLK_DEV_PMEM",
    "CONFIG_NVDIMM_PFN",
    "CONFIG_NVDIMM_DAX",
    "CONFIG_VIRTIO_PMEM",
    "CONFIG_DEV_DAX",
    "CONFIG_FS_DAX",
];

/// The kernel.
#[derive(Clone, Debug, Serialize)]
pub struct Kernel {
    /// Its release, as `uname -r`.
    pub release: String,
    /// Its options that matter, `y`, `m` or `n`; empty where its configuration cannot be read.
    pub config: BTreeMap<&'static str, String>,
}

impl Kernel {
    pub(super) fn of(sys: &Sys) -> Self {
        let release = sys.read("/proc/sys/kernel/osrelease").unwrap_or_else(|| "unknown".into());
        let places = [format!("/boot/config-{release}"), format!("/lib/modules/{release}/config")];
        let text = places.iter().find_map(|place| sys.read(place));
        let value = |text: &str, option: &str| {
            let of = |line: &str| Some(line.strip_prefix(option)?.strip_prefix('=')?.to_owned());
            text.lines().find_map(of).unwrap_or_else(|| "n".into())
        };
        let config =
            text.iter().flat_map(|text| CONFIG.map(|option| (option, value(text, option))));
        Self { release, config: config.collect() }
    }
}

/// The flush instructions of the CPU.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cpu {
    /// Whether it has clwb.
    pub clwb: bool,
    /// Whether it has clflushopt.
    pub clflushopt: bool,
    /// The best that it has.
    pub flush: &'static str,
}

impl Cpu {
    pub(super) fn this() -> Self {
        Self {
            clwb: has_flush(FlushInstruction::Clwb),
            clflushopt: has_flush(FlushInstruction::Clflushopt),
            flush: best_flush(None).name(),
        }
    }
}

/// A region of persistent memory.
#[derive(Clone, Debug, Serialize)]
pub struct Region {
    /// Such as `region0`.
    pub name: String,
    /// Its size in bytes, if the kernel says it.
    pub size: Option<u64>,
    /// Who provides its bus, such as `ACPI.NFIT`, or `e820` for ordinary memory by `memmap=`.
    pub provider: Option<String>,
    /// What survives a power cut by itself.
    pub persistence_domain: Option<String>,
    /// A hypervisor flushes it on demand: virtio-pmem.
    pub is_virtio: bool,
}

impl Region {
    /// All of them.
    pub(super) fn all(sys: &Sys) -> Vec<Self> {
        let regions = nd_devices(sys).into_iter().filter(|folder| is_region(folder));
        regions.map(|folder| Self::of(&folder)).collect()
    }

    fn of(folder: &Path) -> Self {
        Self {
            name: name(folder),
            size: read(&folder.join("size")).and_then(|size| size.parse().ok()),
            provider: folder.parent().and_then(|bus| read(&bus.join("provider"))),
            persistence_domain: Sys::persistence_domain(folder),
            is_virtio: is_virtio(folder),
        }
    }
}

/// Whether a device lies behind virtio.
pub(super) fn is_virtio(folder: &Path) -> bool {
    folder.ancestors().any(|ancestor| name(ancestor).starts_with("virtio"))
}

/// A part of a region that is used in one way.
#[derive(Clone, Debug, Serialize)]
pub struct Namespace {
    /// Such as `namespace0.0`.
    pub name: String,
    /// In the words of ndctl: `raw`, `sector`, `fsdax` or `devdax`.
    pub mode: String,
    /// Its size in bytes, if the kernel says it.
    pub size: Option<u64>,
}

impl Namespace {
    /// All that have a size or say none.
    pub(super) fn all(sys: &Sys) -> Vec<Self> {
        let folders = nd_devices(sys).into_iter();
        let all = folders.filter(|folder| name(folder).starts_with("namespace"));
        all.map(|folder| Self::of(&folder)).filter(|namespace| namespace.size != Some(0)).collect()
    }

    fn of(folder: &Path) -> Self {
        Self {
            name: name(folder),
            mode: mode(folder),
            size: read(&folder.join("size")).and_then(|size| size.parse().ok()),
        }
    }

    /// The one that a block or character device is made of: it is the device's ancestor, or is named by
    /// the `pfn`, `btt` or `dax` that is.
    pub(super) fn of_device(sys: &Sys, device: &Path) -> Option<Self> {
        for ancestor in device.ancestors() {
            if name(ancestor).starts_with("namespace") {
                return Some(Self::of(ancestor));
            }
            if let Some(claimed) = read(&ancestor.join("namespace")) {
                let folder = sys.path(&format!("/sys/bus/nd/devices/{claimed}"));
                return Some(Self::of(&fs::canonicalize(folder).ok()?));
            }
        }
        None
    }
}

/// The kernel's word for a mode in that of ndctl. Models: `drivers/nvdimm/namespace_devs.c mode_show`.
fn mode(namespace: &Path) -> String {
    let mode = read(&namespace.join("mode"));
    match mode.as_deref() {
        Some("memory") => "fsdax".into(),
        Some("dax") => "devdax".into(),
        Some("safe") => "sector".into(),
        Some(other) => other.into(),
        None => "unknown".into(),
    }
}

/// The devices of the bus of persistent memory, by name.
fn nd_devices(sys: &Sys) -> Vec<PathBuf> {
    let links = fs::read_dir(sys.path("/sys/bus/nd/devices")).into_iter().flatten().flatten();
    let mut folders: Vec<_> = links.filter_map(|link| fs::canonicalize(link.path()).ok()).collect();
    folders.sort();
    folders
}

/// `/dev/pmem…` and `/dev/dax…`.
pub(super) fn device_files(sys: &Sys) -> Vec<String> {
    let names = fs::read_dir(sys.path("/dev")).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let ours = names.filter(|name| name.starts_with("pmem") || name.starts_with("dax"));
    let mut files: Vec<_> = ours.map(|name| format!("/dev/{name}")).collect();
    files.sort();
    files
}

/// Whether there is persistent memory that is no emulation, and why.
pub(super) fn is_real(sys: &Sys, regions: &[Region]) -> (bool, Vec<String>) {
    if regions.is_empty() {
        let mut reasons =
            vec!["no region of persistent memory: /sys/bus/nd/devices has none".into()];
        if !sys.path("/sys/bus/nd").exists() {
            reasons.push("the driver libnvdimm is not loaded: modprobe nd_pmem".into());
        }
        return (false, reasons);
    }
    let cpuinfo = sys.read("/proc/cpuinfo").unwrap_or_default();
    let flags = cpuinfo.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    let is_guest = flags.split_whitespace().any(|flag| flag == "hypervisor");
    let mut real = false;
    let mut reasons = Vec::new();
    for Region { name, provider, is_virtio, .. } in regions {
        reasons.push(match provider.as_deref() {
            _ if *is_virtio => format!("{name} is virtio-pmem: a file of the host"),
            Some("e820") => format!("{name} is ordinary memory (memmap= on the command line)"),
            Some(test) if test.starts_with("nfit_test") => format!("{name} is the kernel's test"),
            _ if is_guest => format!("{name} is what a hypervisor says is persistent"),
            _ => {
                real = true;
                format!("{name} is persistent memory, as the firmware says")
            }
        });
    }
    (real, reasons)
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
