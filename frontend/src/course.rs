//! The lectures and their runs, as the page wants them: the one place that knows the scenarios.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::OnceLock;

use crate::words;
use daxscope_core::check::Verdict;
use daxscope_core::config::Epoch as KernelEpoch;
use daxscope_core::view::{RowKind, Scene};
use daxscope_scenarios::{Catalogue, Choice as Asked, Lecture as Source, Link, Session, Side};

/// A lecture of the catalogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Lecture {
    pub(crate) id: String,
    pub(crate) question: String,
    pub(crate) teaches: String,
    pub(crate) status: &'static str,
    /// Name and title.
    pub(crate) variants: Vec<(String, String)>,
    /// What a lecture is run with when nothing else is asked for.
    pub(crate) default: Choice,
}

/// An epoch of a lecture and the verdict that its run there ends with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Epoch {
    /// As links and the command line write it.
    pub(crate) name: &'static str,
    /// In full.
    pub(crate) title: &'static str,
    pub(crate) verdict: String,
    pub(crate) ok: bool,
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
    /// The epoch in full.
    pub(crate) fn in_words(&self) -> String {
        let epoch = KernelEpoch::from_name(&self.epoch);
        epoch.map_or(self.epoch.as_str(), |epoch| epoch.title()).to_string()
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

/// The lectures, packed by `build.rs`.
static LECTURES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lectures.bin"));

/// The catalogue, unpacked once.
fn shelf() -> &'static Catalogue {
    static SHELF: OnceLock<Catalogue> = OnceLock::new();
    SHELF.get_or_init(|| Catalogue::unpack(LECTURES).expect("the build has packed them"))
}

fn lecture(source: &Source) -> Lecture {
    Lecture {
        id: source.id.clone(),
        question: source.question.clone(),
        teaches: source.teaches.clone(),
        status: source.status.name(),
        variants: source.variants.iter().map(|it| (it.name.clone(), it.title.clone())).collect(),
        default: Choice {
            variant: source.variants[0].name.clone(),
            epoch: source.epoch.name().to_string(),
            sets: Vec::new(),
        },
    }
}

/// The lectures in the order in which they are taught.
pub(crate) fn catalogue() -> Rc<Vec<Lecture>> {
    Rc::new(shelf().lectures().iter().map(lecture).collect())
}

/// The link to the start of a lecture.
pub(crate) fn link(lecture: &Lecture, choice: &Choice) -> String {
    let Ok(source) = shelf().find(&lecture.id) else { return String::new() };
    let own = choice.epoch == lecture.default.epoch;
    let epoch = KernelEpoch::from_name(&choice.epoch).filter(|_| !own);
    let variant = (choice.variant != lecture.default.variant).then(|| choice.variant.clone());
    let side = Side { epoch, sets: choice.sets.clone() };
    Link { variant, side, ..Link::to(&source.slug) }.to_string()
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
    let Ok(source) = shelf().find(&lecture.id) else { return Vec::new() };
    let verdict = |epoch: KernelEpoch| {
        let asked = Asked { epoch: Some(epoch), ..choice.asked() };
        let reached = Session::open(source, asked).ok()?.reached();
        let word = |verdict: &Verdict| verdict.to_string();
        Some(Epoch {
            name: epoch.name(),
            title: epoch.title(),
            verdict: reached.verdicts.iter().map(word).collect::<Vec<_>>().join(", "),
            ok: reached.verdicts.iter().all(|verdict| *verdict == Verdict::Ok),
        })
    };
    source.epochs.iter().filter_map(|epoch| verdict(*epoch)).collect()
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
    Standing { status: session.variant().status.name(), basis, sources: sources.into() }
}

/// A lecture run along one path.
pub(crate) struct Run {
    lecture: Lecture,
    standing: Standing,
    choice: Choice,
    session: Session,
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
    fn of(session: Session, sets: Vec<(String, String)>) -> Self {
        let mut changes = Vec::new();
        let mut marks = Vec::new();
        for step in 0..=session.last_step() {
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
        let choice = Choice {
            variant: session.variant().name.clone(),
            epoch: session.epoch().name().to_string(),
            sets,
        };
        let standing = standing(&session, !choice.sets.is_empty());
        let lecture = lecture(session.lecture());
        Self { lecture, standing, choice, session, marks: marks.into(), changes }
    }

    /// Runs a lecture's script to its end.
    pub(crate) fn open(lecture: &Lecture, choice: &Choice) -> Result<Self, String> {
        let source = shelf().find(&lecture.id)?;
        let session = Session::open(source, choice.asked()).map_err(|why| why.to_string())?;
        Ok(Self::of(session, choice.sets.clone()))
    }

    /// Follows a link: the run, the step to show, and in words why that is not the link's.
    pub(crate) fn replay(fragment: &str) -> Result<(Self, usize, Option<String>), String> {
        let link: Link = fragment.parse().map_err(|why| format!("{why}"))?;
        let replayed = Session::replay(shelf(), &link).map_err(|why| why.to_string())?;
        Ok((Self::of(replayed.session, link.side.sets), replayed.step, replayed.problem))
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

    /// The run that takes another action after a step.
    pub(crate) fn take(&self, step: usize, number: usize) -> Result<Self, String> {
        let mut session = self.session.clone();
        session.take(step, number)?;
        Ok(Self::of(session, self.choice.sets.clone()))
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
