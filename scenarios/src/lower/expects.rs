//! Expectations, and that every declared epoch has exactly one.

use super::variants::Naming;
use super::{Shared, names};
use crate::error::{Reporter, Span};
use crate::landmark::Landmark;
use crate::lecture::{Basis, Cut, Expect, TagExpect};
use crate::raw::{RawExpect, Text};
use crate::suggest::unknown;
use daxscope_core::check::Verdict;
use daxscope_core::machine::{FileSetup, Program, ThreadId};
use daxscope_core::rules::RULES;
use daxscope_core::tag::Tag;
use daxscope_core::units::PageIndex;
use toml::Spanned;

pub(super) struct Context<'a> {
    pub(super) naming: &'a Naming<'a>,
    pub(super) shared: &'a Shared,
    pub(super) programs: &'a [Program],
    pub(super) files: &'a [FileSetup],
    pub(super) cuts: &'a [Cut],
}

impl Context<'_> {
    pub(super) fn expects(
        &self,
        raw: &[Spanned<RawExpect>],
        report: &mut Reporter<'_>,
    ) -> Vec<Expect> {
        let noted = report.len();
        let mut expects: Vec<Expect> = Vec::new();
        for raw in raw {
            let Some(expect) = self.expect(raw, report) else {
                continue;
            };
            for earlier in &expects {
                for epoch in expect.epochs.iter().filter(|e| earlier.epochs.contains(e)) {
                    let message = format!("epoch `{}` has an `expect` already", epoch.name());
                    report.at(&raw.get_ref().verdict.span(), message);
                }
            }
            expects.push(expect);
        }
        let covered = |epoch| expects.iter().any(|e: &Expect| e.epochs.contains(epoch));
        let missing: Vec<&str> =
            self.shared.epochs.iter().filter(|e| !covered(e)).map(|e| e.name()).collect();
        if report.len() == noted && !missing.is_empty() {
            let (name, list) = (self.naming.name, missing.join("`, `"));
            let message = format!("variant `{name}` has no `expect` for epoch `{list}`");
            report.at(&name.span(), message);
        }
        expects
    }

    fn expect(&self, raw: &Spanned<RawExpect>, report: &mut Reporter<'_>) -> Option<Expect> {
        let (span, raw) = (raw.span(), raw.get_ref());
        let epochs = names::epochs(&raw.epochs, &self.shared.epochs, report);
        let verdict = names::verdict(&raw.verdict, report);
        let verdicts = verdict.and_then(|verdict| verdicts(raw, verdict, report));
        let breaks = raw.breaks.iter().filter_map(|inv| names::invariant(inv, report)).collect();
        let basis = names::pick("basis", &raw.basis, Basis::ALL.map(|b| (b.name(), b)), report);
        let because = raw.because.as_ref().map_or(String::new(), names::prose);
        if basis == Some(Basis::Derived) {
            check_because(raw.because.as_ref(), &span, report);
        }
        let reads = raw.reads.iter().filter_map(|(thread, words)| {
            let words = words.iter().map(|word| word.get_ref().clone()).collect();
            Some((self.thread(thread, report)?, words))
        });
        let reads = reads.collect();
        let known = || self.cuts.iter().map(|cut| cut.name.as_str());
        for cut in raw.images.keys().filter(|cut| known().all(|name| name != cut.get_ref())) {
            report.at(&cut.span(), unknown("cut", cut.get_ref(), known()));
        }
        let images = raw.images.iter().map(|(cut, n)| (cut.get_ref().clone(), *n)).collect();
        let tags = raw.tags.iter().filter_map(|(place, tags)| self.tags(place, tags, report));
        let tags = tags.collect();
        let counts = raw.counts.iter().filter_map(|(text, count)| {
            let landmark = report.take(&text.span(), Landmark::parse(text.get_ref()))?;
            Some((landmark, *count))
        });
        let counts = counts.collect();
        Some(Expect {
            epochs,
            verdicts: verdicts?,
            breaks,
            basis: basis?,
            because,
            reads,
            images,
            tags,
            counts,
            unreachable: raw.unreachable.iter().map(|u| u.get_ref().clone()).collect(),
        })
    }

    fn thread(&self, name: &Text, report: &mut Reporter<'_>) -> Option<ThreadId> {
        let names = || self.programs.iter().map(|program| program.name.as_str());
        let number = names().position(|known| known == name.get_ref());
        if number.is_none() {
            report.at(&name.span(), unknown("thread", name.get_ref(), names()));
        }
        u8::try_from(number?).ok().map(ThreadId)
    }

    /// `"a.3" = "D"`.
    fn tags(&self, place: &Text, tags: &Text, report: &mut Reporter<'_>) -> Option<TagExpect> {
        let letters = tags.get_ref();
        let known = |letter| Tag::ALL.iter().any(|tag| tag.letter() == letter);
        if !letters.chars().all(known) {
            let message = format!("`{letters}` are no tags; expected letters of `DWT`, or none");
            report.at(&tags.span(), message);
        }
        let parts = place.get_ref().split_once('.');
        let Some((name, page)) = parts.and_then(|(f, p)| Some((f, p.parse::<u64>().ok()?))) else {
            let message = format!("`{place}` is no page of a file; expected one like `a.3`");
            report.at(&place.span(), message);
            return None;
        };
        let names = || self.files.iter().map(|file| file.name.as_str());
        let Some(file) = names().position(|known| known == name) else {
            report.at(&place.span(), unknown("file", name, names()));
            return None;
        };
        let pages = self.files[file].pages;
        if page >= pages {
            let message = format!("page {page} is out of range; expected 0 to {}", pages - 1);
            report.at(&place.span(), message);
        }
        Some(TagExpect { file, page: PageIndex(page), tags: letters.clone() })
    }
}

/// The list, which ends in the verdict; without one, the verdict alone.
fn verdicts(raw: &RawExpect, verdict: Verdict, report: &mut Reporter<'_>) -> Option<Vec<Verdict>> {
    let Some(given) = &raw.verdicts else {
        return Some(vec![verdict]);
    };
    let mut verdicts = Vec::new();
    for text in given {
        let word = names::verdict(text, report)?;
        if (word == Verdict::Ok && given.len() > 1) || verdicts.contains(&word) {
            report.at(&text.span(), format!("expected distinct words, `ok` only alone: `{word}`"));
        }
        verdicts.push(word);
    }
    if verdicts.last() != Some(&verdict) {
        let message = format!("`verdicts` ends otherwise than `verdict`, which is `{verdict}`");
        report.at(&raw.verdict.span(), message);
    }
    Some(verdicts)
}

/// A derived verdict says why, from rules.
fn check_because(because: Option<&Text>, span: &Span, report: &mut Reporter<'_>) {
    let Some(because) = because else {
        report.at(span, "basis `derived` lacks `because`; expected why, from rule ids");
        return;
    };
    let cites = RULES.iter().any(|rule| because.get_ref().contains(rule.id));
    if !cites {
        report.at(&because.span(), "`because` names no rule; expected at least one rule id");
    }
}
