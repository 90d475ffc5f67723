//! Why a path is mapped as it is, in words that somebody can act on.

use super::block_name;
use super::machine::{Namespace, is_virtio};
use super::mounts::Mount;
use super::probe::{Kind, Probe};
use crate::pmem::is_memory_only;
use crate::sys::{DeviceKind, Sys};
use std::io;
use std::path::Path;

/// Why `MAP_SYNC` was granted or not, and what to do about it.
pub(super) fn why(sys: &Sys, probe: &Probe, mount: Option<&Mount>, domain: Option<&str>) -> String {
    let errno = match &probe.map_sync {
        Ok(()) => return granted(domain),
        Err(errno) => errno,
    };
    if !is_refusal(errno) {
        return format!("it could not be tried: {errno}");
    }
    if is_memory_only(&probe.fs) {
        let fs = &probe.fs;
        return format!(
            "{fs} is in ordinary memory: the same instructions, and all is lost with the power"
        );
    }
    if errno.kind() == io::ErrorKind::InvalidInput && probe.fs != "devdax" {
        return "the kernel is older than 4.15 and knows no MAP_SYNC".to_owned();
    }
    let device = sys.device(probe.device.0, probe.device.1);
    let region = sys.region(probe.device.0, probe.device.1);
    if let (Some(device), Some(_)) = (&device, &region) {
        return on_pmem(sys, probe, mount, device, errno);
    }
    no_pmem(sys, probe, device.as_deref())
}

fn granted(domain: Option<&str>) -> String {
    match domain {
        Some("cpu_cache") => {
            "MAP_SYNC is granted, and the caches survive a power cut (eADR): a store is durable as soon as it is visible, only fences are needed".to_owned()
        }
        Some(_) => "MAP_SYNC is granted: a write-back and a fence make a store durable".to_owned(),
        None => "MAP_SYNC is granted: a write-back and a fence make a store durable, unless this memory is emulated (the region does not say what its persistence domain is)".to_owned(),
    }
}

/// Whether the kernel's answer is about `MAP_SYNC`: "not supported" or, from an old one, "invalid".
pub(super) fn is_refusal(errno: &io::Error) -> bool {
    matches!(errno.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

/// The device is persistent memory, and yet.
fn on_pmem(
    sys: &Sys,
    probe: &Probe,
    mount: Option<&Mount>,
    device: &Path,
    errno: &io::Error,
) -> String {
    if is_virtio(device) {
        return "virtio-pmem: MAP_SYNC is refused because the host must flush its own file; use msync or fsync".to_owned();
    }
    let namespace = Namespace::of_device(sys, device);
    let name = namespace.as_ref().map_or("namespaceX.Y", |namespace| &namespace.name);
    let mode = namespace.as_ref().map_or("unknown", |namespace| &namespace.mode);
    let remedy = format!("ndctl create-namespace -f -e {name} -m fsdax (what it holds is lost)");
    match mode {
        "raw" => return format!("the namespace is raw, its blocks have no DAX: {remedy}"),
        "sector" => {
            return format!(
                "the namespace is in sector mode (BTT), its blocks have no DAX: {remedy}"
            );
        }
        _ => {}
    }
    match probe.kind {
        Kind::Device if probe.fs == "devdax" => {
            format!("a DAX device that cannot be mapped so: {errno}")
        }
        Kind::Device => "a block device is mapped through the page cache: put ext4 or xfs on it and mount with -o dax=always, or make it a DAX device (ndctl create-namespace -m devdax)".to_owned(),
        Kind::File => on_fsdax(probe, mount, errno),
    }
}

/// A file system on a device that can do DAX.
fn on_fsdax(probe: &Probe, mount: Option<&Mount>, errno: &io::Error) -> String {
    let source = mount.map_or("the device", |mount| &mount.source);
    if !matches!(probe.fs.as_str(), "ext4" | "xfs") {
        return format!("{} has no DAX: ext4 and xfs have", probe.fs);
    }
    if probe.dax == Some(true) {
        return format!(
            "the file is accessed by DAX, but {source} is not synchronous: {errno}; use msync or fsync"
        );
    }
    match mount.and_then(Mount::dax) {
        Some("never") if probe.fs == "xfs" => format!("mounted with dax=never: mount {source} with -o dax=always; if it was, XFS has found that it cannot and has mounted all the same, dmesg says why"),
        Some("never") => format!("mounted with dax=never: mount {source} with -o dax=always"),
        Some("inode") => "mounted with dax=inode, and this file does not ask for DAX: xfs_io -c 'chattr +x' on the folder before the file is made, or mount with -o dax=always".to_owned(),
        Some(_) if probe.fs == "xfs" => format!("mounted with dax, but this file has none: XFS accepts -o dax=always on a device without DAX, or with blocks that are no pages, and mounts all the same; dmesg says why; is the namespace of {source} in mode fsdax?"),
        Some(_) => "mounted with dax, but this file has none: ext4 gives none to files that are encrypted, verified, inline or journalled (data=journal)".to_owned(),
        None => format!("mounted without dax: mount {source} with -o dax=always, then look at /proc/mounts: on a device without DAX, XFS accepts it, mounts all the same, and says dax=never there"),
    }
}

/// There is no persistent memory below.
fn no_pmem(sys: &Sys, probe: &Probe, device: Option<&Path>) -> String {
    let fs = &probe.fs;
    let msync = "a fence here is an msync";
    if let Some(device) = device {
        let name = block_name(sys, probe.device.1).unwrap_or_default();
        if probe.device.0 == DeviceKind::Block && device.join("dm").is_dir() {
            return format!(
                "{name} is a device-mapper device: DAX needs every target of it (linear, striped) on persistent memory in mode fsdax; {msync}"
            );
        }
        return format!("{name} is a disk, no persistent memory; {msync}");
    }
    match fs.as_str() {
        "ext4" | "xfs" => format!("{fs} on a device that is no persistent memory; {msync}"),
        "overlayfs" => format!(
            "overlayfs passes no DAX on: name a folder of the file system below it; {msync}"
        ),
        _ => format!("{fs} has no DAX: ext4 and xfs on persistent memory have; {msync}"),
    }
}
