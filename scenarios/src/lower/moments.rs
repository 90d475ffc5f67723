//! The schedule and everything that is bound to a moment: cuts, sentences, predictions.

use super::{body::HARDWARE, names};
use crate::error::{Reporter, Span};
use crate::landmark::{AnyOf, Landmark};
use crate::lecture::{About, Cut, Moment, Prediction, Segment, Sentence, Survivor};
use crate::raw::{RawCut, RawPredict, RawSegment, RawSentence, Text, Words};
use crate::suggest::unknown;
use daxscope_core::address_space::MappingId;
use daxscope_core::check::Verdict;
use daxscope_core::config::{Epoch, Geometry};
use daxscope_core::machine::{FileSetup, Program, ThreadId};
use toml::Spanned;

/// The longest sentence, in words: what a projector shows and a reader keeps.
pub(crate) const SENTENCE_WORDS_MAX: usize = 25;

pub(super) struct Context<'a> {
    pub(super) programs: &'a [Program],
    pub(super) geometry: &'a Geometry,
    pub(super) files: &'a [FileSetup],
}

impl Context<'_> {
    pub(super) fn schedule(
        &self,
        raw: &[Spanned<RawSegment>],
        report: &mut Reporter<'_>,
    ) -> Vec<Segment> {
        raw.iter().filter_map(|raw| self.segment(raw, report)).collect()
    }

    fn segment(&self, raw: &Spanned<RawSegment>, report: &mut Reporter<'_>) -> Option<Segment> {
        let (span, raw) = (raw.span(), raw.get_ref());
        if raw.actor.get_ref() == HARDWARE {
            if let Some(block) = &raw.complete {
                return self.complete(block, raw.of.as_ref(), &span, report);
            }
            if let Some(words) = &raw.power_cut {
                let survivor = self.survivor(words, report)?;
                return Some(Segment::PowerCut { survivor });
            }
            let Some(place) = &raw.evict else {
                let expected = "expected `evict = \"b10.0\"`, `complete = \"b9\"` or `power-cut`";
                report.at(&span, format!("the hardware evicts, completes or fails; {expected}"));
                return None;
            };
            let line = names::line(place, self.geometry, report)?;
            return Some(Segment::Evict { line, place: place.get_ref().clone() });
        }
        let evict = raw.evict.as_ref().map(|evict| (evict.span(), "evicts"));
        let cut = raw.power_cut.as_ref().map(|_| (span.clone(), "loses power"));
        for (at, does) in evict.into_iter().chain(cut) {
            report.at(&at, format!("only the actor `{HARDWARE}` {does}; expected `until`"));
        }
        let thread = self.thread(&raw.actor, report);
        let Some(until) = &raw.until else {
            report.at(&span, "the segment lacks `until`; expected a landmark, like `end`");
            return None;
        };
        let until = landmarks(until, report);
        if until.contains(&Landmark::Start) {
            report.at(&span, "nothing runs until the `start`; expected another landmark");
        }
        Some(Segment::Run { thread: thread?, until: AnyOf(until) })
    }

    /// `nothing-lost`, `all-lost`, a verdict, or a list of lines like `b19.0+2`.
    fn survivor(&self, words: &Words, report: &mut Reporter<'_>) -> Option<Survivor> {
        if let [(word, span)] = words.0.as_slice()
            && !word.starts_with('b')
        {
            let found = Survivor::from_word(word);
            if found.is_none() {
                let verdicts = Verdict::ALL.iter().map(|verdict| verdict.word());
                let known = ["nothing-lost", "all-lost"].into_iter().chain(verdicts);
                report.at(span, unknown("survivor", word, known));
            }
            return found;
        }
        let line = |(word, span): &(String, Span)| {
            let (line, stores) = word.split_once('+').unwrap_or((word, "0"));
            let line =
                names::line(&Text::new(span.clone(), line.to_owned()), self.geometry, report);
            let stores = stores.parse().ok();
            if stores.is_none() {
                report.at(span, format!("`{word}`: expected a number of stores after `+`"));
            }
            Some((line?, stores?))
        };
        words.0.iter().map(line).collect::<Option<_>>().map(Survivor::Kept)
    }

    /// `complete = "b9", of = "a"`: the write of a page of a file, or of the `device`.
    fn complete(
        &self,
        block: &Text,
        of: Option<&Text>,
        span: &Span,
        report: &mut Reporter<'_>,
    ) -> Option<Segment> {
        const DEVICE: &str = "device";
        let Some(of) = of else {
            report.at(span, "the segment lacks `of`; expected a file, or `device`");
            return None;
        };
        let names = || self.files.iter().map(|file| file.name.as_str());
        let file = self.files.iter().find(|file| file.name == *of.get_ref());
        let mapping = match file {
            Some(file) => MappingId::File(file.ino),
            None if of.get_ref() == DEVICE => MappingId::Bdev,
            None => {
                report.at(&of.span(), unknown("file", of.get_ref(), names().chain([DEVICE])));
                return None;
            }
        };
        let place = format!("{block} of {of}");
        Some(Segment::Complete { block: names::block(block, report)?, mapping, place })
    }

    pub(super) fn thread(&self, name: &Text, report: &mut Reporter<'_>) -> Option<ThreadId> {
        let names = || self.programs.iter().map(|program| program.name.as_str());
        let number = names().position(|known| known == name.get_ref());
        if number.is_none() {
            report.at(&name.span(), unknown("actor", name.get_ref(), names().chain([HARDWARE])));
        }
        u8::try_from(number?).ok().map(ThreadId)
    }

    fn moment(
        &self,
        (at, actor): (&Words, Option<&Text>),
        (nth, last): (Option<&Spanned<u32>>, bool),
        report: &mut Reporter<'_>,
    ) -> Moment {
        if let Some(nth) = nth
            && (*nth.get_ref() == 0 || last)
        {
            report.at(&nth.span(), "expected `nth` from 1 up, and not beside `last`");
        }
        Moment {
            at: AnyOf(landmarks(at, report)),
            thread: actor.and_then(|name| self.thread(name, report)),
            nth: nth.map_or(1, |nth| *nth.get_ref()),
            last,
        }
    }

    pub(super) fn cuts(&self, raw: &[Spanned<RawCut>], report: &mut Reporter<'_>) -> Vec<Cut> {
        let mut cuts: Vec<Cut> = Vec::new();
        for raw in raw.iter().map(Spanned::get_ref) {
            let name = raw.name.get_ref().clone();
            if cuts.iter().any(|cut| cut.name == name) {
                report.at(&raw.name.span(), format!("cut `{name}` is there twice"));
            }
            let at = (&raw.at, raw.actor.as_ref());
            cuts.push(Cut { name, moment: self.moment(at, (raw.nth.as_ref(), raw.last), report) });
        }
        cuts
    }

    pub(super) fn sentences(
        &self,
        raw: &[Spanned<RawSentence>],
        declared: &[Epoch],
        report: &mut Reporter<'_>,
    ) -> Vec<Sentence> {
        let sentence = |raw: &Spanned<RawSentence>| {
            let raw = raw.get_ref();
            check_length(&raw.text, report);
            let verdict = raw.verdict.as_ref();
            let at = (&raw.at, raw.actor.as_ref());
            Sentence {
                moment: self.moment(at, (raw.nth.as_ref(), raw.last), report),
                epochs: some_epochs(raw.epochs.as_ref(), declared, report),
                verdict: verdict.and_then(|v| names::verdict(v, report)),
                text: names::prose(&raw.text),
            }
        };
        raw.iter().map(sentence).collect()
    }

    pub(super) fn predictions(
        &self,
        raw: &[Spanned<RawPredict>],
        declared: &[Epoch],
        report: &mut Reporter<'_>,
    ) -> Vec<Prediction> {
        let prediction = |raw: &Spanned<RawPredict>| {
            let raw = raw.get_ref();
            check_length(&raw.ask, report);
            let answers: Vec<String> = raw.answers.iter().map(|a| a.get_ref().clone()).collect();
            let about = report.take(&raw.about.span(), about(raw.about.get_ref()));
            let at = (&raw.at, raw.actor.as_ref());
            Prediction {
                moment: self.moment(at, (raw.nth.as_ref(), raw.last), report),
                epochs: some_epochs(raw.epochs.as_ref(), declared, report),
                ask: names::prose(&raw.ask),
                about: about.unwrap_or(About::Images),
                answers,
            }
        };
        raw.iter().map(prediction).collect()
    }
}

fn some_epochs(words: Option<&Words>, declared: &[Epoch], report: &mut Reporter<'_>) -> Vec<Epoch> {
    words.map_or(Vec::new(), |words| names::epochs(words, declared, report))
}

fn check_length(text: &Text, report: &mut Reporter<'_>) {
    let words = text.get_ref().split_whitespace().count();
    if words == 0 || words > SENTENCE_WORDS_MAX {
        let message = format!("{words} words; expected 1 to {SENTENCE_WORDS_MAX}");
        report.at(&text.span(), message);
    }
}

fn landmarks(words: &Words, report: &mut Reporter<'_>) -> Vec<Landmark> {
    let found = words.0.iter().filter_map(|(text, span)| report.take(span, Landmark::parse(text)));
    found.collect()
}

/// `read`, `images` or a landmark.
fn about(text: &str) -> Result<About, String> {
    let (kind, name) = text.split_once(' ').unwrap_or((text, ""));
    About::from_parts(kind, name.trim())
}
