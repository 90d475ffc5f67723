//! All words of the page. Sentences about the model come from core; nothing here names a verdict,
//! an epoch or a rule.

#[cfg(feature = "ext4")]
mod files;

#[cfg(feature = "ext4")]
pub(crate) use files::*;

use crate::course::{Standing, WHOLE};

pub(crate) const NAME: &str = "daxscope";
pub(crate) const TAGLINE: &str = "See where your bytes live.";
pub(crate) const ABOUT: &str = "One block of persistent memory can be seen through a file's page cache, the block device's \
     page cache, the CPU's cache lines and the medium itself. These views can disagree. Choose a question, step through the \
     kernel's own functions, and pull the plug wherever you like.";
pub(crate) const ABOUT_STAGE: &str = "Each column is a block, each row a place where its bytes can live. Everything above the \
     waterline is lost in a power cut.";
pub(crate) const LECTURES: &str = "Lectures";
/// On what a run rests that boots from an image.
pub(crate) const FROM_A_FILE: &str = "from a file";
pub(crate) const ELSEWHERE: &str =
    "More lectures: trees and tags, metadata, the journal, reallocated blocks";
pub(crate) const ELSEWHERE_SAYS: &str =
    "These need more of the machine. The first one that you open loads it.";
/// On what the expected verdict of a run rests, beside the step.
pub(crate) fn standing(standing: &Standing) -> String {
    if WHOLE && standing.status == FROM_A_FILE {
        return FROM_A_FILE.to_string();
    }
    let status = match standing.status {
        "real" => "as in kernels",
        "hypothetical" => "not observed",
        _ => "what if",
    };
    let basis = match standing.basis {
        "" => "set by hand",
        basis => basis,
    };
    format!("{status} · {basis}")
}

/// The argument for an expected verdict.
pub(crate) fn expected(verdict: &str, basis: &str) -> String {
    format!("Expected {verdict}, {basis}:")
}

/// How a lecture relates to what kernels did, by its status.
pub(crate) fn status(name: &str) -> &'static str {
    match name {
        "real" => "What kernels do, or did.",
        "hypothetical" => "What the code allows; not known to have been observed.",
        _ => "What if: no kernel does this.",
    }
}
pub(crate) const HISTORY: &str = "History";
pub(crate) const HISTORY_TITLE: &str = "What became of it, kernel by kernel";
pub(crate) const HISTORY_SAYS: &str = "Every lecture, run by the rules of every kernel, here and now. A cell opens its run \
     at the step that decides. A bar stands where the verdict turns.";
pub(crate) const UNDECLARED: &str = "–";
pub(crate) const WAITING: &str = "…";
/// After a verdict that was derived, and what that means.
pub(crate) const DERIVED: (&str, &str) =
    ("*", "expected by derivation from the rules, not read in a source");
/// The verdict of an epoch in which the switches that were set by hand do not go together.
pub(crate) const NOT_POSSIBLE: &str = "not possible";

/// How much of the history has been computed.
pub(crate) fn progress(done: usize, all: usize) -> String {
    if done == all { format!("{all} runs") } else { format!("{done} of {all} runs") }
}

pub(crate) const SWITCHES: &str = "Switches";
pub(crate) const NOT_MODELLED: &str = "not modelled";
pub(crate) const FEWER_SWITCHES: &str = "Fewer switches";

/// How many switches differ from the preset.
pub(crate) fn switched(count: usize, epoch: &str) -> String {
    match count {
        0 => format!("All as in {epoch}."),
        1 => format!("1 differs from {epoch}."),
        _ => format!("{count} differ from {epoch}."),
    }
}

/// The button that shows the rest of the switches.
pub(crate) fn more_switches(count: usize) -> String {
    format!("All switches ({count} more)")
}

/// The epoch's own value of a switch that differs.
pub(crate) fn preset(epoch: &str, value: &str) -> String {
    format!("≠ {value} of {epoch}")
}

/// A path that could be replayed up to a step only.
pub(crate) fn cut_short(choice: &str, why: &str) -> String {
    format!("With {choice} {why}. The path ends before it.")
}

pub(crate) const VERDICTS: &str = "Verdict by kernel version";
pub(crate) const HOME: &str = "All lectures";

pub(crate) const SKIP_STAGE: &str = "Skip to the stage";
pub(crate) const SKIP_BAR: &str = "Skip to the step bar";
pub(crate) const SKIP_TEXT: &str = "Read as text";

