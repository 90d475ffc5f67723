//! What `daxscope doctor` must say in each situation that the guest can be put into.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::verdict::{Fault, Verdict, expect};

/// A situation, and what a doctor must find in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Situation {
    /// Names the task and its file.
    pub(crate) name: &'static str,
    /// In words, for the table.
    pub(crate) words: &'static str,
    /// Whether STATX_ATTR_DAX must be set.
    dax: bool,
    /// Whether MAP_SYNC must be granted.
    map_sync: bool,
    /// What its reason must name.
    why: &'static str,
}

/// Mounted with DAX on an NVDIMM: everything is granted.
pub(crate) const DAX: Situation = Situation {
    name: "dax",
    words: "NVDIMM, dax=always",
    dax: true,
    map_sync: true,
    why: "granted",
};

/// The namespace is raw; XFS has been mounted with `dax=always` all the same, and ext4 without.
pub(crate) const RAW: Situation =
    Situation { name: "raw", words: "raw namespace", dax: false, map_sync: false, why: "is raw" };

/// The device has DAX, and the mount does not use it.
pub(crate) const NOT_MOUNTED_SO: Situation = Situation {
    name: "never",
    words: "dax=never",
    dax: false,
    map_sync: false,
    why: "mounted with dax=never",
};

/// DAX, and a host that must be asked to flush.
pub(crate) const VIRTIO: Situation = Situation {
    name: "virtio",
    words: "virtio-pmem, dax=always",
    dax: true,
    map_sync: false,
    why: "virtio-pmem",
};

/// No file system at all: the device itself.
pub(crate) const DEVICE: Situation =
    Situation { name: "device", words: "/dev/dax", dax: true, map_sync: true, why: "granted" };

/// What the doctor said of the one path that it was asked about, held against the situation.
pub(crate) fn verdict(situation: Situation, files: &Path, fs: &str) -> Verdict {
    let said = read(&files.join(format!("doctor-{}.json", situation.name)))?;
    judge(situation, &said, fs)
}

fn read(file: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(file).context("the doctor handed out nothing")?;
    serde_json::from_str(&text).context("the doctor's JSON is faulty")
}

fn judge(situation: Situation, said: &Value, fs: &str) -> Verdict {
    let paths = said["paths"].as_array();
    let path = paths.and_then(|paths| paths.first());
    let path = path.ok_or_else(|| Fault::differs("the doctor says nothing of the path"))?;
    expect(path["fs"] == fs, format!("the file system is {}", path["fs"]))?;
    expect(path["dax"] == situation.dax, format!("dax is {}", path["dax"]))?;
    let granted = &path["map_sync"];
    expect(*granted == situation.map_sync, format!("map_sync is {granted}"))?;
    let why = path["why"].as_str().unwrap_or_default();
    expect(why.contains(situation.why), format!("the reason is `{why}`"))?;
    // Nothing here is real, and a doctor that says so would be believed elsewhere too.
    expect(said["real_pmem"] == false, format!("real_pmem is {}", said["real_pmem"]))?;
    let errno = path["errno"].as_str();
    if situation.map_sync {
        return Ok("STATX_ATTR_DAX, MAP_SYNC granted".into());
    }
    let refused = errno.is_some_and(|errno| errno.contains("os error 95"));
    expect(refused, format!("errno is {errno:?}, not EOPNOTSUPP"))?;
    Ok(format!("EOPNOTSUPP: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(path: &Value) -> Value {
        json!({ "real_pmem": false, "paths": [path] })
    }

    fn raw() -> Value {
        json!({ "path": "/mnt", "fs": "xfs", "dax": false, "map_sync": false,
            "errno": "Operation not supported (os error 95)", "why": "the namespace is raw" })
    }

    #[test]
    fn what_a_doctor_finds_is_held_against_the_situation() {
        assert!(judge(RAW, &said(&raw()), "xfs").is_ok());
        let granted = json!({ "path": "/mnt", "fs": "xfs", "dax": true, "map_sync": true,
            "errno": null, "why": "MAP_SYNC is granted" });
        assert!(judge(DAX, &said(&granted), "xfs").is_ok());
        assert!(judge(RAW, &said(&granted), "xfs").is_err());
        assert!(judge(DAX, &said(&raw()), "xfs").is_err());
        assert!(judge(NOT_MOUNTED_SO, &said(&raw()), "xfs").is_err());
        assert!(judge(RAW, &said(&raw()), "ext4").is_err());
        assert!(judge(RAW, &json!({ "paths": [raw()], "real_pmem": true }), "xfs").is_err());
        assert!(judge(RAW, &json!({ "paths": [], "real_pmem": false }), "xfs").is_err());
    }

    #[test]
    fn another_errno_and_another_reason_differ() {
        for (key, value) in [("errno", "Invalid argument (os error 22)"), ("why", "no idea")] {
            let mut path = raw();
            path[key] = value.into();
            assert!(matches!(judge(RAW, &said(&path), "xfs"), Err(Fault::Differs(_))), "{key}");
        }
    }

    #[test]
    fn a_doctor_that_handed_out_nothing_could_not_run() {
        let nowhere = Path::new("/nowhere");
        assert!(matches!(verdict(RAW, nowhere, "xfs"), Err(Fault::CouldNotRun(_))));
    }
}
