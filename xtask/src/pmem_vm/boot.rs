//! Boots the guest in QEMU: one process, its console, a time limit, and how it ended.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::console::{Console, End};
use super::unpacked::Tools;
use super::verdict::Fault;
use crate::say;

/// Bytes of the emulated persistent memory: mkfs.xfs refuses less than 300 MB.
const PMEM: u64 = 512 << 20;

/// Bytes of the disk by which the guest hands out files.
const OUT: u64 = 64 << 20;

/// No boot may take longer.
const LIMIT: Duration = Duration::from_secs(150);

/// What emulates persistent memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Device {
    /// An NVDIMM, as hardware has it.
    Nvdimm,
    /// Memory that the host must be asked to flush.
    VirtioPmem,
}

/// What every boot has in common.
pub(crate) struct Machine<'a> {
    /// Where images, consoles and what the guest hands out are.
    pub(crate) folder: &'a Path,
    /// QEMU and its libraries.
    pub(crate) tools: Tools<'a>,
    /// The kernel's image.
    pub(crate) kernel: PathBuf,
    /// The first file system.
    pub(crate) initrd: PathBuf,
}

/// One boot.
pub(crate) struct Boot<'a> {
    /// Names the files of this boot, and it in messages.
    pub(crate) name: &'a str,
    /// What emulates persistent memory.
    pub(crate) device: Device,
    /// The file that holds its contents from boot to boot, in the machine's folder; made when it is not there.
    pub(crate) image: &'a str,
    /// What the guest does, in its own words: see `guest/init`.
    pub(crate) tasks: &'a [&'a str],
    /// Whether and when QEMU is killed.
    pub(crate) kill: Option<Kill>,
}

/// SIGKILL for QEMU.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kill {
    /// The line of the guest from which on time counts, by its beginning.
    pub(crate) after: &'static str,
    /// So much later.
    pub(crate) delay: Duration,
}

/// What a boot left.
pub(crate) struct Booted {
    /// What the guest said, and how it ended.
    pub(crate) console: Console,
    /// What the guest handed out; empty unless it switched itself off.
    pub(crate) files: PathBuf,
}

impl Machine<'_> {
    /// Boots, and waits for the end. A guest that does not start, panics or takes too long could not run.
    pub(crate) fn boot(&self, boot: &Boot<'_>) -> Result<Booted, Fault> {
        say::step(format!("{}: boots for {}", boot.name, boot.tasks.join(", ")));
        let started = Instant::now();
        let disk = self.folder.join(format!("{}.disk", boot.name));
        fresh(&disk, OUT)?;
        let errors = self.folder.join(format!("{}.stderr", boot.name));
        let mut guest = Guest::start(self.command(boot, &disk)?, &errors)?;
        let ended = guest.wait(started + LIMIT, boot.kill);
        drop(guest);
        let (lines, killed) = ended;
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        crate::project::write(
            &self.folder.join(format!("{}.console", boot.name)),
            text.as_bytes(),
        )?;
        let seconds = started.elapsed().as_secs_f64();
        let errors = std::fs::read_to_string(&errors).unwrap_or_default();
        let end = end(&lines, killed, &errors)
            .map_err(|why| Fault::could_not_run(format!("boot {}: {why}", boot.name)))?;
        let how = match end {
            End::PoweredOff => "switched itself off",
            End::Reset => "reset itself",
            End::Killed => "was killed",
        };
        say::step(format!("{}: {how} after {seconds:.1} s", boot.name));
        let files = self.folder.join(format!("{}.out", boot.name));
        unpack(&disk, &files, &end)?;
        Ok(Booted { console: Console { lines, end }, files })
    }

    /// Throws away what an image holds, so that the next boot finds new memory.
    pub(crate) fn forget(&self, image: &str) {
        let _ = std::fs::remove_file(self.folder.join(image));
    }

    fn command(&self, boot: &Boot<'_>, disk: &Path) -> Result<Command, Fault> {
        let image = self.folder.join(boot.image);
        if !image.exists() {
            fresh(&image, PMEM)?;
        }
        let mut qemu = Command::new(self.tools.program("qemu-system-x86_64")?);
        qemu.env("LD_LIBRARY_PATH", self.tools.library_path());
        for firmware in ["qemu", "seabios"] {
            qemu.arg("-L").arg(self.tools.0.join("usr/share").join(firmware));
        }
        let memory = format!(
            "memory-backend-file,id=pmem,share=on,mem-path={},size={PMEM}",
            image.display()
        );
        // Always emulated: nested virtualisation may hang right at the start, and emulation is quick enough.
        qemu.args(["-machine", "q35,accel=tcg,nvdimm=on", "-cpu", "max", "-smp", "1"])
            .args(["-m", "1G,slots=2,maxmem=4G", "-object", &memory])
            .args(match boot.device {
                Device::Nvdimm => ["-device", "nvdimm,memdev=pmem"],
                Device::VirtioPmem => ["-device", "virtio-pmem-pci,memdev=pmem"],
            })
            .args(["-nodefaults", "-no-user-config", "-display", "none", "-vga", "none"])
            .args(["-net", "none", "-no-reboot", "-serial", "stdio"])
            .args(["-drive", &format!("file={},if=virtio,format=raw", disk.display())])
            .arg("-kernel")
            .arg(&self.kernel)
            .arg("-initrd")
            .arg(&self.initrd)
            .args(["-append", &command_line(boot.tasks)]);
        Ok(qemu)
    }
}

