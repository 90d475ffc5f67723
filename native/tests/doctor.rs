//! What `doctor` says of made-up machines: each *why* has one.
#![cfg(target_os = "linux")]

use daxscope_native::doctor::{Kind, Probe, Report, report};
use daxscope_native::sys::{DeviceKind, DeviceNr, Sys};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

const BUS: &str = "sys/devices/LNXSYSTM:00/ACPI0012:00/ndbus0";
const PMEM: DeviceNr = DeviceNr { major: 259, minor: 0 };
const DISK: DeviceNr = DeviceNr { major: 254, minor: 1 };
const EOPNOTSUPP: i32 = 95;
const EINVAL: i32 = 22;
const EACCES: i32 = 13;

/// A tree of `/sys` and `/proc`, removed at the end.
struct Tree(PathBuf);

impl Drop for Tree {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

impl Tree {
    /// With nothing but a kernel.
    fn new(name: &str) -> Self {
        let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("doctor-{name}"));
        fs::remove_dir_all(&root).ok();
        let tree = Self(root);
        tree.file("proc/sys/kernel/osrelease", "6.12.9");
        tree.file("proc/cpuinfo", "processor : 0\nflags : fpu clwb");
        tree
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    }

    fn link(&self, link: &str, to: &str) {
        let link = self.0.join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        fs::create_dir_all(self.0.join(to)).unwrap();
        symlink(self.0.join(to), link).unwrap();
    }

    /// A region with a namespace in a mode, in the words of `/sys`, and its block device.
    fn pmem(name: &str, bus: &str, mode: &str, domain: Option<&str>) -> Self {
        let tree = Self::new(name);
        tree.file(&format!("{bus}/provider"), "ACPI.NFIT");
        tree.file(&format!("{bus}/region0/size"), "402653184");
        if let Some(domain) = domain {
            tree.file(&format!("{bus}/region0/persistence_domain"), domain);
        }
        tree.file(&format!("{bus}/region0/namespace0.0/mode"), mode);
        tree.file(&format!("{bus}/region0/namespace0.0/size"), "402653184");
        tree.link("sys/bus/nd/devices/region0", &format!("{bus}/region0"));
        tree.link("sys/bus/nd/devices/namespace0.0", &format!("{bus}/region0/namespace0.0"));
        // A namespace in mode fsdax is claimed by a pfn device, which names it.
        let owner = if mode == "memory" { "pfn0.0" } else { "namespace0.0" };
        if owner == "pfn0.0" {
            tree.file(&format!("{bus}/region0/pfn0.0/namespace"), "namespace0.0");
        }
        tree.link("sys/dev/block/259:0", &format!("{bus}/region0/{owner}/block/pmem0"));
        tree.file("dev/pmem0", "");
        tree
    }

    fn mount(self, fs: &str, options: &str) -> Self {
        let line = format!(
            "30 1 259:0 / /mnt/my\\040pm rw,noatime shared:1 - {fs} /dev/pmem0 rw,{options}"
        );
        self.file("proc/self/mountinfo", &format!("29 1 254:1 / / rw - ext4 /dev/vda1 rw\n{line}"));
        self
    }

    fn report(&self, probe: Probe) -> Report {
        report(&Sys::at(&self.0), &[probe])
    }

    /// Why, with a file on the pmem device for which the kernel refuses `MAP_SYNC`.
    fn why_not(&self, fs: &str, dax: bool) -> String {
        let report = self.report(refused("/mnt/my pm/file", fs, PMEM, Some(dax)));
        assert_eq!((report.paths[0].map_sync, report.paths[0].would_map), (false, "file, msync"));
        report.paths[0].why.clone()
    }
}

fn refused(path: &str, fs: &str, nr: DeviceNr, dax: Option<bool>) -> Probe {
    Probe {
        path: path.into(),
        kind: Kind::File,
        fs: fs.into(),
        device: (DeviceKind::Block, nr),
        dax,
        map_sync: Err(io::Error::from_raw_os_error(EOPNOTSUPP)),
    }
}

fn granted() -> Probe {
    Probe { map_sync: Ok(()), ..refused("/mnt/my pm/file", "ext4", PMEM, Some(true)) }
}

/// All of the words are in the text.
fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {text}");
    }
}

#[test]
fn nothing_at_all() {
    let tree = Tree::new("nothing");
    tree.file("proc/self/mountinfo", "29 1 254:1 / / rw - ext4 /dev/vda1 rw");
    tree.link("sys/dev/block/254:1", "sys/devices/pci0/virtio0/block/vda/vda1");
    let report = tree.report(refused("/home", "ext4", DISK, Some(false)));
    assert!(!report.real_pmem && report.regions.is_empty() && report.devices.is_empty());
    says(&report.reasons.concat(), &["no region", "libnvdimm is not loaded"]);
    assert_eq!(report.persistence_domain, None);
    assert_eq!(report.kernel.release, "6.12.9");
    let path = &report.paths[0];
    says(&path.why, &["vda1 is a disk", "msync"]);
    assert_eq!(path.mount_point.as_deref(), Some("/"));
    says(path.errno.as_ref().unwrap(), &["os error 95"]);
}

