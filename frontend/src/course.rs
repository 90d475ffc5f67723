//! The lectures and their runs, as the page wants them: the one place that knows the scenarios.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use crate::words;
use daxscope_core::check::Verdict;
use daxscope_core::config::{Epoch as KernelEpoch, Geometry};
use daxscope_core::machine::Refusal;
use daxscope_core::view::{Outline, RowKind, Scene};
use daxscope_scenarios::{
    Basis, Catalogue, Choice as Asked, Lecture as Source, Link, OpenError, Replayed, Run as Taken,
    Session, Side, find,
};

pub(crate) use daxscope_scenarios::Switch;

/// A lecture of the catalogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Lecture {
    pub(crate) id: String,
    pub(crate) question: String,
    pub(crate) teaches: String,
    pub(crate) status: &'static str,
    /// Name and title.
    pub(crate) variants: Vec<(String, String)>,
    /// The epochs that it says something about, oldest first, as links write them.
    pub(crate) epochs: Vec<&'static str>,
    /// What a lecture is run with when nothing else is asked for.
    pub(crate) default: Choice,
}

/// An epoch of a lecture and what becomes of it there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Epoch {
    /// As links and the command line write it.
    pub(crate) name: &'static str,
    /// In full.
    pub(crate) title: &'static str,
    /// The distinct verdicts, in order.
    pub(crate) verdict: String,
    /// The last of them, and what it means.
    pub(crate) last: (&'static str, &'static str),
    pub(crate) ok: bool,
    /// The verdict was expected by derivation from the rules, not read in a source.
    pub(crate) derived: bool,
    /// The step that decides it; 0 if all is well.
    pub(crate) decided_at: usize,
}

/// What a lecture is run with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Choice {
    pub(crate) variant: String,
    pub(crate) epoch: String,
    /// Switches over those of the variant.
    pub(crate) sets: Vec<(String, String)>,
}

impl Choice {
    /// The epoch in full, and the switches that were set by hand.
    pub(crate) fn in_words(&self) -> String {
        let epoch = KernelEpoch::from_name(&self.epoch);
        let mut words = epoch.map_or(self.epoch.as_str(), |epoch| epoch.title()).to_string();
        for (switch, value) in &self.sets {
            words.extend([", ", switch, "=", value]);
        }
        words
    }

    /// The epoch in full.
    pub(crate) fn epoch_in_words(&self) -> String {
        Self { sets: Vec::new(), ..self.clone() }.in_words()
    }

    fn of(asked: &Asked, session: &Session) -> Self {
        let epoch = asked.epoch.unwrap_or(session.epoch()).name().to_string();
        Self { variant: session.variant().name.clone(), epoch, sets: asked.sets.clone() }
    }

    fn asked(&self) -> Asked {
        Asked {
            variant: Some(self.variant.clone()),
            epoch: KernelEpoch::from_name(&self.epoch),
            sets: self.sets.clone(),
            ..Asked::default()
        }
    }
}

/// A moment of a run on the timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    /// Who acted; empty at the start.
    pub(crate) actor: String,
    pub(crate) sentence: String,
    /// Whether one would stop here.
    pub(crate) event: bool,
    /// The verdict words of this step.
    pub(crate) verdicts: Vec<String>,
}

/// A question to ask before the next step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Question {
    pub(crate) ask: String,
    pub(crate) answers: Vec<String>,
    pub(crate) right: usize,
}

/// Whether this is the part of the page that has all, the history among it.
pub(crate) const WHOLE: bool = cfg!(feature = "ext4");

/// The lectures, packed by `build.rs`.
static LECTURES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lectures.bin"));

/// The lectures that this part of the page goes without: id, slug, question.
pub(crate) const ELSEWHERE: &[(&str, &str, &str)] =
    include!(concat!(env!("OUT_DIR"), "/elsewhere.rs"));