pub(crate) const EPOCH: &str = "Kernel";
pub(crate) const VARIANT: &str = "Variant";
pub(crate) const TEXT: &str = "Text";
pub(crate) const STAGE: &str = "Stage";
pub(crate) const COPY_LINK: &str = "Copy link";
pub(crate) const LINK_COPIED: &str = "Link copied";
pub(crate) const LINK_BY_HAND: &str = "Copy this link";
pub(crate) const HELP: &str = "Keys and help";
pub(crate) const OPEN: &str = "Open a file";
pub(crate) const OPEN_BUTTON: &str = "Open…";
pub(crate) const CLOSE: &str = "Close";
pub(crate) const DISMISS: &str = "Dismiss";

pub(crate) const NO_VERDICT: &str = "ok so far";
pub(crate) const BLOCKS: &str = "Where each block's bytes are";
pub(crate) const PLACE: &str = "place";
pub(crate) const LEGEND: &str = "Signs";
pub(crate) const KEYS_TITLE: &str = "Keys";
pub(crate) const TREES: &str = "Page-cache trees";
pub(crate) const LOG: &str = "log ring";
pub(crate) const LOG_SAYS: &str = "D descriptor · R revoke · C commit · ▸ tail · head ◂";
pub(crate) const BLOCK: &str = "Block";
pub(crate) const TRANSACTION: &str = "Transaction";
pub(crate) const THREADS: &str = "Threads";
pub(crate) const USER_MODE: &str = "in user mode";
pub(crate) const DONE: &str = "program finished";
pub(crate) const INVARIANTS: &str = "Invariants";
pub(crate) const HOLDS: &str = "holds";
pub(crate) const BROKEN: &str = "broken";
pub(crate) const NOT_MEANINGFUL: &str = "not meaningful here";
pub(crate) const POWER_CUT: &str = "Power cut now";
pub(crate) const IMAGE: &str = "possible image";
pub(crate) const IMAGES: &str = "possible images";
pub(crate) const BOOT: &str = "Boot from this";

/// The same in full: the verdict of the image, and what it has lost.
pub(crate) fn boot(verdict: &str, example: &str) -> String {
    format!("{BOOT} image: {verdict}, {example}")
}

pub(crate) const NEXT: &str = "Could happen next";
pub(crate) const NEXT_NONE: &str = "Nothing more can happen here.";
pub(crate) const SCRIPTED: &str = "the lecture does this";
pub(crate) const PREDICT: &str = "Predict before you step";
pub(crate) const OUTCOME: &str = "What came of it";
pub(crate) const ANSWERED: &str = "Your answer is kept. Step on to see.";
pub(crate) const RIGHT: &str = "right";
pub(crate) const YOURS: &str = "your answer";
pub(crate) const STANDS_ON: &str = "This lecture stands on";
pub(crate) const SOURCES: &str = "Sources";
pub(crate) const NO_SOURCES: &str = "No rule was used in this step.";
pub(crate) const CHANGED: &str = "Changed in this step";
pub(crate) const NOT_CHANGED: &str = "Nothing that is shown here changed.";
pub(crate) const TIMELINE: &str = "Timeline";
pub(crate) const STEPPING: &str = "Stepping";
pub(crate) const DETAILS: &str = "Details";

pub(crate) const FIRST: &str = "First step";
pub(crate) const BACK: &str = "Back";
pub(crate) const STEP: &str = "Step";
pub(crate) const NEXT_EVENT: &str = "Next event";
pub(crate) const LAST: &str = "Last step";
pub(crate) const GO: &str = "Go";
pub(crate) const GO_TO: &str = "Go to step";
pub(crate) const OFF_SCRIPT: &str = "You left the lecture's path.";
pub(crate) const REJOIN: &str = "Return to it";
pub(crate) const TEACHING: &str = "teaching geometry: 8 slots, 4 lines";
pub(crate) const LARGE: &str = "kernel-size blocks: 8 slots, 64 lines";
pub(crate) const HINTS: [(&str, &str); 4] =
    [("→", "step"), ("Shift →", "event"), ("T", "text"), ("?", "keys")];

/// The signs of the stage: class, letter, words.
pub(crate) const LINE_SIGNS: [(&str, &str, &str); 4] = [
    ("V", "V", "in a CPU cache only"),
    ("Q", "Q", "crossing the waterline"),
    ("P", "P", "on the medium"),
    ("W", "!", "older than promised"),
];
pub(crate) const SIGN_PAGE: &str = "page: a copy in DRAM";
pub(crate) const SIGN_ENTRY: &str = "DAX entry: no copy, a note where to flush";
pub(crate) const SIGN_TAGS: &str = "D dirty · W writeback · T towrite tag";
pub(crate) const SIGNS_JOURNAL: [&str; 3] = [
    "boxed D Dirty · J JBDDirty · F Freed · R Revoked · S Shadow: a buffer head's flags",
    "hollow copy in the log: no commit block yet; struck out: revoked",
    "log ring: ▸ tail · ◂ head · D descriptor · R revoke · C commit block · pale: old",
];
pub(crate) const SIGN_CHANGED: &str = "Δ changed in this step";

