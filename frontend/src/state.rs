//! What the page shows, and what each message makes of it. Pure: no browser, no clock.

use std::rc::Rc;

use crate::course::{self, Choice, Lecture, Place, Run, Unable, WHOLE};
use crate::history::{self, Line};
use crate::lesson::Lesson;
use crate::msg::{Go, Layer, Msg, Notice, Theme};
#[cfg(feature = "ext4")]
use crate::opened::{Content, File, Numbers};
use crate::words;

/// Everything the page shows.
#[derive(Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) lectures: Rc<Vec<Lecture>>,
    /// Without one the catalogue or the history is shown.
    pub(crate) lesson: Option<Lesson>,
    pub(crate) history: bool,
    /// The link to what this part of the page goes without.
    pub(crate) elsewhere: Option<String>,
    /// The numbers of a benchmark that were opened.
    #[cfg(feature = "ext4")]
    pub(crate) numbers: Option<Rc<Numbers>>,
    /// The history as far as it has been computed.
    pub(crate) lines: Rc<Vec<Rc<Line>>>,
    pub(crate) text: bool,
    pub(crate) all_switches: bool,
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
        let lectures = course::catalogue();
        let home = Self {
            lines: history::lines(&lectures),
            lectures,
            lesson: None,
            history: false,
            elsewhere: None,
            #[cfg(feature = "ext4")]
            numbers: None,
            text: false,
            all_switches: false,
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

    /// Whether an image of a device is shown, which no link can carry.
    pub(crate) fn is_image(&self) -> bool {
        WHOLE && self.lesson.as_ref().is_some_and(|lesson| lesson.run.is_image())
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
        match &self.lesson {
            Some(lesson) => lesson.link(),
            None if self.history => course::history_link(),
            None => String::new(),
        }
    }

    /// Another lecture, variant, epoch, branch or screen is another place; another step is not.
    pub(crate) fn place(&self) -> String {
        self.lesson.as_ref().map_or_else(|| self.link(), Lesson::place)
    }

    /// The title of what is shown; none for the catalogue.
    pub(crate) fn title(&self) -> Option<String> {
        let question = self.lesson.as_ref().map(|lesson| lesson.run.lecture().question.clone());
        question.or_else(|| self.history.then(|| words::HISTORY.to_string()))
    }

    /// The line of the history that the screen shows and that waits to be run.
    pub(crate) fn waiting(&self) -> Option<usize> {
        let shown = self.lesson.is_none();
        shown.then(|| history::next(&self.lines, &self.lectures, self.history)).flatten()
    }

    /// What a message makes of this state.
    pub(crate) fn after(&self, msg: Msg) -> Self {
        let mut next = self.clone();
        match msg {
            Msg::Visit(fragment) => return self.visit(&fragment),
            Msg::Go(go) => next.go(go),
            Msg::Epoch(epoch) => next.replay(|run| Choice { epoch, ..run.choice().clone() }),
            Msg::Set(switch, value) => next.replay(|run| run.with_switch(switch, value)),
            Msg::Variant(variant) => next.open(variant),
            Msg::AllSwitches => next.all_switches = !self.all_switches,
            Msg::Compute => next.compute(),
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
            Msg::Show(Layer::Open) if !WHOLE => {
                next.elsewhere = Some(course::open_link(&self.link()));
            }
            #[cfg(feature = "ext4")]
            Msg::Opening(name) => {
                (next.layer, next.notice) = (Layer::None, quiet(words::opening(&name)));
            }
            #[cfg(feature = "ext4")]
            Msg::Open(file) => next.open_file(&file),
            #[cfg(feature = "ext4")]
            Msg::Boot(image) => next.boot(image),
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
            history: false,
            elsewhere: None,
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
        let home =
            Self { layer: if course::opens(fragment) { Layer::Open } else { Layer::None }, ..home };
        let alert = |text| Some(Notice { alert: true, text });
        match course::follow(fragment) {
            // Until the other part is there this one stays as it is.
            Ok(Place::Elsewhere) => Self { elsewhere: Some(fragment.to_string()), ..self.clone() },
            Ok(Place::Home) => home,
            Ok(Place::History) => Self { history: true, ..home },
            Ok(Place::Lesson(at)) => {
                let run = Rc::new(at.run);
                let script = || run.again(run.choice()).ok().map(Rc::new);
                let trunk = run.is_branch().then(script).flatten();
                Self {
                    lesson: Some(Lesson { trunk, ..Lesson::at(run, at.step, None) }),
                    notice: at.problem.and_then(alert),
                    ..home
                }
            }
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

    /// Opens another variant at the same step, or at its last one if it is shorter.
    fn open(&mut self, variant: String) {
        let Some(lesson) = &self.lesson else { return };
        let choice = Choice { variant, ..lesson.run.choice().clone() };
        if choice == *lesson.run.choice() {
            return;
        }
        match lesson.run.again(&choice) {
            Ok(run) => self.show(run, None, None),
            Err(Unable::Here { link }) => self.elsewhere = Some(link),
            Err(Unable::Anywhere { why }) => self.cannot(&why),
        }
    }

    /// Replays the path with another choice and stays at the same step where it exists (UI-611).
    fn replay(&mut self, change: impl FnOnce(&Run) -> Choice) {
        let Some(lesson) = &self.lesson else { return };
        let choice = change(&lesson.run);
        if choice == *lesson.run.choice() {
            return;
        }
        let trunk = lesson.trunk.as_ref().map(|trunk| trunk.again(&choice));
        match lesson.run.under(&choice, lesson.step) {
            Ok(at) => self.show(at.run, trunk.and_then(Result::ok), at.problem),
            Err(Unable::Here { link }) => self.elsewhere = Some(link),
            Err(Unable::Anywhere { why }) => self.cannot(&why),
        }
    }

    /// Shows the lesson's step on another run; says so if it is not there, or what else is wrong.
    fn show(&mut self, run: Run, trunk: Option<Run>, problem: Option<String>) {
        let Some(lesson) = &self.lesson else { return };
        let (last, choice) = (run.last(), run.choice().in_words());
        let shorter = || (lesson.step > last).then(|| words::shorter(&choice, last));
        let text = problem.map(|why| words::cut_short(&choice, &why)).or_else(shorter);
        self.notice = text.map(|text| Notice { alert: false, text });
        let shown = Lesson::at(Rc::new(run), lesson.step, Some(&lesson.parts));
        self.lesson = Some(Lesson { trunk: trunk.map(Rc::new), ..shown });
    }

    fn cannot(&mut self, why: &str) {
        self.notice = Some(Notice { alert: false, text: words::cannot_open(why) });
    }

    fn compute(&mut self) {
        let Some(number) = self.waiting() else { return };
        let line = &self.lines[number];
        let ran = Rc::new(history::run(line, &self.lectures[line.lecture]));
        Rc::make_mut(&mut self.lines)[number] = ran;
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
        let branch = lesson.run.take(lesson.step, number);
        self.branch(branch);
    }

    /// Shows the first step of a branch.
    fn branch(&mut self, branch: Result<Run, String>) {
        let Some(lesson) = &self.lesson else { return };
        match branch {
            Ok(branch) => {
                let trunk = lesson.trunk.clone().unwrap_or_else(|| Rc::clone(&lesson.run));
                let moved = Lesson::at(Rc::new(branch), lesson.step + 1, Some(&lesson.parts));
                self.lesson = Some(Lesson { trunk: Some(trunk), ..moved });
                self.notice = None;
            }
            Err(why) => self.cannot(&why),
        }
    }

    #[cfg(feature = "ext4")]
    fn boot(&mut self, image: u32) {
        let Some(lesson) = &self.lesson else { return };
        let branch = lesson.run.boot(lesson.step, image);
        self.branch(branch);
    }

    /// An image becomes the lesson, numbers stand beside it; what cannot be opened changes nothing.
    #[cfg(feature = "ext4")]
    fn open_file(&mut self, file: &File) {
        self.layer = Layer::None;
        let opened = match &file.content {
            Content::Unreadable(why) => Err(why.clone()),
            Content::Json(json) => Numbers::of(&file.name, json).map(|numbers| {
                self.notice = quiet(words::numbers_opened(&file.name, numbers.rows.len()));
                self.numbers = Some(Rc::new(numbers));
            }),
            Content::Device(bytes) => Run::of_image(&file.name, bytes).map(|run| {
                let shown =
                    Self { lesson: Some(Lesson::at(Rc::new(run), 0, None)), ..self.visit("") };
                *self = shown;
            }),
        };
        if let Err(why) = opened {
            self.notice = Some(Notice { alert: true, text: words::not_opened(&file.name, &why) });
        }
    }

    fn answer(&mut self, number: usize) {
        let Some(lesson) = &mut self.lesson else { return };
        let Some(question) = lesson.run.question(lesson.step) else { return };
        if number < question.answers.len() && lesson.answer(lesson.step).is_none() {
            Rc::make_mut(&mut lesson.answers).push((lesson.step, number));
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

/// What is said once and quietly.
#[cfg(feature = "ext4")]
fn quiet(text: String) -> Option<Notice> {
    Some(Notice { alert: false, text })
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
