//! Packs the lectures for the page, which reads no lecture files.

use std::path::Path;
use std::{env, fs};

use daxscope_scenarios::Catalogue;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../scenarios/lectures");
    let folder = env::var_os("OUT_DIR").expect("cargo names a folder");
    let packed = Catalogue::embedded().for_the_page().pack();
    fs::write(Path::new(&folder).join("lectures.bin"), packed).expect("the folder can be written");
}
