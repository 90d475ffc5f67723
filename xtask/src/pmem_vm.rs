//! `cargo xtask pmem-vm`: a real Linux with emulated persistent memory runs what we built for the real one, and says whether
//! our model is right.
//!
//! Read in this order: [`verdict`] the three outcomes; what a boot needs: [`apt`], [`unpacked`], [`modules`], [`cpio`],
//! [`initrd`] with `guest/init`, [`programs`]; one boot: [`console`], [`boot`]; what is checked: [`doctor`], [`suite`],
//! [`mod@bench`], [`pair`] with [`model`], [`torture`]; and [`lane`], the order of it all.

mod verdict;

mod apt;
mod cpio;
mod initrd;
mod modules;
mod programs;
mod unpacked;

mod boot;
mod console;

mod bench;
mod doctor;
mod model;
mod pair;
mod suite;
mod torture;

mod lane;

use anyhow::{Result, bail};

use crate::{project, say};
use boot::Machine;
use programs::Programs;
use unpacked::Tools;
use verdict::{Fault, Report};

pub(crate) use verdict::Conclusion;

/// `cargo xtask pmem-vm`: what could not run is said and no failure, unless it must run.
pub(crate) fn command(must_run: bool) -> Result<()> {
    match prove()? {
        Conclusion::AsExpected => {
            say::step("pmem-vm: everything is as expected");
            Ok(())
        }
        Conclusion::Skipped(why) if must_run => bail!("SKIPPED, and it must run: {why}"),
        Conclusion::Skipped(why) => {
            say::step(format!("pmem-vm: SKIPPED: {why}"));
            Ok(())
        }
        Conclusion::Differs(what) => bail!("DIFFERS: {what}"),
    }
}

/// Runs everything and prints the table.
///
/// # Errors
/// If our own programs do not compile.
pub(crate) fn prove() -> Result<Conclusion> {
    let report = match programs::build()? {
        Ok(programs) => checks(&programs),
        Err(why) => nothing_ran(why),
    };
    println!("\n{report}");
    Ok(report.conclusion())
}

fn nothing_ran(why: Fault) -> Report {
    let mut report = Report::default();
    report.add("a guest with persistent memory", Err(why));
    report
}

fn checks(programs: &Programs) -> Report {
    in_guests(programs).unwrap_or_else(nothing_ran)
}

/// Two guests side by side, one for each file system.
fn in_guests(programs: &Programs) -> Result<Report, Fault> {
    let folder = folder()?;
    let packages = apt::packages(&folder)?;
    say::step(format!("packages: {}", packages.versions));
    let machine = Machine {
        folder: &folder,
        kernel: packages.kernel_image()?,
        initrd: folder.join("initrd"),
        tools: Tools(&packages.tools),
    };
    let ours = [
        ("daxscope", programs.daxscope.clone()),
        ("pmem_pair", programs.pair.clone()),
        ("medium", programs.medium.clone()),
    ];
    initrd::write(&machine.initrd, &packages.kernel, &machine.tools, &ours)?;
    let reports = std::thread::scope(|scope| {
        let lanes = lane::FILE_SYSTEMS.map(|fs| {
            let machine = &machine;
            scope.spawn(move || lane::run(fs, machine, &programs.daxscope))
        });
        lanes.map(|lane| lane.join().expect("a lane does not panic"))
    });
    let mut all = Report::default();
    reports.into_iter().for_each(|report| all.append(report));
    Ok(all)
}

/// Where everything is that is fetched and made.
fn folder() -> Result<std::path::PathBuf, Fault> {
    let folder = project::target()?.join("pmem-vm");
    let name = folder.to_string_lossy().into_owned();
    if name.contains([',', ':', ' ']) {
        let why = format!("QEMU cannot use {name}: it has a comma, a colon or a space in its name");
        return Err(Fault::could_not_run(why));
    }
    Ok(folder)
}
