//! The text twin: a scene in words and tables. The terminal prints it, the page's text view shows
//! it, golden traces hold it.

use super::{Fact, Holds, Item, Scene, Slot, Thread};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// A step: who and where, the sentence, what changed, rules, verdict, power cut, what is broken.
#[must_use]
pub fn step(scene: &Scene) -> String {
    let mut out = String::new();
    let caption = &scene.caption;
    let place = match (caption.actor.as_str(), caption.function.as_str()) {
        ("", _) => "start".into(),
        (actor, "") => actor.into(),
        (actor, function) => format!("{actor} in {function}"),
    };
    line(&mut out, format_args!("Step {}: {place}", scene.step));
    line(&mut out, format_args!("  {}", caption.sentence));
    for change in &scene.changed {
        let (place, before, after) = (&change.place, &change.before, &change.after);
        line(&mut out, format_args!("  changed: {place}: {before} -> {after}"));
    }
    for source in &caption.sources {
        let (rule, file, versions) = (&source.rule, &source.file, &source.versions);
        line(&mut out, format_args!("  rule: {rule}, {file}, {versions}"));
    }
    if !caption.verdicts.is_empty() {
        line(&mut out, format_args!("  verdict: {}", caption.verdicts.join(", ")));
    }
    line(&mut out, format_args!("  power cut: {}", scene.crash.sentence));
    for class in scene.crash.classes.iter().filter(|class| class.verdict != "ok") {
        let (verdict, count, example) = (&class.verdict, class.count, &class.example);
        line(&mut out, format_args!("    {count} {verdict}: {example}"));
    }
    for broken in scene.invariants.iter().filter(|invariant| invariant.holds == Holds::No) {
        let since = broken.broken_since.unwrap_or(scene.step);
        line(
            &mut out,
            format_args!("  broken since step {since}: {}: {}", broken.id, broken.detail),
        );
    }
    out
}

/// Everything else of a scene: the matrix, the trees, the threads, the invariants, what could be
/// done next.
#[must_use]
pub fn tables(scene: &Scene) -> String {
    let mut out = String::new();
    matrix(&mut out, scene);
    journal(&mut out, scene);
    for tree in &scene.trees {
        let dax = if tree.s_dax { ", S_DAX" } else { "" };
        line(
            &mut out,
            format_args!(
                "  tree of {}: height {}, tags {}, nrpages {}, nrexceptional {}{dax}",
                tree.title, tree.height, tree.root_tags, tree.nrpages, tree.nrexceptional
            ),
        );
        slot(&mut out, &tree.root, 2);
    }
    scene.threads.iter().for_each(|t| thread(&mut out, t));
    for invariant in &scene.invariants {
        let holds = match invariant.holds {
            Holds::Yes => "holds",
            Holds::No => "BROKEN",
            Holds::NotMeaningful => "says nothing here",
        };
        line(&mut out, format_args!("  {}: {holds} ({})", invariant.id, invariant.meaning));
    }
    line(&mut out, format_args!("  images: {}", scene.crash.formula));
    for (number, action) in scene.enabled.iter().enumerate() {
        let scripted = if action.scripted { " (scripted)" } else { "" };
        let (actor, what) = (&action.actor, &action.what);
        line(&mut out, format_args!("  next {}: {actor}: {what}{scripted}", number + 1));
    }
    out
}

/// The matrix, one line per cell that holds something, with the waterline where it runs.
fn matrix(out: &mut String, scene: &Scene) {
    for (number, row) in scene.rows.iter().enumerate() {
        if number == scene.waterline.below_row {
            line(out, format_args!("  ~~~~ {} ~~~~", scene.waterline.text));
        }
        let cells = row.cells.iter().zip(&scene.columns);
        let told = cells.filter(|(cell, column)| column.used && !cell.words.is_empty());
        for (cell, column) in told {
            let changed = if cell.changed { " *" } else { "" };
            line(out, format_args!("  {} {}: {}{changed}", row.title, column.label, cell.words));
        }
    }
}

/// The log block by block, what the journal's transactions hold, and what is known of each block.
fn journal(out: &mut String, scene: &Scene) {
    for block in scene.log.iter().filter(|block| !block.words.is_empty()) {
        let changed = if block.changed { " *" } else { "" };
        line(out, format_args!("  log {}: {}{changed}", block.label, block.words));
    }
    let blocks = scene.blocks.iter().zip(&scene.columns).filter(|(_, column)| column.used);
    for detail in scene.transactions.iter().chain(blocks.map(|(detail, _)| detail)) {
        let fact = |fact: &Fact| {
            let changed = if fact.changed { " *" } else { "" };
            format!("{} {}{changed}", fact.name, fact.says)
        };
        let known = detail.facts.iter().filter(|fact| fact.says != "none" || fact.changed);
        let facts: Vec<String> = known.map(fact).collect();
        line(out, format_args!("  {}: {}", detail.title, facts.join("; ")));
    }
}

fn slot(out: &mut String, slot: &Slot, depth: usize) {
    let indent = "  ".repeat(depth);
    let (offset, tags) = (slot.offset, &slot.tags);
    match &slot.item {
        Item::Empty => {}
        Item::Node { first, last, slots } => {
            line(out, format_args!("{indent}slot {offset} {tags}: node {first} to {last}"));
            slots.iter().for_each(|below| self::slot(out, below, depth + 1));
        }
        Item::Page { index, block, chips, flags } => {
            let (chips, flags) = (chips.join(" / "), flags.join(" "));
            line(
                out,
                format_args!(
                    "{indent}slot {offset} {tags}: page {index} = {block} {chips} {flags}"
                ),
            );
        }
        Item::Entry { index, block, word, locked } => {
            let lock = if *locked { ", locked" } else { "" };
            line(
                out,
                format_args!("{indent}slot {offset} {tags}: entry {word} {index} = {block}{lock}"),
            );
        }
    }
}

fn thread(out: &mut String, thread: &Thread) {
    let doing = thread.program.get(thread.position).map_or("done", String::as_str);
    line(out, format_args!("  thread {} on {}: {doing}", thread.name, thread.cpu));
    for frame in &thread.frames {
        let locals =
            if frame.locals.is_empty() { String::new() } else { format!(" ({})", frame.locals) };
        line(out, format_args!("    {}{locals}", frame.function));
    }
    if let Some(waits) = &thread.waits {
        line(out, format_args!("    {waits}"));
    }
}

fn line(out: &mut String, text: core::fmt::Arguments<'_>) {
    let start = out.len();
    out.write_fmt(text).expect("a String takes everything");
    out.truncate(start + out[start..].trim_end().len());
    out.push('\n');
}