/// The kernel's command line: a panic ends QEMU (`panic=-1` reboots at once, which `-no-reboot` makes an end).
fn command_line(tasks: &[&str]) -> String {
    format!("console=ttyS0 quiet mitigations=off panic=-1 tasks={}", tasks.join("/"))
}

/// An empty file of so many bytes, none of which takes space yet.
fn fresh(path: &Path, bytes: u64) -> Result<()> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    file.set_len(bytes).with_context(|| format!("cannot extend {}", path.display()))
}

/// Unpacks what the guest handed out.
fn unpack(disk: &Path, files: &Path, end: &End) -> Result<()> {
    if files.exists() {
        std::fs::remove_dir_all(files)?;
    }
    std::fs::create_dir_all(files)?;
    if *end == End::PoweredOff {
        say::output(Command::new("tar").arg("-xf").arg(disk).arg("-C").arg(files))?;
    }
    std::fs::remove_file(disk).with_context(|| format!("cannot remove {}", disk.display()))
}

/// How a boot ended that said these lines, or why nothing can be learnt from it.
fn end(lines: &[String], killed: Option<Killed>, errors: &str) -> Result<End, String> {
    if let Some(panic) = lines.iter().find(|line| line.contains("Kernel panic")) {
        return Err(format!("the guest panicked: {panic}"));
    }
    let last = lines.iter().rev().find(|line| !line.trim().is_empty());
    let last = last.map_or("nothing", String::as_str);
    match killed {
        Some(Killed::AsIntended) => return Ok(End::Killed),
        Some(Killed::TooLong) => {
            return Err(format!("took longer than {} s; the last line: {last}", LIMIT.as_secs()));
        }
        None => {}
    }
    // The guest's own word may be lost with the reset; the kernel's waits until it is printed.
    if lines.iter().any(|line| line.contains("sysrq: Resetting")) {
        return Ok(End::Reset);
    }
    match lines.iter().filter_map(|line| line.strip_prefix("GUEST ")).next_back() {
        Some("off") => Ok(End::PoweredOff),
        Some("reset") => Ok(End::Reset),
        Some(_) => Err(format!("the guest ended early; the last line: {last}")),
        None => Err(format!("QEMU does not start the guest: {} {last}", errors.trim())),
    }
}

/// Why QEMU was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    AsIntended,
    TooLong,
}

/// A running QEMU; it does not outlive this.
struct Guest {
    qemu: Child,
    lines: Receiver<String>,
}

impl Guest {
    fn start(mut command: Command, errors: &Path) -> Result<Self> {
        let errors = File::create(errors).context("cannot create a file for QEMU's errors")?;
        let mut qemu = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .context("QEMU does not start")?;
        let console = qemu.stdout.take().expect("it is piped");
        Ok(Self { qemu, lines: lines(console) })
    }

    /// Collects lines until QEMU ends, or is killed.
    fn wait(&mut self, limit: Instant, kill: Option<Kill>) -> (Vec<String>, Option<Killed>) {
        let mut collected: Vec<String> = Vec::new();
        let mut intended = None;
        loop {
            let until = intended.unwrap_or(limit).min(limit);
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let begins = |kill: &Kill| intended.is_none() && line.starts_with(kill.after);
                    if let Some(kill) = kill.filter(begins) {
                        intended = Some(Instant::now() + kill.delay);
                    }
                    collected.push(line);
                }
                Err(RecvTimeoutError::Disconnected) => return (collected, None),
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.qemu.kill();
                    // What QEMU had printed before it was killed.
                    collected.extend(self.lines.iter());
                    let why = if intended.is_some_and(|at| at <= limit) {
                        Killed::AsIntended
                    } else {
                        Killed::TooLong
                    };
                    return (collected, Some(why));
                }
            }
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// The lines of a console as they come.
fn lines(console: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut console = BufReader::new(console);
        let mut line = Vec::new();
        // A line without an end was cut off, and is not what it looks like.
        while console.read_until(b'\n', &mut line).is_ok() && line.ends_with(b"\n") {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if sender.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(text: &str, killed: Option<Killed>) -> Result<End, String> {
        end(&text.lines().map(String::from).collect::<Vec<_>>(), killed, "no such file")
    }

    #[test]
    fn only_a_guest_that_said_so_has_come_to_its_end() {
        assert_eq!(ended("GUEST up=2\nGUEST off", None), Ok(End::PoweredOff));
        assert_eq!(ended("GUEST up=2\nGUEST reset\n[ 3.1] sysrq: Resetting", None), Ok(End::Reset));
        assert_eq!(ended("GUEST up=2\nREADY", Some(Killed::AsIntended)), Ok(End::Killed));
    }

    #[test]
    fn a_panic_a_time_out_and_an_early_end_could_not_run() {
        let panicked = ended("GUEST up=2\n[1.2] Kernel panic - not syncing: x\nGUEST off", None);
        assert!(panicked.unwrap_err().contains("not syncing: x"));
        let killed = ended("GUEST up=2\nTASK format:xfs", Some(Killed::TooLong));
        assert!(killed.unwrap_err().contains("TASK format:xfs"));
        assert!(ended("GUEST up=2\nTASK a\n", None).unwrap_err().contains("TASK a"));
        assert!(ended("", None).unwrap_err().contains("no such file"));
    }
}
