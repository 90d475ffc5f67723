//! All that is checked on one file system, boot after boot; two lanes run side by side.

use std::path::Path;

use super::boot::{Boot, Booted, Device, Machine};
use super::doctor::{self, Situation};
use super::model::Model;
use super::verdict::{Fault, Report};
use super::{bench, pair, suite, torture};

/// The file systems that have DAX.
pub(crate) const FILE_SYSTEMS: [&str; 2] = ["ext4", "xfs"];

/// Runs the lane of a file system.
pub(crate) fn run(fs: &str, machine: &Machine<'_>, daxscope: &Path) -> Report {
    let mut report = Report::default();
    machine.forget(fs);
    new_memory(fs, machine, &mut report);
    resets(fs, machine, daxscope, &mut report);
    report.add(format!("{fs}: death under the journal"), torture::run(machine, fs, fs));
    if fs == "xfs" {
        virtio(machine, &mut report);
    } else {
        dax_device(machine, &mut report);
    }
    report
}

/// A new NVDIMM: first raw, as it comes; then labelled; mounted without DAX, where that goes unnoticed; then with it.
fn new_memory(fs: &str, machine: &Machine<'_>, report: &mut Report) {
    let format = format!("format:{fs}");
    let with = format!("attach:{fs}:dax=always");
    let without = format!("attach:{fs}:dax=never");
    // XFS takes `dax=always` on a raw namespace and mounts without DAX; ext4 refuses.
    let unnoticed = if fs == "xfs" { &with } else { &without };
    let raw = ["label_is:raw", &format, unnoticed, "doctor:raw", "detach", "label", &format];
    let never = [without.as_str(), "doctor:never", "detach"];
    let dax = [with.as_str(), "doctor:dax", suite::TASK];
    let measure: &[&str] = if fs == "ext4" { &[bench::TASK] } else { &[] };
    let fsck = format!("fsck:{fs}");
    let tasks = [&raw[..], &never, &dax, measure, &["detach", &fsck]].concat();
    let name = format!("{fs}-new");
    let booted = machine.boot(&Boot {
        name: &name,
        device: Device::Nvdimm,
        image: fs,
        tasks: &tasks,
        kill: None,
    });
    for situation in [doctor::RAW, doctor::NOT_MOUNTED_SO, doctor::DAX] {
        add_doctor(report, fs, situation, &booted);
    }
    let of = |judge: &dyn Fn(&Booted) -> super::verdict::Verdict| match &booted {
        Ok(booted) => judge(booted),
        Err(why) => Err(why.clone()),
    };
    let suite = of(&|booted| suite::verdict(&booted.console, &booted.files));
    report.add(format!("{fs}: tests of the medium"), suite);
    if fs == "ext4" {
        let benched = of(&|booted| {
            let measured = bench::read(&booted.files);
            if let Ok(measured) = &measured {
                println!("\n{}", bench::table(measured));
            }
            bench::verdict(
                booted.console.status(bench::TASK)?,
                measured.as_ref().map_err(Fault::clone),
            )
        });
        report.add(format!("{fs}: benchmark"), benched);
    }
}

fn add_doctor(report: &mut Report, fs: &str, situation: Situation, booted: &Result<Booted, Fault>) {
    let verdict = match booted {
        Ok(booted) => {
            let task = format!("doctor:{}", situation.name);
            booted.console.needs(&task).and_then(|()| doctor::verdict(situation, &booted.files, fs))
        }
        Err(why) => Err(why.clone()),
    };
    report.add(format!("{fs}: doctor, {}", situation.words), verdict);
}

/// Persistent memory for which the host must flush.
fn virtio(machine: &Machine<'_>, report: &mut Report) {
    let (image, fs) = ("virtio", "xfs");
    machine.forget(image);
    let tasks = ["format:xfs", "attach:xfs:dax=always", "doctor:virtio", "detach"];
    let boot = Boot { name: image, device: Device::VirtioPmem, image, tasks: &tasks, kill: None };
    add_doctor(report, fs, doctor::VIRTIO, &machine.boot(&boot));
}

/// The device itself: what the doctor says of it, and a death under the journal on it.
fn dax_device(machine: &Machine<'_>, report: &mut Report) {
    let image = "devdax";
    machine.forget(image);
    let (booted, verdict) = match torture::on_device(machine, image, doctor::DEVICE) {
        Ok((booted, verdict)) => (Ok(booted), verdict),
        Err(why) => (Err(why.clone()), Err(why)),
    };
    add_doctor(report, image, doctor::DEVICE, &booted);
    report.add(format!("{image}: death under the journal"), verdict);
}

/// The pair, and the model's word on it.
fn resets(fs: &str, machine: &Machine<'_>, daxscope: &Path, report: &mut Report) {
    let pair = pair::run(machine, fs, fs);
    let model = pair.as_ref().map_err(Fault::clone).and_then(|table| {
        let model = Model::of(daxscope, &table.linux, &pair::VARIANTS.map(|(variant, _)| variant))?;
        println!("\n{}", pair::side_by_side(fs, table, &model));
        pair::agreement(table, &model)
    });
    report.add(format!("{fs}: hard reset"), pair.and_then(|table| pair::verdict(&table)));
    report.add(format!("{fs}: the model's S25"), model);
}