#[test]
fn memory_only() {
    let tree = Tree::new("memory");
    let nr = DeviceNr { major: 0, minor: 22 };
    let report = tree.report(refused("/dev/shm", "tmpfs", nr, Some(false)));
    assert_eq!(report.paths[0].would_map, "DRAM-backed");
    says(&report.paths[0].why, &["tmpfs is in ordinary memory", "lost with the power"]);
}

#[test]
fn granted_with_caches_that_do_not_survive() {
    let domain = Some("memory_controller");
    let tree = Tree::pmem("granted", BUS, "memory", domain).mount("ext4", "dax=always");
    let report = tree.report(granted());
    assert!(report.real_pmem);
    assert_eq!(report.persistence_domain.as_deref(), domain);
    assert_eq!(
        (report.regions[0].name.as_str(), report.regions[0].size),
        ("region0", Some(402_653_184))
    );
    assert_eq!((report.namespaces.len(), report.namespaces[0].mode.as_str()), (1, "fsdax"));
    assert_eq!(report.devices, ["/dev/pmem0"]);
    let path = &report.paths[0];
    assert_eq!(
        (path.map_sync, path.would_map, path.flush),
        (true, "DAX, MAP_SYNC", report.cpu.flush)
    );
    assert_eq!(path.device.as_deref(), Some("/dev/pmem0"));
    assert_eq!(path.mount_options, ["rw", "noatime", "dax=always"]);
    says(&path.why, &["granted", "a write-back and a fence"]);
    assert!(!path.why.contains("emulated"), "{}", path.why);
}

#[test]
fn granted_with_eadr() {
    let tree = Tree::pmem("eadr", BUS, "memory", Some("cpu_cache")).mount("ext4", "dax=always");
    let report = tree.report(granted());
    assert_eq!(report.persistence_domain.as_deref(), Some("cpu_cache"));
    assert_eq!(report.paths[0].flush, "none");
    says(&report.paths[0].why, &["eADR", "only fences"]);
}

#[test]
fn granted_where_nobody_says_what_survives() {
    let tree = Tree::pmem("unknown", BUS, "memory", Some("unknown")).mount("ext4", "dax");
    let report = tree.report(granted());
    assert_eq!(report.persistence_domain, None);
    says(&report.paths[0].why, &["granted", "unless this memory is emulated"]);
}

#[test]
fn the_namespace_is_raw_or_in_sector_mode() {
    let tree = Tree::pmem("raw", BUS, "raw", None).mount("ext4", "relatime");
    says(
        &tree.why_not("ext4", false),
        &["raw", "ndctl create-namespace -f -e namespace0.0 -m fsdax"],
    );
    let tree = Tree::pmem("sector", BUS, "safe", None).mount("ext4", "relatime");
    says(&tree.why_not("ext4", false), &["sector mode", "-e namespace0.0 -m fsdax"]);
}

#[test]
fn virtio_pmem_needs_its_host() {
    let bus = "sys/devices/pci0000:00/0000:00:05.0/virtio2/ndbus0";
    let tree = Tree::pmem("virtio", bus, "memory", None).mount("ext4", "dax=always");
    says(&tree.why_not("ext4", true), &["virtio-pmem", "the host must flush", "msync"]);
    let report = tree.report(refused("/mnt/my pm", "ext4", PMEM, Some(true)));
    assert!(!report.real_pmem && report.regions[0].is_virtio);
    says(&report.reasons.concat(), &["region0 is virtio-pmem"]);
}

#[test]
fn the_mount_has_no_dax() {
    let on = |name, fs, options| Tree::pmem(name, BUS, "memory", None).mount(fs, options);
    let why = on("without", "ext4", "relatime").why_not("ext4", false);
    says(&why, &["mounted without dax", "mount /dev/pmem0 with -o dax=always"]);
    let why = on("never", "xfs", "attr2,dax=never").why_not("xfs", false);
    says(&why, &["mounted with dax=never", "-o dax=always", "if it was", "dmesg"]);
    let why = on("never-ext4", "ext4", "dax=never").why_not("ext4", false);
    assert_eq!(why, "mounted with dax=never: mount /dev/pmem0 with -o dax=always");
    let why = on("inode", "xfs", "dax=inode").why_not("xfs", false);
    says(&why, &["dax=inode", "chattr +x"]);
    let why = on("xfs", "xfs", "dax=always").why_not("xfs", false);
    says(&why, &["XFS accepts -o dax=always", "mounts all the same", "dmesg"]);
    let why = on("ext4", "ext4", "dax=always").why_not("ext4", false);
    says(&why, &["ext4 gives none to files that are encrypted", "data=journal"]);
    let why = on("async", "ext4", "dax=always").why_not("ext4", true);
    says(&why, &["accessed by DAX", "not synchronous", "os error 95"]);
    says(
        &on("btrfs", "btrfs", "rw").why_not("btrfs", false),
        &["btrfs has no DAX", "ext4 and xfs"],
    );
}

