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
    /// A word that the reason must have, where it is not.
    why: &'static str,
}

/// Mounted with DAX on an NVDIMM: everything is granted.
pub(crate) const DAX: Situation =
    Situation { name: "dax", words: "NVDIMM, dax=always", dax: true, map_sync: true, why: "" };

/// The namespace is raw; XFS has been mounted with `dax=always` all the same, and ext4 without.
pub(crate) const RAW: Situation =
    Situation { name: "raw", words: "raw namespace", dax: false, map_sync: false, why: "raw" };

/// The device has DAX, and the mount does not use it.
pub(crate) const NOT_MOUNTED_SO: Situation =
    Situation { name: "never", words: "dax=never", dax: false, map_sync: false, why: "dax" };

/// DAX, and a host that must be asked to flush.
pub(crate) const VIRTIO: Situation = Situation {
    name: "virtio",
    words: "virtio-pmem, dax=always",
    dax: true,
    map_sync: false,
    why: "virtio",
};

/// What the doctor said of `/mnt`, held against the situation.
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
    let path = paths.and_then(|paths| paths.iter().find(|path| path["path"] == "/mnt"));
    let path = path.ok_or_else(|| Fault::differs("the doctor says nothing of /mnt"))?;
    expect(path["fs"] == fs, format!("the file system is {}", path["fs"]))?;
    expect(path["dax"] == situation.dax, format!("dax is {}", path["dax"]))?;
    let granted = path["map_sync"] == "granted" || path["map_sync"] == true;
    expect(granted == situation.map_sync, format!("map_sync is {}", path["map_sync"]))?;
    let why = path["why"].as_str().unwrap_or_default();
    expect(why.to_lowercase().contains(situation.why), format!("the reason is `{why}`"))?;
    expect(
        situation.map_sync == (said["real_pmem"] == true),
        format!("real_pmem is {}", said["real_pmem"]),
    )?;
    Ok(if situation.map_sync { "STATX_ATTR_DAX, MAP_SYNC granted".into() } else { why.into() })
}
