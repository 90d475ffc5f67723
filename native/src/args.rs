//! What the user may type.

use clap::{Args as ClapArgs, Parser, Subcommand};
use daxscope_core::check::Verdict;
use daxscope_core::config::Epoch;
#[cfg(target_os = "linux")]
use daxscope_core::rules::RuleId;
#[cfg(target_os = "linux")]
use daxscope_native::bench::Group;
use std::path::PathBuf;

/// See where bytes live: page-cache tree, DAX flush, persistent memory, and what a power cut leaves.
///
/// A lecture is a small scenario that the machine really executes: threads run kernel functions one
/// observable action at a time, and after each step you can ask which images a power cut could
/// leave.
#[derive(Parser, Debug)]
#[command(version, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  daxscope list                                  the lectures and the questions they ask
  daxscope run S03                               the life of a DAX entry, step by step
  daxscope run S03 --epoch 4.10 --step 12        one step in full, as a later kernel does it
  daxscope run S04 --set platform=eadr           the same with caches that survive
  daxscope crash S04 --step 12                   every image that a power cut could leave there
  daxscope run S20 --variant revoke-off --power-cut 60
                                                 what boots from one of them: scan, revoke, replay, fsck
  daxscope run --image left.img                  what boots from a device that was left behind
  daxscope check                                 every lecture, variant and epoch against its file
  daxscope check my-lecture.toml                 a file of your own
  daxscope matrix                                the whole history: a verdict per lecture and kernel
  daxscope bench flush --dir /mnt/pmem           what a flush costs on persistent memory
  daxscope doctor /mnt/pmem                      is MAP_SYNC granted there, and if not, why not
  daxscope torture write FILE --seed 1           writes until it is killed; `ACK 7`: operation 7 is safe
  daxscope torture verify FILE --seed 1 --acked 7
                                                 nothing acknowledged is lost, nothing torn is accepted

Exit status: 0 as expected, 1 a verdict differs from the expectation, or an image does not mount or is
not sound, 2 bad input.";

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// The lectures: id, question, epochs
    List {
        /// Print JSON with stable keys
        #[arg(long)]
        json: bool,
    },
    /// One lecture as text: every step, what it changed, its rules, its verdict
    Run(Run),
    /// Lectures against what their files expect, in every variant and epoch
    Check {
        /// Lecture files, or folders of them; without any, the lectures that come with daxscope
        paths: Vec<PathBuf>,
        /// Print JSON with stable keys
        #[arg(long)]
        json: bool,
    },
    /// The verdict of every variant of every lecture, by kernel
    Matrix {
        /// Lecture files, or folders of them; without any, the lectures that come with daxscope
        paths: Vec<PathBuf>,
        /// Print JSON with stable keys
        #[arg(long)]
        json: bool,
    },
    /// Times the model's own code beside what one would otherwise use
    #[cfg(target_os = "linux")]
    Bench(Bench),
    /// Every image that a power cut could leave after a step, by class, after recovery
    Crash {
        #[command(flatten)]
        choice: Choice,
        /// After which step to cut the power; 0 is the initial state
        #[arg(long, value_name = "N")]
        step: usize,
        /// Print JSON with stable keys
        #[arg(long)]
        json: bool,
    },
    /// Which persistent memory is here, how a path would be mapped, and why not better
    #[cfg(target_os = "linux")]
    Doctor {
        /// Files, folders or devices [default: /dev/shm, the working folder, every file system on a pmem
        /// device]
        paths: Vec<PathBuf>,
        /// Print JSON with stable keys
        #[arg(long)]
        json: bool,
    },
    /// Crash for real: write through the journal on a mapped file until killed; then verify the file
    #[cfg(target_os = "linux")]
    #[command(subcommand)]
    Torture(Torture),
}

/// The two ends of a crash.
#[cfg(target_os = "linux")]
#[derive(Subcommand, Debug)]
pub(crate) enum Torture {
    /// Makes a device in the file and writes to it, with a line `ACK n` for every fsync or sync, the
    /// n-th operation, that has returned; `READY` comes first, `DONE n` after the last
    Write {
        /// A file, made if it is not there, or a DAX device; what it holds is lost
        file: PathBuf,
        /// All operations follow from it
        #[arg(long, value_name = "N")]
        seed: u64,
        /// 32 MiB with the kernel's sizes, instead of the 8 KiB of the teaching device
        #[arg(long)]
        kernel: bool,
        /// So many operations [default: without end]
        #[arg(long, value_name = "N")]
        operations: Option<u64>,
        /// Go on only if the kernel grants MAP_SYNC
        #[arg(long)]
        map_sync: bool,
        /// A rule to break, for a test of the verification
        #[arg(long, value_name = "RULE", hide = true, value_parser = rule)]
        planted: Option<RuleId>,
    },
    /// Recovers what the file holds, changes nothing, and compares it with what may be there: status 1
    /// and a message if something acknowledged is lost or something is there that was never written
    Verify {
        /// The file; or a DAX device that was written with --kernel
        file: PathBuf,
        /// The writer's
        #[arg(long, value_name = "N")]
        seed: u64,
        /// The number in the last line `ACK n` that arrived; 0 if none did
        #[arg(long, value_name = "N")]
        acked: u64,
        /// So many further ACK lines may have been lost on their way
        #[arg(long, value_name = "N", default_value_t = 0)]
        lost_acks: u64,
    },
}

