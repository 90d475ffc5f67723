//! Packs the lectures for the page, which reads no lecture files.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use daxscope_scenarios::Catalogue;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../scenarios/lectures");
    let folder = env::var_os("OUT_DIR").expect("cargo names a folder");
    let folder = Path::new(&folder);
    let all = Catalogue::embedded();
    let (here, elsewhere) = match env::var_os("CARGO_FEATURE_EXT4") {
        Some(_) => (all, Vec::new()),
        None => all.without_ext4(),
    };
    fs::write(folder.join("lectures.bin"), here.pack()).expect("the folder can be written");
    let mut list = String::from("&[");
    for lecture in elsewhere {
        let it = (&lecture.id, &lecture.slug, &lecture.question);
        writeln!(list, "{it:?},").expect("a string takes everything");
    }
    fs::write(folder.join("elsewhere.rs"), list + "]").expect("the folder can be written");
}
