//! Names and numbers: epochs, rules, words, blocks.

use crate::error::{Reporter, Span};
use crate::raw::{Text, Words};
use crate::suggest::unknown;
use crate::vocabulary::{invariant_named, rule_named};
use daxscope_core::check::{Invariant, Verdict};
use daxscope_core::config::{Epoch, Geometry};
use daxscope_core::rules::{RULES, RuleId};
use daxscope_core::units::{BlockNr, LineNr, Word};

/// One of a few named values.
pub(super) fn pick<T, const N: usize>(
    what: &str,
    found: &Text,
    choices: [(&str, T); N],
    report: &mut Reporter<'_>,
) -> Option<T> {
    let names = choices.each_ref().map(|(name, _)| *name);
    let chosen = choices.into_iter().find(|(name, _)| *name == found.get_ref().as_str());
    if chosen.is_none() {
        report.at(&found.span(), unknown(what, found.get_ref(), names));
    }
    chosen.map(|(_, value)| value)
}

/// Text of several lines as one line: the file breaks it where it likes.
pub(super) fn prose(text: &Text) -> String {
    text.get_ref().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A verdict word.
pub(super) fn verdict(found: &Text, report: &mut Reporter<'_>) -> Option<Verdict> {
    let verdict = Verdict::from_word(found.get_ref());
    if verdict.is_none() {
        let words = Verdict::ALL.iter().map(|verdict| verdict.word());
        report.at(&found.span(), unknown("verdict", found.get_ref(), words));
    }
    verdict
}

/// `INV-TAG`.
pub(super) fn invariant(found: &Text, report: &mut Reporter<'_>) -> Option<Invariant> {
    let invariant = invariant_named(found.get_ref());
    if invariant.is_none() {
        let ids = Invariant::ALL.iter().map(|invariant| invariant.id());
        report.at(&found.span(), unknown("invariant", found.get_ref(), ids));
    }
    invariant
}

pub(super) fn kebab(what: &str, found: &Text, report: &mut Reporter<'_>) {
    let text = found.get_ref();
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let edges = text.starts_with('-') || text.ends_with('-') || text.contains("--");
    if text.is_empty() || !plain || edges {
        let message = format!("{what} `{text}` is malformed; expected kebab case, like `two-cpu`");
        report.at(&found.span(), message);
    }
}

pub(super) fn rule(found: &Text, report: &mut Reporter<'_>) -> Option<RuleId> {
    let rule = rule_named(found.get_ref());
    if rule.is_none() {
        let ids = RULES.iter().map(|rule| rule.id);
        report.at(&found.span(), unknown("rule", found.get_ref(), ids));
    }
    rule
}

pub(super) fn epoch(found: &str, span: &Span, report: &mut Reporter<'_>) -> Option<Epoch> {
    let epoch = Epoch::from_name(found);
    if epoch.is_none() {
        let names = Epoch::ALL.iter().map(|epoch| epoch.name());
        report.at(span, unknown("epoch", found, names));
    }
    epoch
}

/// Epochs by name, as `FIRST to LAST`, or `all` of those that are declared; oldest first.
pub(super) fn epochs(words: &Words, declared: &[Epoch], report: &mut Reporter<'_>) -> Vec<Epoch> {
    let mut epochs = Vec::new();
    for (word, span) in &words.0 {
        if word == "all" {
            epochs.extend_from_slice(declared);
            continue;
        }
        let (first, last) = word.split_once(" to ").unwrap_or((word, word));
        let first = epoch(first.trim(), span, report);
        let last = epoch(last.trim(), span, report);
        let (Some(first), Some(last)) = (first, last) else {
            continue;
        };
        if first > last {
            report.at(span, format!("`{word}` is empty: the older epoch comes first"));
        }
        let range = Epoch::ALL.iter().copied().filter(|e| (first..=last).contains(e));
        for epoch in range {
            if !declared.contains(&epoch) {
                let message = format!("epoch `{}` is not declared in `epochs`", epoch.name());
                report.at(span, message);
            } else if epochs.contains(&epoch) {
                report.at(span, format!("epoch `{}` is listed twice", epoch.name()));
            } else {
                epochs.push(epoch);
            }
        }
    }
    epochs.sort_unstable();
    epochs
}

/// A label, or `0` for the zero word.
pub(super) fn word(found: &Text, report: &mut Reporter<'_>) -> Option<Word> {
    let text = found.get_ref();
    let word = if text == "0" { Some(Word::ZERO) } else { Word::label(text) };
    if word.is_none() {
        let message = format!("`{text}` is no word; expected 1 to 8 ASCII characters, no space");
        report.at(&found.span(), message);
    }
    word
}

/// `b9`.
pub(super) fn block(found: &Text, report: &mut Reporter<'_>) -> Option<BlockNr> {
    let block = block_number(found.get_ref());
    if block.is_none() {
        report.at(&found.span(), format!("`{found}` is no block; expected one like `b9`"));
    }
    block
}

fn block_number(text: &str) -> Option<BlockNr> {
    let digits = text.strip_prefix('b')?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok().map(BlockNr) } else { None }
}

/// `b10.0`: line 0 of b10.
pub(super) fn line(found: &Text, geometry: &Geometry, report: &mut Reporter<'_>) -> Option<LineNr> {
    let parts = found.get_ref().split_once('.');
    let parsed =
        parts.and_then(|(block, line)| Some((block_number(block)?, line.parse::<u64>().ok()?)));
    let Some((block, line)) = parsed else {
        report.at(&found.span(), format!("`{found}` is no line; expected one like `b10.0`"));
        return None;
    };
    let (blocks, lines) = (geometry.blocks, geometry.lines_per_block);
    if block.0 >= blocks || line >= lines {
        let (last_block, last_line) = (blocks - 1, lines - 1);
        let expected = format!("expected `b0.0` to `b{last_block}.{last_line}`");
        report.at(&found.span(), format!("line `{found}` is out of range; {expected}"));
        return None;
    }
    Some(LineNr(geometry.first_line(block).0 + line))
}