/// The lectures, unpacked once.
pub(crate) fn shelf() -> &'static [Arc<Source>] {
    static SHELF: OnceLock<Vec<Arc<Source>>> = OnceLock::new();
    let unpack = || Catalogue::unpack(LECTURES).expect("the build has packed them").into_shared();
    SHELF.get_or_init(unpack)
}

fn lecture(source: &Source) -> Lecture {
    Lecture {
        id: source.id.clone(),
        question: source.question.clone(),
        teaches: source.teaches.clone(),
        status: source.status.name(),
        variants: source.variants.iter().map(|it| (it.name.clone(), it.title.clone())).collect(),
        epochs: source.epochs.iter().map(|epoch| epoch.name()).collect(),
        default: Choice {
            variant: source.variants[0].name.clone(),
            epoch: source.epoch.name().to_string(),
            sets: Vec::new(),
        },
    }
}

/// The lectures in the order in which they are taught.
pub(crate) fn catalogue() -> Rc<Vec<Lecture>> {
    Rc::new(shelf().iter().map(|source| lecture(source)).collect())
}

/// The link to a step of a lecture's own path.
pub(crate) fn link(lecture: &Lecture, choice: &Choice, step: usize) -> String {
    let Ok(source) = find(shelf(), &lecture.id) else { return String::new() };
    let own = choice.epoch == lecture.default.epoch;
    let epoch = KernelEpoch::from_name(&choice.epoch).filter(|_| !own);
    let variant = (choice.variant != lecture.default.variant).then(|| choice.variant.clone());
    let side = Side { epoch, sets: choice.sets.clone() };
    let step = u32::try_from(step).unwrap_or(0);
    Link { variant, side, step, ..Link::to(&source.slug) }.to_string()
}

/// The link to the history.
pub(crate) fn history_link() -> String {
    Link::history().to_string()
}

/// The link to where a file is opened: over the lecture of a link, or over the catalogue.
pub(crate) fn open_link(over: &str) -> String {
    match over.parse::<Link>() {
        Ok(link) if !link.is_history() => Link { view: Link::open().view, ..link }.to_string(),
        _ => Link::open().to_string(),
    }
}

/// Whether a link asks for a file to be opened over what it leads to.
pub(crate) fn opens(fragment: &str) -> bool {
    WHOLE && fragment.parse::<Link>().is_ok_and(|link| link.opens())
}

/// The link to a lecture by its slug.
pub(crate) fn link_to(slug: &str) -> String {
    Link::to(slug).to_string()
}

/// Every epoch that the core knows: as links write it, and in full.
pub(crate) fn all_epochs() -> impl Iterator<Item = (&'static str, &'static str)> {
    KernelEpoch::ALL.iter().map(|epoch| (epoch.name(), epoch.title()))
}

/// The epochs that a lecture declares, oldest first, each with the verdict of the run there. All are run the first time
/// that they are asked for.
pub(crate) fn epochs(lecture: &Lecture, choice: &Choice) -> Rc<Vec<Epoch>> {
    type Known = Vec<(String, Choice, Rc<Vec<Epoch>>)>;
    thread_local! {
        static KNOWN: RefCell<Known> = const { RefCell::new(Vec::new()) };
    }
    let choice = Choice { epoch: String::new(), ..choice.clone() };
    KNOWN.with_borrow_mut(|known| {
        if let Some((.., epochs)) =
            known.iter().find(|(id, of, _)| *id == lecture.id && *of == choice)
        {
            return Rc::clone(epochs);
        }
        let epochs = Rc::new(computed(lecture, &choice));
        known.push((lecture.id.clone(), choice, Rc::clone(&epochs)));
        epochs
    })
}

fn computed(lecture: &Lecture, choice: &Choice) -> Vec<Epoch> {
    let mut epochs = Vec::new();
    for epoch in &lecture.epochs {
        epochs.push(run_in(lecture, &Choice { epoch: (*epoch).to_string(), ..choice.clone() }).0);
    }
    epochs
}

