//! The pair that shows MAP_SYNC: a page stored, written back and fenced in a hole, a hard reset, and what recovery finds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::boot::{Boot, Booted, Device, Machine};
use super::console::{Console, End, number, value};
use super::model::Model;
use super::verdict::{Fault, Verdict, expect};

/// The variants of S25 with the mapping that the guest makes for each, in the guest's order.
pub(crate) const VARIANTS: [(&str, &str); 3] = [
    ("map-sync", "MAP_SYNC"),
    ("fsync", "MAP_SHARED, then fsync"),
    // The control: here the bytes must be gone, or the whole experiment shows nothing.
    ("shared", "MAP_SHARED"),
];

/// Units of 512 bytes in the page that was stored.
const PAGE_BLOCKS: u64 = 8;

/// What the guest said of one variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// What the write fault returned, if the guest's kernel could say so.
    fault: String,
    /// `st_blocks` before the reset, and after recovery.
    blocks: (u64, u64),
    /// What recovery found: `stored`, `zeros`, `torn`, or `missing`.
    data: String,
}

impl Kept {
    /// Whether the page is there as it was stored.
    fn is_kept(&self) -> bool {
        self.blocks.1 == PAGE_BLOCKS && self.data == "stored"
    }

    /// Whether the file has a hole again.
    fn is_lost(&self) -> bool {
        self.blocks.1 == 0 && self.data == "zeros"
    }
}

/// What the guest said.
#[derive(Debug)]
pub(crate) struct Table {
    /// The release of its kernel.
    pub(crate) linux: String,
    /// What became of each variant.
    kept: BTreeMap<&'static str, Kept>,
}

/// Boots twice, with a hard reset in between.
pub(crate) fn run(machine: &Machine<'_>, image: &str, fs: &str) -> Result<Table, Fault> {
    let options = match fs {
        // No commit of the journal's own comes between the store and the reset.
        "ext4" => "dax=always,commit=300",
        _ => "dax=always",
    };
    let (format, attach) = (format!("format:{fs}"), format!("attach:{fs}:{options}"));
    let again = format!("attach:{fs}:dax=always");
    let fsck = format!("fsck:{fs}");
    let before = boot(machine, image, "pair-before", &[&format, &attach, "pair_before", "reset"])?;
    let after = boot(machine, image, "pair-after", &[&again, "pair_after", "detach", &fsck])?;
    let (before, after) = (&before.console, &after.console);
    if before.end != End::Reset {
        return Err(Fault::could_not_run("the guest did not reset itself"));
    }
    for (console, task) in [
        (before, format.as_str()),
        (before, attach.as_str()),
        (before, "pair_before"),
        (after, "pair_after"),
    ] {
        console.needs(task)?;
    }
    for task in [&again, &fsck] {
        let status = after.status(task)?;
        expect(status == 0, format!("after the reset `{task}` ends with status {status}"))?;
    }
    table(before, after)
}

fn boot(machine: &Machine<'_>, image: &str, name: &str, tasks: &[&str]) -> Result<Booted, Fault> {
    let name = format!("{image}-{name}");
    machine.boot(&Boot { name: &name, device: Device::Nvdimm, image, tasks, kill: None })
}

/// Reads both consoles.
fn table(before: &Console, after: &Console) -> Result<Table, Fault> {
    let mut faults = before.all("FAULT");
    let linux = value(after.say("GUEST up")?, "linux")?.to_owned();
    let mut table = BTreeMap::new();
    for (variant, _) in VARIANTS {
        let before = of(before, "BEFORE", variant)?;
        let after = of(after, "AFTER", variant)?;
        let data = value(before, "data")?;
        if data != "stored" {
            return Err(Fault::could_not_run(format!("{variant} had {data} before the reset")));
        }
        let kept = Kept {
            fault: faults.next().unwrap_or("unknown").to_owned(),
            blocks: (number(before, "blocks")?, number(after, "blocks")?),
            data: value(after, "data")?.to_owned(),
        };
        table.insert(variant, kept);
    }
    Ok(Table { linux, kept: table })
}

/// The line of a variant.
fn of<'a>(console: &'a Console, when: &'a str, variant: &str) -> Result<&'a str, Fault> {
    let line = console.all(when).find(|line| value(line, "variant") == Ok(variant));
    line.ok_or_else(|| Fault::could_not_run(format!("the guest said nothing {when} of {variant}")))
}

/// The kernel's promise: MAP_SYNC and fsync keep the page, and without either the control has lost it.
pub(crate) fn verdict(table: &Table) -> Verdict {
    for (variant, mapping) in VARIANTS {
        let Some(kept) = table.kept.get(variant) else {
            return Err(Fault::could_not_run(format!("{mapping} was not tried")));
        };
        let seen = format!("{mapping} left {} blocks of {}", kept.blocks.1, kept.data);
        expect(if variant == "shared" { kept.is_lost() } else { kept.is_kept() }, seen)?;
    }
    Ok("MAP_SYNC and fsync kept the page, a plain mapping lost it; fsck clean".into())
}