/// The keys of the lesson, for the help dialog.
pub(crate) const KEYS: [(&str, &str); 17] = [
    ("→  Space  N  Page Down", "next step"),
    ("←  Shift+Space  P  Page Up", "back one step"),
    ("Shift+→  Shift+←", "next, previous event"),
    ("Home  End", "first, last step"),
    ("G", "go to a step by its number"),
    ("A … D", "answer the question that is asked"),
    ("1 … 9", "take one of the actions that could happen next"),
    ("↑ ↓ ← →", "move inside a focused tree or grid"),
    ("U", "unfold or fold the unused blocks"),
    ("Enter on a block's label", "keep it marked"),
    ("T", "text view"),
    ("L", "copy a link to this step"),
    ("O", "open a file"),
    ("F", "full screen"),
    ("M", "theme: system, light, dark"),
    ("Esc", "close this, leave the text view"),
    ("?", "this list"),
];
pub(crate) const HELP_SAYS: [&str; 4] = [
    "Columns are blocks, rows are places, from the program down to the medium. The copies of one block stand above each other; \
     a copy that is older than the newest content carries ≠.",
    "Everything above the waterline is lost in a power cut. A line turns from V to Q in the step that makes it safe and is P \
     from the next step on.",
    "The stage shows a teaching geometry: page-cache nodes of 8 slots and blocks of 4 lines of 8 words. The rules are the \
     kernel's; each step names its function, file and versions.",
    "Nothing on this page leaves this device; the theme is kept here and nowhere else.",
];

/// `Step 3 of 31`.
pub(crate) fn step_of(step: usize, last: usize) -> String {
    if step == 0 { format!("Start · {last} steps") } else { format!("Step {step} of {last}") }
}

/// What the scrubber says.
pub(crate) fn scrubber_value(step: usize, last: usize, sentence: &str) -> String {
    format!("Step {step} of {last}: {sentence}")
}

/// Before what lies on so many neighbours.
pub(crate) fn lines(count: usize) -> String {
    format!("{count} lines ")
}

/// The button over folded columns.
pub(crate) fn unfold(first: &str, last: &str, count: usize) -> String {
    if count == 1 {
        format!("Show the unused block {first}")
    } else {
        format!("Show {count} unused blocks, {first} to {last}")
    }
}

/// Folds the unused columns again.
pub(crate) const FOLD: &str = "fold";

/// An epoch and what becomes of the lecture there.
pub(crate) fn epoch(title: &str, verdict: &str) -> String {
    format!("{title}: {verdict}")
}

/// Before the places of a marked block.
pub(crate) fn also_in(label: &str) -> String {
    format!("{label} is also in")
}

/// The epoch change cut the position.
pub(crate) fn shorter(choice: &str, last: usize) -> String {
    format!("With {choice} this lecture ends at step {last}, so that is the step shown.")
}

/// A choice could not be replayed.
pub(crate) fn cannot_open(why: &str) -> String {
    format!("This cannot be opened: {why}")
}

/// The theme button.
pub(crate) fn theme(now: &str) -> String {
    format!("Theme: {now}")
}

/// How many steps a broken invariant has been broken.
pub(crate) fn since(step: usize) -> String {
    format!("since step {step}")
}

/// The tree's counters.
pub(crate) fn counters(nrpages: u64, nrexceptional: u64) -> String {
    format!("nrpages {nrpages} · nrexceptional {nrexceptional}")
}

/// A tree's slot for assistive technology.
pub(crate) fn slot(offset: u64, what: &str, tags: &str, changed: bool) -> String {
    let tags = tag_words(tags);
    let changed = if changed { ", changed" } else { "" };
    format!("slot {offset}, {what}{tags}{changed}")
}

/// `D·T` in words.
pub(crate) fn tag_words(tags: &str) -> String {
    let names = tags.chars().filter_map(|letter| match letter {
        'D' => Some(", tag dirty"),
        'W' => Some(", tag writeback"),
        'T' => Some(", tag towrite"),
        _ => None,
    });
    names.collect()
}

/// A page in a tree.
pub(crate) fn page(index: u64, block: &str, chips: &str) -> String {
    let of = if block.is_empty() { String::new() } else { format!(" of block {block}") };
    format!("page {index}{of} {chips}")
}

/// A DAX entry in a tree.
pub(crate) fn entry(index: u64, block: &str, locked: bool) -> String {
    let of = if block.is_empty() { String::new() } else { format!(" for block {block}") };
    let lock = if locked { ", locked" } else { "" };
    format!("DAX entry {index}{of}{lock}")
}

/// A node in a tree.
pub(crate) fn node(first: u64, last: u64) -> String {
    format!("node, pages {first} to {last}")
}
