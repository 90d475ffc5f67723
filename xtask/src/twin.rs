//! The text of the lectures, made by the command line, for readers without WebAssembly.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{project, say};

/// Runs every lecture and returns their text as HTML; empty while the command line lists no lecture.
pub(crate) fn html() -> Result<String> {
    say::step("writing the lectures as text");
    say::run(project::cargo().args(["build", "--package", "daxscope"]))?;
    let program = project::target()?.join("debug/daxscope");
    let list = say::output(Command::new(&program).args(["list", "--json"]))?;
    if list.trim().is_empty() {
        say::step("the command line lists no lecture yet: the page carries no text of them");
        return Ok(String::new());
    }
    let list: Vec<Value> =
        serde_json::from_str(&list).context("`daxscope list --json` printed no list")?;
    // What the page itself has: each first visit pays for the text.
    let list: Vec<_> = list.into_iter().filter(|lecture| lecture["page"] == true).collect();
    let mut html = String::new();
    for lecture in &list {
        lecture_html(&program, lecture, &mut html)?;
    }
    say::step(format!("{} lectures, {} kB of text", list.len(), html.len() / 1000));
    Ok(html)
}

fn lecture_html(program: &Path, lecture: &Value, html: &mut String) -> Result<()> {
    let key = |name: &str| {
        lecture[name].as_str().with_context(|| format!("a listed lecture has no {name}"))
    };
    let (id, question) = (key("id")?, key("question")?);
    let text = say::output(Command::new(program).args(["run", id]))?;
    anyhow::ensure!(!text.trim().is_empty(), "`daxscope run {id}` printed nothing");
    writeln!(
        html,
        "<details><summary>{}: {}</summary>\n<pre tabindex=\"0\">{}</pre></details>",
        escaped(id),
        escaped(question),
        escaped(&text),
    )?;
    Ok(())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_stays_text() {
        assert_eq!(super::escaped("a < b && c > d"), "a &lt; b &amp;&amp; c &gt; d");
    }
}
