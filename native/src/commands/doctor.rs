//! `daxscope doctor`.

use super::print_json;
use crate::Outcome;
use anyhow::Result;
use daxscope_native::doctor::{PathReport, Report, examine};
use daxscope_native::sys::Sys;
use std::io::{self, Write};
use std::path::PathBuf;

/// Looks at the machine and at the paths.
///
/// # Errors
/// A path that does not exist or cannot be looked at.
pub(super) fn doctor(paths: &[PathBuf], json: bool) -> Result<Outcome> {
    let report = examine(&Sys::host(), paths)?;
    if json {
        print_json(&report)?;
        return Ok(Outcome::AsExpected);
    }
    let mut out = anstream::stdout().lock();
    machine(&mut out, &report)?;
    for found in &report.paths {
        path(&mut out, found)?;
    }
    Ok(Outcome::AsExpected)
}

fn machine(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let Report { kernel, cpu, .. } = report;
    let config = kernel
        .config
        .iter()
        .map(|(option, value)| format!("{}={value}", option.trim_start_matches("CONFIG_")));
    let config: Vec<_> = config.collect();
    let config =
        if config.is_empty() { "configuration not readable".into() } else { config.join(" ") };
    writeln!(out, "kernel:            {}, {config}", kernel.release)?;
    let has = |has| if has { "yes" } else { "no" };
    writeln!(out, "CPU:               clwb {}, clflushopt {}", has(cpu.clwb), has(cpu.clflushopt))?;
    writeln!(out, "persistent memory: {}", report.reasons.join("; "))?;
    for region in &report.regions {
        let domain = region.persistence_domain.as_deref().unwrap_or("not said");
        let (name, provider) = (&region.name, region.provider.as_deref().unwrap_or("unknown"));
        let size = mebibytes(region.size);
        writeln!(out, "  {name}: {size}, by {provider}, persistence domain: {domain}")?;
    }
    for namespace in &report.namespaces {
        let (name, mode) = (&namespace.name, &namespace.mode);
        writeln!(out, "  {name}: {}, mode {mode}", mebibytes(namespace.size))?;
    }
    if !report.devices.is_empty() {
        writeln!(out, "  {}", report.devices.join(" "))?;
    }
    Ok(())
}

fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or("size not said".into(), |bytes| format!("{} MiB", bytes >> 20))
}

fn path(out: &mut impl Write, found: &PathReport) -> io::Result<()> {
    writeln!(out, "\n{}", found.path.display())?;
    let mounted = match (&found.device, &found.mount_point) {
        (Some(device), Some(point)) => {
            format!(", {device} on {point} ({})", found.mount_options.join(","))
        }
        _ => String::new(),
    };
    writeln!(out, "  file system: {}{mounted}", found.fs)?;
    let dax = match found.dax {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not said",
    };
    writeln!(out, "  DAX:         {dax}")?;
    let errno = found.errno.as_deref().unwrap_or("granted");
    writeln!(out, "  MAP_SYNC:    {errno}")?;
    writeln!(out, "  mapped as:   {}; flush: {}", found.would_map, found.flush)?;
    writeln!(out, "  why:         {}", found.why)
}