/// Whether the model and the kernel give the same table.
pub(crate) fn agreement(table: &Table, model: &Model) -> Verdict {
    for (variant, _) in VARIANTS {
        let (Some(kernel), Some(model)) = (table.kept.get(variant), model.answers.get(variant))
        else {
            return Err(Fault::could_not_run(format!("{variant} has no answer on both sides")));
        };
        let same = if model.is_kept() { kernel.is_kept() } else { kernel.is_lost() };
        let said = if model.is_kept() { "keeps" } else { "may lose" };
        expect(same, format!("{variant}: the model {said} the page, the kernel's is {kernel:?}"))?;
    }
    Ok("the model gives the same table".into())
}

/// A release without its flavour.
fn short(linux: &str) -> &str {
    linux.split('-').next().unwrap_or(linux)
}

/// The kernel's table beside the model's.
pub(crate) fn side_by_side(fs: &str, table: &Table, model: &Model) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "  {:<24}{:<12}{:<18}{:<26}the model, S25 at {}",
        format!("Linux {}, {fs}", short(&table.linux)),
        "variant",
        "the fault was",
        "st_blocks, page after",
        model.epoch,
    );
    for (variant, mapping) in VARIANTS {
        let (Some(kept), Some(answer)) = (table.kept.get(variant), model.answers.get(variant))
        else {
            continue;
        };
        let after = format!("{} -> {}, {}", kept.blocks.0, kept.blocks.1, kept.data);
        let said = match answer.lost {
            0 => format!("kept in every image of {}", answer.images),
            lost => format!("lost in {lost} of {} images", answer.images),
        };
        let _ = writeln!(text, "  {mapping:<24}{variant:<12}{:<18}{after:<26}{said}", kept.fault);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::model::Answer;
    use super::*;

    fn console(text: &str) -> Console {
        Console { lines: text.lines().map(String::from).collect(), end: End::PoweredOff }
    }

    const BEFORE: &str = "BEFORE variant=map-sync blocks=8 data=stored\n\
        BEFORE variant=fsync blocks=8 data=stored\nBEFORE variant=shared blocks=8 data=stored\n\
        FAULT MAJOR|NEEDDSYNC\nFAULT MAJOR|NOPAGE\nFAULT MAJOR|NOPAGE";
    const AFTER: &str = "GUEST up seconds=3 linux=6.1.0-56-cloud-amd64\n\
        AFTER variant=map-sync blocks=8 data=stored\n\
        AFTER variant=fsync blocks=8 data=stored\nAFTER variant=shared blocks=0 data=zeros";

    fn read(before: &str, after: &str) -> Result<Table, Fault> {
        table(&console(before), &console(after))
    }

    fn model(lost: [u64; 3]) -> Model {
        let answers = VARIANTS.iter().zip(lost);
        let answers =
            answers.map(|((variant, _), lost)| ((*variant).into(), Answer { images: 1, lost }));
        Model { epoch: "5.1".into(), answers: answers.collect() }
    }

    #[test]
    fn what_the_kernel_promises_is_as_expected() {
        let table = read(BEFORE, AFTER).unwrap();
        assert!(verdict(&table).is_ok());
        assert!(agreement(&table, &model([0, 0, 1])).is_ok());
        let text = side_by_side("ext4", &table, &model([0, 0, 1]));
        assert!(text.contains("MAJOR|NEEDDSYNC   8 -> 8, stored"), "{text}");
        assert!(text.contains("8 -> 0, zeros             lost in 1 of 1 images"), "{text}");
    }

    #[test]
    fn a_lost_page_a_torn_one_and_a_control_that_lost_nothing_differ() {
        for (good, bad) in [
            ("map-sync blocks=8 data=stored", "map-sync blocks=0 data=zeros"),
            ("fsync blocks=8 data=stored", "fsync blocks=8 data=torn"),
            ("shared blocks=0 data=zeros", "shared blocks=8 data=stored"),
        ] {
            let after = AFTER.replace(good, bad);
            assert_ne!(after, AFTER);
            let table = read(BEFORE, &after).unwrap();
            assert!(matches!(verdict(&table), Err(Fault::Differs(_))), "{bad}");
            assert!(
                matches!(agreement(&table, &model([0, 0, 1])), Err(Fault::Differs(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_model_that_says_something_else_differs() {
        let table = read(BEFORE, AFTER).unwrap();
        for lost in [[1, 0, 1], [0, 1, 1], [0, 0, 0]] {
            assert!(matches!(agreement(&table, &model(lost)), Err(Fault::Differs(_))), "{lost:?}");
        }
    }

    #[test]
    fn a_missing_line_could_not_run() {
        let nothing = || Table { linux: "6.1".into(), kept: BTreeMap::new() };
        let missing =
            AFTER.lines().filter(|line| !line.contains("fsync")).collect::<Vec<_>>().join("\n");
        let before = BEFORE.replace("shared blocks=8 data=stored", "shared blocks=0 data=zeros");
        for fault in [
            read(BEFORE, &missing).unwrap_err(),
            read(BEFORE, "AFTER variant=map-sync blocks=8 data=stored").unwrap_err(),
            read("", AFTER).unwrap_err(),
            read(&before, AFTER).unwrap_err(),
            verdict(&nothing()).unwrap_err(),
            agreement(&nothing(), &model([0, 0, 1])).unwrap_err(),
        ] {
            assert!(matches!(fault, Fault::CouldNotRun(_)), "{fault:?}");
        }
    }
}
