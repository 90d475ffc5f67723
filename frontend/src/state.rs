//! What the page shows, and what each message makes of it. Pure: no browser, no clock.

use std::rc::Rc;

use crate::course::{self, Choice, Lecture, Run};
use crate::lesson::Lesson;
use crate::msg::{Go, Layer, Msg, Notice, Theme};
use crate::words;

/// Everything the page shows.
#[derive(Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) lectures: Rc<Vec<Lecture>>,
    pub(crate) lesson: Option<Lesson>,
    pub(crate) text: bool,
    pub(crate) unfolded: bool,
    pub(crate) theme: Theme,
    pub(crate) layer: Layer,
    pub(crate) notice: Option<Notice>,
    pub(crate) copied: bool,
    pub(crate) narrow: bool,
    looked: Option<Rc<str>>,
    pinned: Option<Rc<str>>,
}

impl State {
    /// The catalogue, or what the link of the page leads to.
    pub(crate) fn new(fragment: &str, theme: Theme) -> Self {
        let home = Self {
            lectures: course::catalogue(),
            lesson: None,
            text: false,
            unfolded: false,
            theme,
            layer: Layer::None,
            notice: None,
            copied: false,
            narrow: false,
            looked: None,
            pinned: None,
        };
        home.visit(fragment)
    }

    /// The block that is marked everywhere.
    pub(crate) fn focus(&self) -> Option<&Rc<str>> {
        self.looked.as_ref().or(self.pinned.as_ref())
    }

    /// The block that stays marked.
    pub(crate) fn pinned(&self) -> Option<&Rc<str>> {
        self.pinned.as_ref()
    }

    /// The fragment that leads here; empty for the catalogue.
    pub(crate) fn link(&self) -> String {
        self.lesson.as_ref().map(Lesson::link).unwrap_or_default()
    }

    /// What a message makes of this state.
    pub(crate) fn after(&self, msg: Msg) -> Self {
        let mut next = self.clone();
        match msg {
            Msg::Visit(fragment) => return self.visit(&fragment),
            Msg::Go(go) => next.go(go),
            Msg::Epoch(epoch) => next.choose(|choice| choice.epoch = epoch),
            Msg::Variant(variant) => next.choose(|choice| choice.variant = variant),
            Msg::Take(number) => next.take(number),
            Msg::Answer(number) => next.answer(number),
            Msg::Rejoin => next.rejoin(),
            Msg::Look(block) => next.looked = block,
            Msg::Pin(block) => {
                next.pinned = (self.pinned.as_ref() != Some(&block)).then_some(block);
            }
            Msg::Fold => next.unfolded = !self.unfolded,
            Msg::Text => next.text = !self.text && self.lesson.is_some(),
            Msg::NextTheme => next.theme = self.theme.next(),
            Msg::Show(Layer::GoTo | Layer::Link) if self.lesson.is_none() => {}
            Msg::Show(layer) => next.layer = layer,
            Msg::Close => next.close(),
            Msg::DismissNotice => next.notice = None,
            Msg::Copied(true) => next.copied = true,
            Msg::Copied(false) => next.layer = Layer::Link,
            Msg::Narrow(narrow) => next.narrow = narrow,
        }
        next
    }

    fn visit(&self, fragment: &str) -> Self {
        let home = Self {
            lesson: None,
            text: false,
            layer: Layer::None,
            notice: None,
            looked: None,
            pinned: None,
            ..self.clone()
        };
        if fragment.trim_start_matches(['#', '/']).is_empty() {
            return home;
        }
        let alert = |text| Some(Notice { alert: true, text });
        match Run::replay(fragment) {
            Ok((run, step, why)) => Self {
                lesson: Some(Lesson::at(Rc::new(run), step, None)),
                notice: why.and_then(alert),
                ..home
            },
            Err(why) => Self { notice: alert(words::cannot_open(&why)), ..home },
        }
    }

    fn go(&mut self, go: Go) {
        self.copied = false;
        self.layer = if self.layer == Layer::GoTo { Layer::None } else { self.layer };
        let Some(lesson) = &self.lesson else { return };
        let target = lesson.target(go);
        if target != lesson.step {
            self.lesson = Some(lesson.moved(target));
            self.notice = None;
        }
    }

    /// Replays the lecture with another choice and stays at the same step where it exists.
    fn choose(&mut self, change: impl FnOnce(&mut Choice)) {
        let Some(lesson) = &self.lesson else { return };
        let mut choice = lesson.run.choice().clone();
        change(&mut choice);
        if choice == *lesson.run.choice() {
            return;
        }
        match Run::open(lesson.run.lecture(), &choice) {
            Ok(run) => {
                let last = run.last();
                let text = (lesson.step > last).then(|| words::shorter(&choice.in_words(), last));
                self.notice = text.map(|text| Notice { alert: false, text });
                self.lesson = Some(Lesson::at(Rc::new(run), lesson.step, Some(&lesson.parts)));
            }
            Err(why) => {
                self.notice = Some(Notice { alert: false, text: words::cannot_open(&why) });
            }
        }
    }

    fn take(&mut self, number: usize) {
        let Some(lesson) = &self.lesson else { return };
        let Some(action) = lesson.parts.enabled.get(number) else {
            return;
        };
        // The script's own next action is the next step of the path, not a branch.
        if action.scripted && lesson.trunk.is_none() && lesson.step < lesson.run.last() {
            return self.go(Go::Next);
        }
        match lesson.run.take(lesson.step, number) {
            Ok(branch) => {
                let trunk = lesson.trunk.clone().unwrap_or_else(|| Rc::clone(&lesson.run));
                let moved = Lesson::at(Rc::new(branch), lesson.step + 1, Some(&lesson.parts));
                self.lesson = Some(Lesson { trunk: Some(trunk), ..moved });
                self.notice = None;
            }
            Err(why) => {
                self.notice = Some(Notice { alert: false, text: words::cannot_open(&why) });
            }
        }
    }

    fn answer(&mut self, number: usize) {
        let Some(lesson) = &mut self.lesson else { return };
        let Some(question) = lesson.run.question(lesson.step) else { return };
        if number < question.answers.len() && !lesson.answers.contains_key(&lesson.step) {
            Rc::make_mut(&mut lesson.answers).insert(lesson.step, number);
        }
    }

    fn rejoin(&mut self) {
        let Some(lesson) = &self.lesson else { return };
        if let Some(trunk) = &lesson.trunk {
            self.lesson = Some(Lesson::at(Rc::clone(trunk), lesson.step, Some(&lesson.parts)));
        }
    }

    fn close(&mut self) {
        if self.layer != Layer::None {
            self.layer = Layer::None;
        } else if self.pinned.is_some() || self.looked.is_some() {
            self.pinned = None;
            self.looked = None;
        } else {
            self.notice = None;
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
