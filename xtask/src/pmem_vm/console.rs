//! What the guest said on its console: lines of `KEY name=value name=value …`.

use super::verdict::Fault;

/// How a boot ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// The guest did all its tasks and switched itself off.
    PoweredOff,
    /// The guest reset itself, as it was told to.
    Reset,
    /// QEMU was killed, as intended.
    Killed,
}

/// The lines of one boot.
#[derive(Debug, Clone)]
pub(crate) struct Console {
    /// In order, without the ends of lines.
    pub(crate) lines: Vec<String>,
    /// How the boot ended.
    pub(crate) end: End,
}

impl Console {
    /// What follows `key` and a space on the newest line that begins so; a missing line means that it could not run.
    pub(crate) fn say<'a>(&'a self, key: &'a str) -> Result<&'a str, Fault> {
        self.all(key)
            .last()
            .ok_or_else(|| Fault::could_not_run(format!("the guest printed no line `{key} …`")))
    }

    /// What follows `key` and a space, on every line that begins so.
    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(move |line| line.strip_prefix(key)?.strip_prefix(' '))
    }

    /// The exit status of the newest task that was named exactly so.
    pub(crate) fn status(&self, task: &str) -> Result<i32, Fault> {
        let of_task = |said: &str| said.strip_prefix(task)?.strip_prefix(" status=")?.parse().ok();
        self.all("DONE").filter_map(of_task).last().ok_or_else(|| {
            Fault::could_not_run(format!("the guest did not come to the end of `{task}`"))
        })
    }

    /// Whether the task ended with status 0, as it has to before anything else can be judged.
    pub(crate) fn needs(&self, task: &str) -> Result<(), Fault> {
        match self.status(task)? {
            0 => Ok(()),
            status => {
                let said = self.last_words(task);
                Err(Fault::could_not_run(format!("`{task}` ended with status {status}{said}")))
            }
        }
    }

    /// The last line that a task printed, for a message.
    pub(crate) fn last_words(&self, task: &str) -> String {
        let begin = format!("TASK {task}");
        let from = self.lines.iter().rposition(|line| *line == begin).map_or(0, |at| at + 1);
        let lines = self.lines[from..].iter().take_while(|line| !line.starts_with("DONE "));
        lines.last().map(|line| format!(": {line}")).unwrap_or_default()
    }
}

/// The value of `name=` in a line of `name=value` words.
pub(crate) fn value<'a>(line: &'a str, name: &str) -> Result<&'a str, Fault> {
    let of_name = |word: &'a str| word.strip_prefix(name)?.strip_prefix('=');
    let missing = || Fault::could_not_run(format!("the guest's line `{line}` has no `{name}=`"));
    line.split_whitespace().find_map(of_name).ok_or_else(missing)
}

/// The number of `name=` in a line of `name=value` words.
pub(crate) fn number(line: &str, name: &str) -> Result<u64, Fault> {
    let text = value(line, name)?;
    let faulty = |_| Fault::could_not_run(format!("`{name}={text}` of the guest is no number"));
    text.parse().map_err(faulty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console(text: &str) -> Console {
        Console { lines: text.lines().map(String::from).collect(), end: End::PoweredOff }
    }

    #[test]
    fn a_missing_line_is_could_not_run_and_never_a_verdict() {
        let console = console("TASK a\nA x=1 y=no\nDONE a status=0\nTASK ab");
        assert_eq!(console.say("A"), Ok("x=1 y=no"));
        for fault in [
            console.say("B").unwrap_err(),
            console.needs("ab").unwrap_err(),
            console.status("b").unwrap_err(),
            value("x=1", "y").unwrap_err(),
            value("", "x").unwrap_err(),
            number("x=1 y=no", "y").unwrap_err(),
            number("x=", "x").unwrap_err(),
        ] {
            assert!(matches!(fault, Fault::CouldNotRun(_)), "{fault:?}");
        }
    }

    #[test]
    fn values_are_found_by_their_whole_name() {
        assert_eq!(value("xy=1 y=2", "y"), Ok("2"));
        assert_eq!(number("records=12 bad=0", "bad"), Ok(0));
        let console = console("AB 1\nA 2\nA 3\nDONE a:b status=1\nDONE a status=4");
        assert_eq!(console.say("A"), Ok("3"));
        assert_eq!(console.all("A").collect::<Vec<_>>(), ["2", "3"]);
        assert_eq!(console.status("a"), Ok(4));
        assert_eq!(console.status("a:b"), Ok(1));
    }

    #[test]
    fn a_failed_task_says_its_last_words() {
        let console = console("TASK a\nfirst\nno space\nDONE a status=3\nTASK b\nDONE b status=0");
        assert_eq!(console.needs("b"), Ok(()));
        let Err(Fault::CouldNotRun(why)) = console.needs("a") else { panic!("it has failed") };
        assert_eq!(why, "`a` ended with status 3: no space");
    }
}