/// Runs a lecture's script to its end: what becomes of it, and how many steps that took.
pub(crate) fn run_in(lecture: &Lecture, choice: &Choice) -> (Epoch, usize) {
    let epoch = KernelEpoch::from_name(&choice.epoch).expect("a lecture declares known epochs");
    let (name, title) = (epoch.name(), epoch.title());
    let opened =
        find(shelf(), &lecture.id).map(|source| Session::open(Arc::clone(source), choice.asked()));
    let Ok(Ok(session)) = opened else {
        // Switches set by hand, which do not go together in this epoch.
        let verdict = words::NOT_POSSIBLE.to_string();
        let last = (words::NOT_POSSIBLE, "");
        return (Epoch { name, title, verdict, last, ok: false, derived: false, decided_at: 0 }, 0);
    };
    let reached = session.reached();
    let verdicts: Vec<&str> = reached.verdicts.iter().map(|verdict| verdict.word()).collect();
    let last = reached.verdicts.last().copied().unwrap_or(Verdict::Ok);
    let expect = session.variant().expect(epoch);
    let epoch = Epoch {
        name,
        title,
        verdict: verdicts.join(", "),
        last: (last.word(), last.meaning()),
        ok: last == Verdict::Ok,
        derived: expect.is_some_and(|expect| expect.basis == Basis::Derived),
        decided_at: reached.decided_at,
    };
    (epoch, session.last_step())
}

/// On what a run rests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Standing {
    /// How the variant relates to what kernels did: `real`, `hypothetical`, `counterfactual`.
    pub(crate) status: &'static str,
    /// On what the expected verdict rests: `read`, `inferred`, `derived`; empty where the lecture
    /// expects nothing because switches were set by hand.
    pub(crate) basis: &'static str,
    /// Mails and commits, and the argument of a derived verdict: where, and what it says.
    pub(crate) sources: Rc<Vec<(String, String)>>,
}

fn standing(session: &Session, by_hand: bool) -> Standing {
    let mut sources: Vec<_> = session
        .lecture()
        .sources
        .iter()
        .map(|it| (it.reference.clone(), it.says.clone()))
        .collect();
    let expect = session.variant().expect(session.epoch()).filter(|_| !by_hand);
    if let Some(expect) = expect.filter(|expect| !expect.because.is_empty()) {
        sources.push((
            words::expected(expect.verdict().word(), expect.basis.name()),
            expect.because.clone(),
        ));
    }
    let basis = expect.map_or("", |expect| expect.basis.name());
    let image = WHOLE && session.is_image();
    let status = if image { words::FROM_A_FILE } else { session.variant().status.name() };
    Standing { status, basis, sources: sources.into() }
}

/// Whether a run needs what this part of the page goes without, as it may with other switches.
fn is_elsewhere(why: &OpenError) -> bool {
    !WHOLE && matches!(why, OpenError::Refused { why: Refusal::NotBuilt(_), .. })
}

/// Where a link leads.
pub(crate) enum Place {
    /// The page that has all shows it, at the same address.
    Elsewhere,
    Home,
    History,
    Lesson(Box<Reopened>),
}

/// Why there is no run.
pub(crate) enum Unable {
    /// The part of the page that has all can.
    Here {
        link: String,
    },
    Anywhere {
        why: String,
    },
}

impl Unable {
    fn of(why: &OpenError, link: impl FnOnce() -> String) -> Self {
        match is_elsewhere(why) {
            true => Self::Here { link: link() },
            false => Self::Anywhere { why: why.to_string() },
        }
    }
}

/// A run on a path that was given.
pub(crate) struct Reopened {
    pub(crate) run: Run,
    /// The step to show.
    pub(crate) step: usize,
    /// In words, why that is not what was asked for.
    pub(crate) problem: Option<String>,
}

