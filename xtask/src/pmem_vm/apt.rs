//! Which packages of Debian are needed, downloaded by apt and unpacked into a folder. Nothing is installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::verdict::Fault;
use crate::{project, say};

/// The kernel is named by the package that always depends on the current build of it.
const KERNEL: &str = "linux-image-cloud-amd64";

/// The guest's programs and QEMU; of these and what they need, only what this machine lacks is downloaded.
const TOOLS: [&str; 5] = ["qemu-system-x86", "busybox-static", "e2fsprogs", "xfsprogs", "ndctl"];

/// The file in an unpacked set that lists its packages: the set is complete when it is there.
const LIST: &str = "packages.txt";

/// One package in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Package {
    name: String,
    version: String,
}

impl std::fmt::Display for Package {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}={}", self.name, self.version)
    }
}

/// What is unpacked, and where.
pub(crate) struct Packages {
    /// The kernel's image and modules.
    pub(crate) kernel: PathBuf,
    /// The programs that this machine lacks.
    pub(crate) tools: PathBuf,
    /// Names with versions, for the eye.
    pub(crate) versions: String,
}

impl Packages {
    /// The file that QEMU boots.
    pub(crate) fn kernel_image(&self) -> Result<PathBuf> {
        let boot = self.kernel.join("boot");
        let files = std::fs::read_dir(&boot)
            .with_context(|| format!("there is no kernel in {}", boot.display()))?;
        let is_image = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-"))
        };
        let image = files.flatten().map(|entry| entry.path()).find(is_image);
        image.with_context(|| format!("there is no kernel in {}", boot.display()))
    }
}

/// Both sets, unpacked below `folder`; those of an earlier run serve where they are still what apt would install, or
/// apt cannot be asked.
pub(crate) fn packages(folder: &Path) -> Result<Packages, Fault> {
    let (kernel, tools) = (folder.join("kernel"), folder.join("tools"));
    let fetched = fetch(&kernel, &tools).or_else(|_| {
        update()?;
        fetch(&kernel, &tools)
    });
    if let Err(error) = fetched {
        let earlier = kernel.join(LIST).is_file() && tools.join(LIST).is_file();
        if !earlier {
            return Err(Fault::could_not_run(format!("no packages: {error:#}")));
        }
        say::step(format!("packages of an earlier run serve, for now: {error:#}"));
    }
    let versions = versions(&kernel, &tools)?;
    Ok(Packages { kernel, tools, versions })
}

fn fetch(kernel: &Path, tools: &Path) -> Result<()> {
    ensure!(say::works(&mut apt("apt-get", &["--version"])), "there is no apt-get here");
    set(kernel, &[current_kernel()?])?;
    set(tools, &missing()?)
}

fn update() -> Result<()> {
    let is_root = say::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    ensure!(is_root, "apt does not have them: type `sudo apt-get update`");
    say::run(&mut apt("apt-get", &["-qq", "update"]))
}

/// An apt command that reads as it is parsed here, and downloads as whoever called it.
fn apt(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C").args(["-o", "APT::Sandbox::User=root"]).args(arguments);
    command
}

/// The kernel's image of today.
fn current_kernel() -> Result<Package> {
    let depends = say::output(&mut apt("apt-cache", &["depends", KERNEL]))?;
    let name = image(&depends).with_context(|| format!("{KERNEL} depends on no kernel"))?;
    let policy = say::output(&mut apt("apt-cache", &["policy", name]))?;
    let version = candidate(&policy).with_context(|| format!("apt has no {name}"))?;
    Ok(Package { name: name.into(), version: version.into() })
}

/// The image among the dependencies of a kernel's package.
fn image(depends: &str) -> Option<&str> {
    let images = depends.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    images.map(str::trim).find(|name| name.starts_with("linux-image-"))
}

/// The version that apt would install.
fn candidate(policy: &str) -> Option<&str> {
    let version = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    (version != "(none)").then_some(version)
}