#[cfg(target_os = "linux")]
fn rule(name: &str) -> Result<RuleId, String> {
    let found = RuleId::ALL.iter().find(|id| id.rule().id == name);
    found.copied().ok_or_else(|| "expected the id of a rule, for instance JBD-2.12".to_owned())
}

#[cfg(target_os = "linux")]
#[derive(ClapArgs, Debug)]
pub(crate) struct Bench {
    /// What to measure; without any, everything, in less than two minutes
    #[arg(value_name = "GROUP", value_parser = group)]
    pub(crate) groups: Vec<Group>,
    /// The folder for the files of all sides [default: /dev/shm, else the temporary folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Writes the report as JSON with stable keys; `-` is standard output, instead of the table
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Writes the report as one HTML file with plots
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Small sizes, few rounds: whether it works, not how fast it is
    #[arg(long)]
    pub(crate) quick: bool,
}

#[cfg(target_os = "linux")]
fn group(name: &str) -> Result<Group, String> {
    Group::from_name(name).ok_or_else(|| {
        let all: Vec<_> = Group::ALL.iter().map(|group| group.name()).collect();
        format!("expected one of {}", all.join(", "))
    })
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) choice: Choice,
    /// Only this step, with all its tables; 0 is the initial state
    #[arg(long, value_name = "N")]
    pub(crate) step: Option<usize>,
    /// Cut the power after a step and show the boot: the image that survives by its number or its
    /// verdict, see `daxscope crash` [default: the first that breaks a promise, if one does]
    #[arg(long, value_name = "STEP[:IMAGE]", value_parser = power_cut)]
    pub(crate) power_cut: Option<PowerCut>,
    /// Print JSON with stable keys
    #[arg(long)]
    pub(crate) json: bool,
}

/// After which step the power is cut, and what survives.
#[derive(Clone, Debug)]
pub(crate) struct PowerCut {
    pub(crate) step: usize,
    pub(crate) image: Survivor,
}

/// Which image of a power cut survives.
#[derive(Clone, Debug)]
pub(crate) enum Survivor {
    /// The first that breaks a promise; where none does, the one that loses nothing.
    Worst,
    /// The one of that number.
    Number(u32),
    /// The example of a class.
    Class(Verdict),
}

fn power_cut(text: &str) -> Result<PowerCut, String> {
    let (step, image) = text.split_once(':').unwrap_or((text, ""));
    let step = step.parse().map_err(|_| format!("`{step}` is no step, expected a number"))?;
    let image = match (image, image.parse(), Verdict::from_word(image)) {
        ("", ..) => Survivor::Worst,
        (_, Ok(number), _) => Survivor::Number(number),
        (_, _, Some(verdict)) => Survivor::Class(verdict),
        _ => return Err(format!("`{image}` is no image, expected its number or a verdict")),
    };
    Ok(PowerCut { step, image })
}

/// Which run of which lecture.
#[derive(ClapArgs, Debug)]
pub(crate) struct Choice {
    /// A lecture's id or slug, a lecture file (.toml), or a link of the page (#/1/…)
    #[arg(value_name = "SCENARIO", required_unless_present = "image")]
    pub(crate) scenario: Option<String>,
    /// Boot from a device that was left behind, in place of a lecture: the file holds its bytes, 8 KiB
    /// or 32 MiB
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scenario", "variant"])]
    pub(crate) image: Option<PathBuf>,
    /// The kernel whose rules hold, for instance 4.5.0, v2 or 6.12 [default: the lecture's, or 6.12]
    #[arg(long, value_name = "E", value_parser = epoch)]
    pub(crate) epoch: Option<Epoch>,
    /// The variant of the lecture [default: its first]
    #[arg(long, value_name = "NAME")]
    pub(crate) variant: Option<String>,
    /// Sets one switch against the epoch; may be given several times
    #[arg(long = "set", value_name = "SWITCH=VALUE", value_parser = setting)]
    pub(crate) sets: Vec<(String, String)>,
}

fn epoch(name: &str) -> Result<Epoch, String> {
    Epoch::from_name(name).ok_or_else(|| {
        let all: Vec<_> = Epoch::ALL.iter().map(|epoch| epoch.name()).collect();
        format!("expected one of {}", all.join(", "))
    })
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (switch, value) = text.split_once('=').ok_or("expected switch=value")?;
    Ok((switch.to_owned(), value.to_owned()))
}
