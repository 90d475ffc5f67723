//! The machine that a benchmark runs on, as far as its reader must know it.

use crate::pmem::Granted;
use serde::{Deserialize, Serialize};
use std::fs;

/// Processor, kernel, and what they offer for persistent memory.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Host {
    /// The processor's name.
    pub cpu: String,
    /// System and release.
    pub kernel: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// Memory, rounded.
    pub memory_gib: u64,
    /// The processor is emulated (QEMU TCG): counts and contents hold, times say nothing.
    pub emulated: bool,
    /// How a line is written back: `clwb`, `clflushopt`, `clflush`, or `none` on eADR.
    pub flush: String,
    /// What a power cut spares besides the memory itself, as the kernel says: `memory_controller`,
    /// `cpu_cache`, or `unknown`.
    pub persistence_domain: String,
}

impl Host {
    /// This machine, with a medium that was mapped on it. What cannot be found out reads `unknown`.
    #[must_use]
    pub fn this(granted: &Granted) -> Self {
        let cpuinfo = read("/proc/cpuinfo");
        let cpu = field(&cpuinfo, "model name").unwrap_or("unknown").to_owned();
        let memory = field(&read("/proc/meminfo"), "MemTotal")
            .and_then(|text| text.trim_end_matches("kB").trim().parse::<u64>().ok())
            .unwrap_or(0);
        Self {
            emulated: cpu.contains("QEMU TCG"),
            cpu,
            kernel: format!(
                "{} {}",
                read("/proc/sys/kernel/ostype").trim(),
                read("/proc/sys/kernel/osrelease").trim()
            ),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: (memory + (1 << 19)) >> 20,
            flush: granted.flush.name().into(),
            persistence_domain: granted
                .persistence_domain
                .clone()
                .unwrap_or_else(|| "unknown".into()),
        }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The value of the first line `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then_some(value.trim())
    })
}
