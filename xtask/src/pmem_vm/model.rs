//! The model's answer to the question that is put to the kernel: lecture S25 with the power cut at the program's end.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::say;

const LECTURE: &str = "S25";

/// What the model says of one variant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Images that a power cut may leave.
    pub(crate) images: u64,
    /// Those of them that have lost what the program stored, wrote back and fenced.
    pub(crate) lost: u64,
}

impl Answer {
    /// Whether the bytes are there whatever the power cut leaves.
    pub(crate) const fn is_kept(&self) -> bool {
        self.lost == 0
    }
}

/// What the model says of some variants.
pub(crate) struct Model {
    /// The kernel whose rules held.
    pub(crate) epoch: String,
    /// What came out, by variant.
    pub(crate) answers: BTreeMap<String, Answer>,
}

impl Model {
    /// Asks the command line, for the rules of the newest kernel that is not newer than `linux`.
    pub(crate) fn of(daxscope: &Path, linux: &str, variants: &[&str]) -> Result<Self> {
        let epoch = epoch(daxscope, linux)?;
        let mut answers = BTreeMap::new();
        for variant in variants {
            answers.insert((*variant).to_owned(), answer(daxscope, variant, &epoch)?);
        }
        Ok(Self { epoch, answers })
    }
}

/// The newest kernel of the model that is not newer than `linux`, which is a release such as `6.1.0-56-cloud-amd64`.
fn epoch(daxscope: &Path, linux: &str) -> Result<String> {
    let list = json(daxscope, &["list"])?;
    let lectures = list.as_array().context("`daxscope list` is no list")?;
    let lecture = lectures.iter().find(|lecture| lecture["id"] == LECTURE);
    let epochs = lecture.and_then(|lecture| lecture["epochs"].as_array());
    let epochs = epochs.with_context(|| format!("there is no lecture {LECTURE}"))?;
    let names = epochs.iter().filter_map(Value::as_str);
    newest(names, linux).map(String::from).with_context(|| format!("no epoch for Linux {linux}"))
}

fn newest<'a>(epochs: impl Iterator<Item = &'a str>, linux: &str) -> Option<&'a str> {
    let of_guest = version(linux)?;
    let older = epochs.filter(|name| version(name).is_some_and(|version| version <= of_guest));
    older.max_by_key(|name| version(name))
}

/// The first two numbers of a release; a release candidate or a patch series has none.
fn version(release: &str) -> Option<(u32, u32)> {
    let (numbers, rest) = release.split_once('-').unwrap_or((release, ""));
    let mut numbers = numbers.split('.').map(|number| number.parse().ok());
    let version = (numbers.next()??, numbers.next()??);
    (!rest.starts_with("rc")).then_some(version)
}

/// Runs a variant to its end and cuts the power there.
fn answer(daxscope: &Path, variant: &str, epoch: &str) -> Result<Answer> {
    let which = [LECTURE, "--variant", variant, "--epoch", epoch];
    let run = json(daxscope, &[&["run"], which.as_slice()].concat())?;
    let last = run["steps"].as_array().and_then(|steps| steps.last());
    let last = last.and_then(|step| step["step"].as_u64()).context("a run without steps")?;
    let step = last.to_string();
    classes(&json(daxscope, &[&["crash"], which.as_slice(), &["--step", &step]].concat())?)
}

/// Counts what the crash report says of the images.
fn classes(report: &Value) -> Result<Answer> {
    let classes = report["classes"].as_array().context("a crash report without classes")?;
    let (mut images, mut lost) = (0, 0);
    for class in classes {
        let count = class["count"].as_u64().context("a class without a count")?;
        images += count;
        lost += if class["verdict"] == "ok" { 0 } else { count };
    }
    ensure!(images > 0, "a power cut that leaves no image");
    let all = report["eager"].as_str();
    ensure!(all == Some(&images.to_string()), "only {images} of {all:?} images were examined");
    Ok(Answer { images, lost })
}

fn json(daxscope: &Path, arguments: &[&str]) -> Result<Value> {
    let text = say::output(Command::new(daxscope).args(arguments).arg("--json"))?;
    serde_json::from_str(&text).with_context(|| format!("`daxscope {}`", arguments.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_is_the_newest_that_the_guest_has_reached() {
        let epochs = ["4.5-rc1", "v1", "4.5.0", "4.15", "5.1", "6.12"];
        let newest = |linux| newest(epochs.into_iter(), linux);
        assert_eq!(newest("6.1.0-56-cloud-amd64"), Some("5.1"));
        assert_eq!(newest("6.12.95+deb12-cloud-amd64"), Some("6.12"));
        assert_eq!(newest("4.5.0"), Some("4.5.0"));
        assert_eq!(newest("4.4.0"), None);
        assert_eq!(newest("unknown"), None);
    }

    #[test]
    fn images_are_counted_by_what_they_lost() {
        let report = serde_json::json!({ "eager": "3", "classes": [
            { "verdict": "data-lost", "count": 1 }, { "verdict": "ok", "count": 2 } ] });
        assert_eq!(classes(&report).unwrap(), Answer { images: 3, lost: 1 });
        let cut_short =
            serde_json::json!({ "eager": "9", "classes": [{ "verdict": "ok", "count": 2 }] });
        assert!(classes(&cut_short).is_err());
        assert!(classes(&serde_json::json!({ "eager": "0", "classes": [] })).is_err());
    }
}