/// Follows a link.
pub(crate) fn follow(fragment: &str) -> Result<Place, String> {
    let link: Link = fragment.parse().map_err(|why| format!("{why}"))?;
    // What boots after a power cut needs a mount.
    let boots = link.path.iter().any(|run| matches!(run, Taken::PowerCut { .. }));
    let there = ELSEWHERE.iter().any(|(id, slug, _)| link.lecture == *id || link.lecture == *slug);
    if !WHOLE && (link.lecture.is_empty() || link.opens() || boots || there) {
        return Ok(Place::Elsewhere);
    }
    if link.lecture.is_empty() {
        return Ok(if link.opens() { Place::Home } else { Place::History });
    }
    let source = Arc::clone(find(shelf(), &link.lecture)?);
    match Session::replay_in(source, &link) {
        Ok(replayed) => Ok(Place::Lesson(Run::replayed(replayed).into())),
        Err(why) if is_elsewhere(&why) => Ok(Place::Elsewhere),
        Err(why) => Err(why.to_string()),
    }
}

/// A lecture run along one path.
pub(crate) struct Run {
    lecture: Lecture,
    standing: Standing,
    choice: Choice,
    session: Session,
    switches: Rc<Vec<Switch>>,
    marks: Rc<Vec<Mark>>,
    changes: Vec<usize>,
}

