//! The text of the lectures, made by the command line, for readers without WebAssembly.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::page::name;
use crate::{project, say};

/// A lecture as text.
pub(crate) struct Text {
    id: String,
    slug: String,
    question: String,
    /// What `daxscope run` prints.
    run: String,
    /// The part of the page that a first visit loads has it.
    first: bool,
}

/// Runs every lecture; empty while the command line lists none.
pub(crate) fn lectures() -> Result<Vec<Text>> {
    say::step("writing the lectures as text");
    say::run(project::cargo().args(["build", "--package", "daxscope"]))?;
    let program = project::target()?.join("debug/daxscope");
    let list = say::output(Command::new(&program).args(["list", "--json"]))?;
    if list.trim().is_empty() {
        say::step("the command line lists no lecture yet: the page carries no text of them");
        return Ok(Vec::new());
    }
    let list: Vec<Value> =
        serde_json::from_str(&list).context("`daxscope list --json` printed no list")?;
    let texts: Vec<_> = list.iter().map(|row| text(&program, row)).collect::<Result<_>>()?;
    let bytes: usize = texts.iter().map(|text| text.run.len()).sum();
    say::step(format!("{} lectures, {} kB of text", texts.len(), bytes / 1000));
    Ok(texts)
}

fn text(program: &Path, row: &Value) -> Result<Text> {
    let key = |name: &str| -> Result<String> {
        let value =
            row[name].as_str().with_context(|| format!("a listed lecture has no {name}"))?;
        Ok(value.to_string())
    };
    let id = key("id")?;
    let run = say::output(Command::new(program).args(["run", &id]))?;
    anyhow::ensure!(!run.trim().is_empty(), "`daxscope run {id}` printed nothing");
    let first =
        row["first"].as_bool().context("a listed lecture does not say whether it is first")?;
    Ok(Text { slug: key("slug")?, question: key("question")?, id, run, first })
}

/// The first lecture, open to be read, and where the others are: a first visit pays for every word.
pub(crate) fn beginning(lectures: &[Text]) -> String {
    let Some(first) = lectures.first() else { return String::new() };
    format!("<p><a href=\"{}\">All lectures as text</a></p>\n{}", name::TEXT, details(first, true))
}

/// All lectures as HTML.
pub(crate) fn all(lectures: &[Text]) -> String {
    lectures.iter().map(|lecture| details(lecture, false)).collect()
}

/// The page of all lectures as text, with the head of `index.html`.
pub(crate) fn page(index: &str, lectures: &[Text]) -> Result<String> {
    let (head, _) = index.split_once("<body>").context("index.html has no <body>")?;
    Ok(format!(
        "{head}<body>\n<main id=\"fallback\">\n<h1>daxscope: all lectures as text</h1>\n\
         <p><a href=\"./\">The page that steps</a></p>\n{}</main>\n</body>\n</html>\n",
        all(lectures)
    ))
}

/// The element by which `boot.js` knows the lectures of the first part.
pub(crate) fn names_of_first(lectures: &[Text]) -> String {
    let first = lectures.iter().filter(|lecture| lecture.first);
    let names: Vec<_> = first.flat_map(|it| [it.slug.as_str(), it.id.as_str()]).collect();
    format!("<meta name=\"daxscope-first\" content=\"{}\">", names.join(" "))
}

fn details(lecture: &Text, open: bool) -> String {
    format!(
        "<details{}><summary>{}: {}</summary>\n<pre tabindex=\"0\">{}</pre></details>\n",
        if open { " open" } else { "" },
        escaped(&lecture.id),
        escaped(&lecture.question),
        escaped(&lecture.run),
    )
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
