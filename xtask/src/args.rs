//! What was typed.

use std::ffi::OsString;

use lexopt::prelude::*;

/// What `cargo xtask help` prints.
pub(crate) const HELP: &str = "\
usage: cargo xtask COMMAND

  serve [--port N]     build the page and serve it on 127.0.0.1 (port 8080 or the next free one);
                       a reload builds again when a source has changed
  dist [--no-opt]      write dist/site/ and dist/daxscope.html, and print what a first visit costs;
                       --no-opt leaves out wasm-opt, for a machine without node
  test [--only GROUP]… [-- PLAYWRIGHT-ARGUMENT…]
                       prove all of it; GROUP is lint, native or browser
  ci                   all of test, then pmem-vm
  pmem-vm [--must-run] boot Debian's Linux with emulated persistent memory, test there what is built for the real
                       one, and ask it what the model says; what cannot run here is SKIPPED, which --must-run
                       makes a failure
  help                 this text

Each command sets up what it needs: the wasm32 target, rustfmt and clippy by rustup, npm packages in
e2e/node_modules, Chromium and e2fsprogs by apt when you are root (otherwise it says what to type). pmem-vm
downloads Debian's packages and installs none.
CHROMIUM=/path/to/chromium chooses the browser; DAXSCOPE_WITHOUT_E2FSPROGS=1 does without a second
reader of the journal.";

/// One command with its options.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print [`HELP`].
    Help,
    /// Build and serve the page.
    Serve {
        /// This port and no other.
        port: Option<u16>,
    },
    /// Write what is published.
    Dist {
        /// Run wasm-opt.
        optimise: bool,
    },
    /// Run the checks and tests.
    Test(Choice),
    /// All of `test`, and `pmem-vm`.
    Ci,
    /// Ask a real Linux.
    PmemVm {
        /// What cannot run here is a failure.
        must_run: bool,
    },
}

/// Which part of `test` to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Groups named by `--only`; none means all.
    pub(crate) only: Vec<Group>,
    /// What follows `--`, handed to Playwright.
    pub(crate) playwright: Vec<OsString>,
}

impl Choice {
    /// Whether the steps of `group` are to run.
    pub(crate) fn includes(&self, group: Group) -> bool {
        self.only.is_empty() || self.only.contains(&group)
    }
}

/// A part of `test`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Formatting, clippy, the direction of dependencies, files.
    Lint,
    /// Every native test, and the documentation.
    Native,
    /// The page, in Chromium.
    Browser,
}

impl std::str::FromStr for Group {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "lint" => Ok(Self::Lint),
            "native" => Ok(Self::Native),
            "browser" => Ok(Self::Browser),
            _ => Err("expected lint, native or browser".into()),
        }
    }
}

/// Reads the command line.
pub(crate) fn parse() -> Result<Command, lexopt::Error> {
    parse_from(std::env::args_os().skip(1).collect())
}

fn parse_from(mut words: Vec<OsString>) -> Result<Command, lexopt::Error> {
    let after = words.iter().position(|word| word == "--").map(|at| words.split_off(at));
    let mut command = command(&mut lexopt::Parser::from_args(words))?;
    match (&mut command, after) {
        (_, None) => {}
        (Command::Test(choice), Some(after)) => choice.playwright = after[1..].to_vec(),
        (_, Some(_)) => return Err("only `test` takes arguments after `--`".into()),
    }
    Ok(command)
}

fn command(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut command = match parser.next()? {
        None | Some(Long("help") | Short('h')) => return Ok(Command::Help),
        Some(Value(name)) => match name.string()?.as_str() {
            "help" => Command::Help,
            "serve" => Command::Serve { port: None },
            "dist" => Command::Dist { optimise: true },
            "test" => Command::Test(Choice::default()),
            "ci" => Command::Ci,
            "pmem-vm" => Command::PmemVm { must_run: false },
            other => return Err(format!("there is no command `{other}`").into()),
        },
        Some(other) => return Err(other.unexpected()),
    };
    while let Some(arg) = parser.next()? {
        match (&mut command, arg) {
            (_, Long("help") | Short('h')) => return Ok(Command::Help),
            (Command::Serve { port }, Long("port")) => *port = Some(parser.value()?.parse()?),
            (Command::Dist { optimise }, Long("no-opt")) => *optimise = false,
            (Command::PmemVm { must_run }, Long("must-run")) => *must_run = true,
            (Command::Test(choice), Long("only")) => choice.only.push(parser.value()?.parse()?),
            (_, other) => return Err(other.unexpected()),
        }
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        let words = line.split_whitespace().map(OsString::from).collect();
        parse_from(words).map_err(|error| error.to_string())
    }

    #[test]
    fn commands_and_their_options() {
        assert_eq!(parsed(""), Ok(Command::Help));
        assert_eq!(parsed("serve --port 9000"), Ok(Command::Serve { port: Some(9000) }));
        assert_eq!(parsed("dist --no-opt"), Ok(Command::Dist { optimise: false }));
        assert_eq!(parsed("pmem-vm"), Ok(Command::PmemVm { must_run: false }));
        assert_eq!(parsed("pmem-vm --must-run"), Ok(Command::PmemVm { must_run: true }));
        let Ok(Command::Test(choice)) =
            parsed("test --only lint --only browser -- -g smoke --headed")
        else {
            panic!("test is a command");
        };
        assert_eq!(choice.only, [Group::Lint, Group::Browser]);
        assert_eq!(choice.playwright, ["-g", "smoke", "--headed"]);
        assert!(!choice.includes(Group::Native));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for line in [
            "sevre",
            "serve --port x",
            "dist --port 1",
            "test --only all",
            "ci --only lint",
            "ci --must-run",
            "test lint",
            "serve -- x",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
