//! Hard resets under the core's journal: a writer on a MAP_SYNC file dies with its machine, and what it was promised must be
//! there after the boot.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use super::boot::{Boot, Booted, Device, Kill, Machine};
use super::console::{Console, End};
use super::doctor::Situation;
use super::verdict::{Fault, Verdict, expect};

/// How the machine dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Death {
    /// QEMU is killed.
    Sigkill,
    /// The guest resets itself.
    Reset,
}

/// Each round is a writer and a death: the sizes of its device, as the guest's task has them, and how it dies.
const ROUNDS: [(&str, Death); 3] =
    [("kernel", Death::Sigkill), ("teaching", Death::Reset), ("kernel", Death::Reset)];

/// The guest's serial line buffers a page, so that as many lines `ACK n` may be lost with the machine.
const LOST_ACKS: u64 = 4096 / "ACK 1\r\n".len() as u64;

/// What `daxscope torture verify` says of a hole that jbd2 has on such memory.
const TORN: &str = "the journal superblock was torn";

/// So many operations further than it can have come the writer is said to have come: this must be noticed.
const BEYOND: u64 = 20_000;

/// A writer that has died, and what it had been promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dead {
    seed: u64,
    acked: u64,
}

/// Boots once more than there are rounds: each boot verifies what the one before has left.
pub(crate) fn run(machine: &Machine<'_>, image: &str, fs: &str) -> Verdict {
    let mut dead: Option<Dead> = None;
    let (mut acked, mut torn) = (0, 0);
    let rounds = ROUNDS.into_iter().map(Some).chain([None]);
    for (number, round) in rounds.enumerate() {
        let name = format!("{image}-torture-{number}");
        let seed = random() % 1_000_000;
        let tasks = tasks(fs, dead, round.map(|(sizes, death)| (sizes, death, seed)));
        let booted = boot(machine, image, &name, &tasks, round.map(|(_, death)| death))?;
        let console = &booted.console;
        if let Some(dead) = dead {
            verified(&booted, fs, dead)?;
            torn += u32::from(console.lines.iter().any(|line| line.contains(TORN)));
        }
        let Some((_, death)) = round else { break };
        dead = Some(died(console, seed, death)?);
        acked += dead.map_or(0, |dead| dead.acked);
    }
    let torn = match torn {
        0 => String::new(),
        _ => {
            format!("; {torn} times the journal superblock was torn, which rule JBD-10.4 tells of")
        }
    };
    Ok(format!("{} deaths, {acked} operations, nothing acknowledged was lost{torn}", ROUNDS.len()))
}

/// The same on the DAX device itself, with one death. The boot after it has also asked the doctor.
pub(crate) fn on_device(
    machine: &Machine<'_>,
    image: &str,
    situation: Situation,
) -> Result<(Booted, Verdict), Fault> {
    const DEVICE: &str = "devdax";
    let seed = random() % 1_000_000;
    let write = format!("torture_reset:{seed}:kernel:1");
    let (before, after) = (format!("{image}-torture-0"), format!("{image}-torture-1"));
    let died_in = boot(machine, image, &before, &[DEVICE.into(), write], Some(Death::Reset))?;
    died_in.console.needs(DEVICE)?;
    let dead = died(&died_in.console, seed, Death::Reset)?;
    let doctor = format!("doctor:{}", situation.name);
    let tasks = [DEVICE.into(), doctor, verify(dead), control(dead)];
    let booted = boot(machine, image, &after, &tasks, None)?;
    let verdict = kept(&booted.console, dead)
        .map(|()| format!("a death, {} operations, nothing acknowledged was lost", dead.acked));
    Ok((booted, verdict))
}

/// What one boot does: verify, show that verification can fail, and write on a new file system.
fn tasks(fs: &str, dead: Option<Dead>, round: Option<(&str, Death, u64)>) -> Vec<String> {
    let attach = format!("attach:{fs}:dax=always");
    let mut tasks = Vec::new();
    if let Some(dead) = dead {
        let fsck = format!("fsck:{fs}");
        tasks.extend([attach.clone(), verify(dead), control(dead), "detach".into(), fsck]);
    }
    if let Some((sizes, death, seed)) = round {
        let write = match death {
            Death::Sigkill => format!("torture:{seed}:{sizes}"),
            Death::Reset => format!("torture_reset:{seed}:{sizes}:{}", random() % 3),
        };
        tasks.extend([format!("format:{fs}"), attach, write]);
    }
    tasks
}

fn verify(Dead { seed, acked }: Dead) -> String {
    format!("torture_verify:{seed}:{acked}:{LOST_ACKS}")
}

/// The same file with a promise that was never given.
fn control(Dead { seed, acked }: Dead) -> String {
    format!("torture_control:{seed}:{}:0", acked + BEYOND)
}

