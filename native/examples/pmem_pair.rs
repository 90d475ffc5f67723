//! What a hard reset leaves of a page that was stored into a hole, by how the file was mapped: the
//! question of lecture S25, put to a real kernel.
//!
//! `pmem_pair before DIR` makes three files of one hole each, durable, and stores, writes back and
//! fences one page of each. Then the machine is reset. `pmem_pair after DIR` says what is there.
//! `cargo xtask pmem-vm` runs both.
use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    let done = pair::run();
    #[cfg(not(target_os = "linux"))]
    let done = Err("only Linux maps persistent memory");
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pmem_pair: {error}");
            ExitCode::from(2)
        }
    }
}

#[cfg(target_os = "linux")]
mod pair {
    use daxscope_core::medium::{LineRange, Medium};
    use daxscope_core::units::{Cpu, Word, WordAddr};
    use daxscope_native::pmem::{Options, PmemMedium, Wanted};
    use std::error::Error;
    use std::fs::{File, OpenOptions};
    use std::io::{ErrorKind, Read};
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};

    /// The variants of S25 that are tried here. The one that nothing commits comes last: each of the
    /// others commits the running transaction, and would save it too.
    const VARIANTS: [&str; 3] = ["map-sync", "fsync", "shared"];

    /// Too short for a huge page, so that one page is one fault.
    const LEN: u64 = 1 << 20;

    const PAGE_WORDS: u64 = 512;
    const CPU: Cpu = Cpu(0);

    pub(crate) fn run() -> Result<(), Box<dyn Error>> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let [what, folder] = words.as_slice() else {
            return Err("expected `before DIR` or `after DIR`".into());
        };
        let folder = Path::new(folder);
        match what.as_str() {
            "before" => before(folder),
            "after" => VARIANTS.into_iter().try_for_each(|variant| say(folder, "AFTER", variant)),
            other => Err(format!("`{other}` is no command, expected `before` or `after`").into()),
        }
    }

    fn before(folder: &Path) -> Result<(), Box<dyn Error>> {
        for variant in VARIANTS {
            let file = File::create(path(folder, variant))?;
            file.set_len(LEN)?;
            file.sync_all()?;
        }
        File::open(folder)?.sync_all()?;
        VARIANTS.into_iter().try_for_each(|variant| {
            store(folder, variant)?;
            say(folder, "BEFORE", variant)
        })
    }

    /// One page by a mapping of the variant's kind, written back and fenced; then fsync where that is
    /// the variant.
    fn store(folder: &Path, variant: &str) -> Result<(), Box<dyn Error>> {
        let sync = if variant == "map-sync" { Wanted::DemandMapSync } else { Wanted::Plain };
        let path = path(folder, variant);
        let mut medium = PmemMedium::open(&path, &Options { sync, ..Options::new(LEN) })?;
        let at = WordAddr(0);
        medium.store(CPU, at, &[stored(); PAGE_WORDS as usize]);
        medium.write_back(CPU, LineRange::of_words(at, PAGE_WORDS));
        fence(&mut medium, sync)?;
        if variant == "fsync" {
            OpenOptions::new().write(true).open(&path)?.sync_all()?;
        }
        Ok(())
    }

    /// sfence, and no more. A plain mapping's own fence is an `msync` too, which would save what is to
    /// be lost here; but a CPU has one sfence for all its mappings.
    fn fence(medium: &mut PmemMedium, sync: Wanted) -> Result<(), Box<dyn Error>> {
        if sync == Wanted::Plain {
            PmemMedium::anonymous(4096)?.fence(CPU);
        } else {
            medium.fence(CPU);
        }
        Ok(())
    }

    fn say(folder: &Path, when: &str, variant: &str) -> Result<(), Box<dyn Error>> {
        let mut file = match File::open(path(folder, variant)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                println!("{when} variant={variant} blocks=0 data=missing");
                return Ok(());
            }
            file => file?,
        };
        let mut page = [0; PAGE_WORDS as usize * size_of::<Word>()];
        file.read_exact(&mut page)?;
        let data = match page.as_chunks::<8>().0 {
            words if words.iter().all(|word| Word(*word) == stored()) => "stored",
            words if words.iter().all(|word| Word(*word) == Word::ZERO) => "zeros",
            _ => "torn",
        };
        println!("{when} variant={variant} blocks={} data={data}", file.metadata()?.blocks());
        Ok(())
    }

    const fn stored() -> Word {
        Word(*b"XXXXXXXX")
    }

    fn path(folder: &Path, variant: &str) -> PathBuf {
        folder.join(format!("pair-{variant}"))
    }
}
