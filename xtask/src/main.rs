//! The one build tool of daxscope: `cargo xtask help` says what it does.
//!
//! Read in this order: [`args`] what was typed, [`say`] how it speaks, [`project`] where things are, [`tools`] what it
//! installs; then the page: [`page`], [`wasm`], [`twin`], [`single_file`], [`size`], [`dist`], [`serve`]; then the
//! proof: [`plan`], [`lint`], [`edges`], [`tidy`], [`browser`]; and what a real Linux says: [`pmem_vm`].
#![forbid(unsafe_code)]

mod args;
mod say;

mod project;
mod tools;

mod page;
mod wasm;

mod twin;

mod single_file;
mod size;

mod dist;
mod serve;

mod plan;

mod lint;

mod edges;
mod tidy;

mod browser;

mod pmem_vm;

use std::process::ExitCode;

use args::Command;

fn main() -> ExitCode {
    let done = match args::parse() {
        Ok(Command::Help) => {
            println!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Command::Serve { port }) => serve::page(port),
        Ok(Command::Dist { optimise }) => dist::command(optimise),
        Ok(Command::Test(choice)) => plan::test(&choice),
        Ok(Command::Ci) => plan::ci(),
        Ok(Command::PmemVm { must_run }) => pmem_vm::command(must_run),
        Err(error) => {
            eprintln!("xtask: {error}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