fn boot(
    machine: &Machine<'_>,
    image: &str,
    name: &str,
    tasks: &[String],
    death: Option<Death>,
) -> Result<Booted, Fault> {
    let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
    let kill = (death == Some(Death::Sigkill))
        .then(|| Kill { after: "READY", delay: Duration::from_millis(200 + random() % 2000) });
    machine.boot(&Boot { name, device: Device::Nvdimm, image, tasks: &tasks, kill })
}

/// What the writer had been promised when it died.
fn died(console: &Console, seed: u64, death: Death) -> Result<Dead, Fault> {
    let end = match death {
        Death::Sigkill => End::Killed,
        Death::Reset => End::Reset,
    };
    if console.end != end {
        return Err(Fault::could_not_run("the writer came to its end before its machine did"));
    }
    let acked = console.all("ACK").filter_map(|number| number.parse().ok()).last();
    let nothing = || Fault::could_not_run("nothing had been acknowledged when the machine died");
    acked.ok_or_else(nothing).map(|acked| Dead { seed, acked })
}

/// What the boot after a death said.
fn verified(booted: &Booted, fs: &str, dead: Dead) -> Result<(), Fault> {
    let console = &booted.console;
    let status = console.status(&format!("attach:{fs}:dax=always"))?;
    expect(status == 0, format!("after {dead:?} {fs} does not mount"))?;
    kept(console, dead)?;
    let status = console.status(&format!("fsck:{fs}"))?;
    expect(status == 0, format!("after {dead:?} fsck of {fs} ends with status {status}"))
}

/// Whether what was promised is there, and what was not is missed.
fn kept(console: &Console, dead: Dead) -> Result<(), Fault> {
    match console.status(&verify(dead))? {
        0 => {}
        1 => {
            return Err(Fault::differs(format!("{dead:?}: {}", console.last_words(&verify(dead)))));
        }
        _ => console.needs(&verify(dead))?,
    }
    match console.status(&control(dead))? {
        1 => Ok(()),
        0 => Err(Fault::differs(format!("{dead:?}: a promise never given is found kept"))),
        _ => console.needs(&control(dead)),
    }
}

/// A number that is another one each time; what follows from it is printed with the boot's tasks.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEAD: Dead = Dead { seed: 7, acked: 40 };

    fn console(text: &str, end: End) -> Console {
        Console { lines: text.lines().map(String::from).collect(), end }
    }

    fn verified(text: &str) -> Result<(), Fault> {
        let console = console(text, End::PoweredOff);
        super::verified(&Booted { console, files: "out".into() }, "xfs", DEAD)
    }

    const GOOD: &str = "DONE attach:xfs:dax=always status=0\n\
        TASK torture_verify:7:40:585\nas it may be\nDONE torture_verify:7:40:585 status=0\n\
        TASK torture_control:7:20040:0\nwrong\nDONE torture_control:7:20040:0 status=1\n\
        DONE fsck:xfs status=0";

    #[test]
    fn the_last_acknowledgement_counts() {
        let killed = console("READY\nACK 3\nACK 40", End::Killed);
        assert_eq!(died(&killed, 7, Death::Sigkill), Ok(DEAD));
        for (text, end) in
            [("READY", End::Killed), ("ACK 3", End::PoweredOff), ("ACK 3", End::Reset)]
        {
            let fault = died(&console(text, end), 7, Death::Sigkill).unwrap_err();
            assert!(matches!(fault, Fault::CouldNotRun(_)), "{fault:?}");
        }
    }

    #[test]
    fn a_loss_differs_and_so_does_a_verification_that_cannot_fail() {
        assert_eq!(verified(GOOD), Ok(()));
        for (good, bad) in [
            ("585 status=0", "585 status=1"),
            ("20040:0 status=1", "20040:0 status=0"),
            ("fsck:xfs status=0", "fsck:xfs status=1"),
            ("always status=0", "always status=255"),
        ] {
            let text = GOOD.replace(good, bad);
            assert_ne!(text, GOOD);
            assert!(matches!(verified(&text), Err(Fault::Differs(_))), "{bad}");
        }
    }

    #[test]
    fn a_verification_that_broke_off_could_not_run() {
        for text in [
            GOOD.replace("585 status=0", "585 status=2"),
            GOOD.replace("20040:0 status=1", "20040:0 status=2"),
            GOOD.lines().take(2).collect(),
            String::new(),
        ] {
            assert!(matches!(verified(&text), Err(Fault::CouldNotRun(_))), "{text}");
        }
    }

    #[test]
    fn each_boot_verifies_what_the_one_before_has_left() {
        let first = tasks("xfs", None, Some(("kernel", Death::Sigkill, 7)));
        assert_eq!(first, ["format:xfs", "attach:xfs:dax=always", "torture:7:kernel"]);
        let last = tasks("xfs", Some(DEAD), None);
        assert_eq!(last[1], "torture_verify:7:40:585");
        assert_eq!(last.last().map(String::as_str), Some("fsck:xfs"));
    }
}