/// What installing the tools would bring to this machine.
fn missing() -> Result<Vec<Package>> {
    let install = ["-qq", "--simulate", "--no-install-recommends", "install"];
    let plan = say::output(apt("apt-get", &install).args(TOOLS))?;
    Ok(plan.lines().filter_map(planned).collect())
}

/// A line `Inst NAME [INSTALLED] (VERSION ORIGIN …)`; the installed version stands there only at an upgrade.
fn planned(line: &str) -> Option<Package> {
    let mut words = line.strip_prefix("Inst ")?.split_whitespace();
    let name = words.next()?.into();
    let version = words.find_map(|word| word.strip_prefix('('))?.trim_end_matches(')').into();
    Some(Package { name, version })
}

/// Unpacks exactly these packages into `folder`, unless they are there.
fn set(folder: &Path, packages: &[Package]) -> Result<()> {
    let list: String = packages.iter().map(|package| format!("{package}\n")).collect();
    if std::fs::read_to_string(folder.join(LIST)).is_ok_and(|there| there == list) {
        return Ok(());
    }
    let downloads = folder.with_extension("debs");
    let unpacked = folder.with_extension("new");
    for fresh in [&downloads, &unpacked] {
        remove(fresh)?;
        std::fs::create_dir_all(fresh)?;
    }
    if !packages.is_empty() {
        say::step(format!("{} packages for {}", packages.len(), folder.display()));
        let names = packages.iter().map(Package::to_string);
        say::output(apt("apt-get", &["-qq", "download"]).args(names).current_dir(&downloads))?;
    }
    for package in std::fs::read_dir(&downloads)? {
        say::output(Command::new("dpkg").arg("-x").arg(package?.path()).arg(&unpacked))?;
    }
    project::write(&unpacked.join(LIST), list.as_bytes())?;
    remove(&downloads)?;
    remove(folder)?;
    std::fs::rename(&unpacked, folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            bail!("cannot remove {}: {error}", folder.display())
        }
        _ => Ok(()),
    }
}

/// The kernel and the tools by name, with the versions that are unpacked or installed.
fn versions(kernel: &Path, tools: &Path) -> Result<String> {
    let kernel = std::fs::read_to_string(kernel.join(LIST))?;
    let unpacked = std::fs::read_to_string(tools.join(LIST))?;
    let mut found: Vec<String> = kernel.lines().map(String::from).collect();
    for tool in TOOLS {
        let of_tool = |line: &&str| line.split('=').next() == Some(tool);
        if let Some(line) = unpacked.lines().find(of_tool) {
            found.push(line.into());
        } else {
            let format = ["-W", "-f", "${Package}=${Version}"];
            found.push(say::output(Command::new("dpkg-query").args(format).arg(tool))?);
        }
    }
    Ok(found.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_installation_would_bring_is_read_with_versions() {
        let plan = "NOTE: This is only a simulation!\n\
            Inst busybox-static (1:1.35.0-4+deb12u1+b1 Debian:12.12/oldstable [amd64])\n\
            Inst libss2 [1.46.6-1] (1.47.0-2+b2 Debian:12.12/oldstable [amd64]) []\n\
            Conf libss2 (1.47.0-2+b2 Debian:12.12/oldstable [amd64])\n";
        let planned: Vec<String> =
            plan.lines().filter_map(planned).map(|package| package.to_string()).collect();
        assert_eq!(planned, ["busybox-static=1:1.35.0-4+deb12u1+b1", "libss2=1.47.0-2+b2"]);
    }

    #[test]
    fn the_kernel_is_the_image_that_the_package_stands_for() {
        let depends = "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n";
        assert_eq!(image(depends), Some("linux-image-6.1.0-56-cloud-amd64"));
        assert_eq!(image("linux-image-cloud-amd64\n  Depends: linux-base\n"), None);
        let policy = "linux-image-6.1.0-56-cloud-amd64:\n  Installed: (none)\n  Candidate: 6.1.192-2\n  Version table:\n";
        assert_eq!(candidate(policy), Some("6.1.192-2"));
        assert_eq!(candidate("x:\n  Installed: (none)\n  Candidate: (none)\n"), None);
    }
}