#[test]
fn what_lies_on_no_pmem() {
    let tree = Tree::new("others");
    tree.link("sys/dev/block/254:1", "sys/devices/virtual/block/dm-0");
    fs::create_dir(tree.0.join("sys/devices/virtual/block/dm-0/dm")).unwrap();
    let why = |fs: &str, nr| tree.report(refused("/x", fs, nr, None)).paths[0].why.clone();
    says(&why("ext4", DISK), &["dm-0 is a device-mapper device", "every target"]);
    let none = DeviceNr { major: 0, minor: 40 };
    says(&why("overlayfs", none), &["overlayfs passes no DAX on"]);
    says(&why("nfs", none), &["nfs has no DAX"]);
    says(&why("xfs", none), &["xfs on a device that is no persistent memory"]);
}

#[test]
fn devices() {
    let tree = Tree::pmem("devices", BUS, "memory", None);
    let device = |fs: &str, kind| Probe {
        kind: Kind::Device,
        device: (kind, PMEM),
        ..refused("/dev/pmem0", fs, PMEM, None)
    };
    let report = tree.report(device("block device", DeviceKind::Block));
    says(&report.paths[0].why, &["through the page cache", "put ext4 or xfs on it", "-m devdax"]);
    assert_eq!(report.paths[0].mount_point, None);
    tree.file(&format!("{BUS}/region0/dax0.0/namespace"), "namespace0.0");
    tree.link("sys/dev/char/259:0", &format!("{BUS}/region0/dax0.0/dax/dax0.0"));
    let report = tree.report(device("devdax", DeviceKind::Char));
    says(&report.paths[0].why, &["a DAX device that cannot be mapped so", "os error 95"]);
}

#[test]
fn other_answers_of_the_kernel() {
    let tree = Tree::new("answers");
    let why = |errno| {
        let map_sync = Err(io::Error::from_raw_os_error(errno));
        let probe = Probe { map_sync, ..refused("/x", "ext4", DISK, None) };
        let path = tree.report(probe).paths[0].clone();
        assert_eq!(path.would_map == "unknown", errno == EACCES);
        path.why
    };
    says(&why(EINVAL), &["older than 4.15"]);
    says(&why(EACCES), &["could not be tried", "os error 13"]);
}

#[test]
fn emulated_memory_is_not_real() {
    let tree = Tree::pmem("emulated", BUS, "memory", None);
    let real = || report(&Sys::at(&tree.0), &[]);
    says(&real().reasons.concat(), &["region0 is persistent memory"]);
    tree.file("proc/cpuinfo", "flags : fpu hypervisor clwb");
    assert!(!real().real_pmem);
    says(&real().reasons.concat(), &["region0 is what a hypervisor says"]);
    tree.file(&format!("{BUS}/provider"), "e820");
    says(&real().reasons.concat(), &["region0 is ordinary memory (memmap="]);
    tree.file(&format!("{BUS}/provider"), "nfit_test.0");
    says(&real().reasons.concat(), &["region0 is the kernel's test"]);
}

#[test]
fn the_configuration_of_the_kernel_is_read_where_it_can_be() {
    let tree = Tree::new("config");
    assert!(report(&Sys::at(&tree.0), &[]).kernel.config.is_empty());
    tree.file(
        "boot/config-6.12.9",
        "CONFIG_FS_DAX=y\nCONFIG_DEV_DAX=m\n# CONFIG_VIRTIO_PMEM is not set",
    );
    let config = report(&Sys::at(&tree.0), &[]).kernel.config;
    assert_eq!((config["CONFIG_FS_DAX"].as_str(), config["CONFIG_DEV_DAX"].as_str()), ("y", "m"));
    assert_eq!(config["CONFIG_VIRTIO_PMEM"], "n");
}

#[test]
fn a_folder_a_file_and_a_device_of_this_machine_are_probed_and_left_as_they_were() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("doctor-probe");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("file");
    fs::write(&file, "as it was").unwrap();
    for path in [&folder, &file] {
        let probe = Probe::of(path).unwrap();
        assert_eq!(probe.kind, Kind::File);
        assert!(!probe.fs.is_empty());
    }
    assert_eq!(fs::read(&file).unwrap(), b"as it was");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left behind");
    assert!(Probe::of(Path::new("/does/not/exist")).is_err());
    let why = Probe::of(Path::new("/dev/null")).unwrap_err();
    says(&why.to_string(), &["no /dev/dax"]);
}