/// Two runs are alike only if they are one.
impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Run {
    fn of(session: Session) -> Self {
        let mut changes = Vec::new();
        let mut marks = Vec::new();
        let in_short = session.is_image();
        if WHOLE && in_short {
            let columns = session.scene(0).columns;
            changes.resize(columns.len(), 0);
            for step in 0..=session.last_step() {
                let Outline { actor, sentence, verdicts, stop: event, blocks } =
                    session.outline(step);
                for block in blocks {
                    let column = columns.iter().position(|column| column.block == block.0);
                    column.into_iter().for_each(|column| changes[column] += 1);
                }
                marks.push(Mark { actor, sentence, event, verdicts: failures(verdicts) });
            }
        }
        for step in (0..=session.last_step()).filter(|_| !in_short) {
            let scene = session.scene(step);
            changes.resize(scene.columns.len(), 0);
            // Whose a block is does not tell whether anything happens in it.
            let rows = scene.rows.iter().filter(|row| row.kind != RowKind::Owner);
            for row in rows {
                for (count, cell) in changes.iter_mut().zip(&row.cells) {
                    *count += usize::from(cell.changed);
                }
            }
            marks.push(Mark {
                actor: scene.caption.actor,
                sentence: scene.caption.sentence,
                event: scene.caption.event.is_some() || session.prediction(step).is_some(),
                verdicts: failures(scene.caption.verdicts),
            });
        }
        let choice = Choice::of(session.choice(), &session);
        let switches = session.switches().into();
        let standing = standing(&session, !choice.sets.is_empty());
        let lecture = lecture(session.lecture());
        Self { lecture, standing, choice, session, switches, marks: marks.into(), changes }
    }

    /// The same lecture's script with another choice, to its end.
    ///
    /// # Errors
    /// The link to the part of the page that can, or else why it is not possible.
    pub(crate) fn again(&self, choice: &Choice) -> Result<Self, Unable> {
        let session = Session::open(Arc::clone(self.session.lecture()), choice.asked());
        session.map(Self::of).map_err(|why| Unable::of(&why, || link(&self.lecture, choice, 0)))
    }

    /// What boots from a device that was left behind.
    ///
    /// # Errors
    /// In words: why these bytes are none, or why it cannot be run.
    #[cfg(feature = "ext4")]
    pub(crate) fn of_image(name: &str, bytes: &[u8]) -> Result<Self, String> {
        let lecture = Source::of_image(name, bytes).map_err(|why| why.to_string())?;
        let session = Session::open(Arc::new(lecture), Asked::default());
        session.map(Self::of).map_err(|why| why.to_string())
    }

    /// Whether it boots from an image, which no link can carry.
    pub(crate) fn is_image(&self) -> bool {
        self.session.is_image()
    }

    /// The sizes of its machine, if they are not those of the lectures.
    pub(crate) fn is_large(&self) -> bool {
        WHOLE && self.session.lecture().geometry.blocks > Geometry::TEACHING.blocks
    }

    /// The path that cuts the power after a step and boots from an image.
    #[cfg(feature = "ext4")]
    pub(crate) fn boot(&self, step: usize, image: u32) -> Result<Self, String> {
        let mut session = self.session.clone();
        session.cut_power(step, image)?;
        Ok(Self::of(session))
    }

    fn replayed(replayed: Replayed) -> Reopened {
        Reopened { run: Self::of(replayed.session), step: replayed.step, problem: replayed.problem }
    }

    /// The same path with another choice, as far as that is possible.
    ///
    /// # Errors
    /// The link to the part of the page that can, or else why it is not possible.
    pub(crate) fn under(&self, choice: &Choice, step: usize) -> Result<Reopened, Unable> {
        let replayed = self.session.under(choice.asked(), step);
        let link = || link(&self.lecture, choice, step);
        replayed.map(Self::replayed).map_err(|why| Unable::of(&why, link))
    }

    /// This run's choice with one switch at another value.
    pub(crate) fn with_switch(&self, switch: &str, value: &str) -> Choice {
        Choice::of(&self.session.with_switch(switch, value), &self.session)
    }

    /// The switches of this run.
    pub(crate) fn switches(&self) -> &Rc<Vec<Switch>> {
        &self.switches
    }

    pub(crate) fn lecture(&self) -> &Lecture {
        &self.lecture
    }

    /// On what the run rests.
    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    pub(crate) fn choice(&self) -> &Choice {
        &self.choice
    }

    /// The number of the last step; 0 is the start.
    pub(crate) fn last(&self) -> usize {
        self.session.last_step()
    }

    /// Every moment of the timeline.
    pub(crate) fn marks(&self) -> &Rc<Vec<Mark>> {
        &self.marks
    }

    /// How often something changed in each column.
    pub(crate) fn changes(&self) -> &[usize] {
        &self.changes
    }

    /// A moment, ready to draw.
    pub(crate) fn scene(&self, step: usize) -> Scene {
        self.session.scene(step)
    }

    /// The author's own sentences for a step.
    pub(crate) fn notes(&self, step: usize) -> Vec<String> {
        self.session.sentences(step).map(str::to_string).collect()
    }

    /// The question to ask after a step, before the next one is shown.
    pub(crate) fn question(&self, step: usize) -> Option<Question> {
        let asked = self.session.prediction(step)?;
        let prediction = asked.prediction;
        let (ask, answers) = (prediction.ask.clone(), prediction.answers.clone());
        let right = asked.right;
        Some(Question { ask, answers, right })
    }

    /// Leads to a step of this run.
    pub(crate) fn link(&self, step: usize) -> String {
        self.session.link(step).to_string()
    }

    /// Leads to what boots if the power is cut after a step and this image survives.
    pub(crate) fn boot_link(&self, step: usize, image: u32) -> String {
        self.session.boot_link(step, image).to_string()
    }

    /// Whether the path goes another way than the lecture's own.
    pub(crate) fn is_branch(&self) -> bool {
        self.session.scripted_steps() < self.session.last_step()
    }

    /// The run that takes another action after a step.
    pub(crate) fn take(&self, step: usize, number: usize) -> Result<Self, String> {
        let mut session = self.session.clone();
        session.take(step, number)?;
        Ok(Self::of(session))
    }

    /// The whole lecture as text.
    pub(crate) fn transcript(&self) -> String {
        self.session.transcript()
    }
}

/// The verdict words that say that something went wrong.
fn failures(mut verdicts: Vec<String>) -> Vec<String> {
    verdicts.retain(|word| *word != Verdict::Ok.word());
    verdicts
}
