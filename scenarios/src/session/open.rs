//! Opening a session: the initial state, and the schedule run to its end.

use super::{FAN_OUT, STEPS_MAX, Session, moments};
use crate::landmark::AnyOf;
use crate::lecture::{Lecture, Segment, Survivor, Variant};
use crate::suggest::unknown;
use daxscope_core::EXT4;
use daxscope_core::check::persistence_domain;
use daxscope_core::config::{Epoch, SWITCHES, Semantics, SetError};
use daxscope_core::machine::{Action, Bio, Refusal, Setup, SetupError, ThreadId};
use daxscope_core::medium::{IMAGES_MAX, Version, image_at, images};
use daxscope_core::path::Path;
use daxscope_core::rules::RuleId;
use std::fmt;
use std::sync::Arc;

/// What to run of a lecture; everything that is not given is the lecture's own.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Choice {
    /// The variant; the first one if not given.
    pub variant: Option<String>,
    /// The epoch.
    pub epoch: Option<Epoch>,
    /// Switches, over those of the variant: name and value.
    pub sets: Vec<(String, String)>,
    /// A rule whose branch is broken on purpose, to prove that a test notices; see
    /// [`Setup::planted`]. No link carries it.
    pub planted: Option<RuleId>,
}

/// Why a lecture cannot be opened as asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OpenError {
    /// There is no such lecture, variant, switch or value: the message says what there is.
    Unknown(String),
    /// The switch value or geometry exists, but the model does not have it yet.
    NotModelled(String),
    /// The core refused the initial state.
    Setup(SetupError),
    /// The core refused a scripted step.
    Refused {
        /// The step that was not taken.
        step: usize,
        /// Why.
        why: Refusal,
    },
    /// The schedule goes on after [`STEPS_MAX`] steps.
    Endless,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(message) | Self::NotModelled(message) => f.write_str(message),
            Self::Setup(error) => f.write_str(&error.message),
            Self::Refused { step, why } => write!(f, "step {step} was refused: {why}"),
            Self::Endless => {
                write!(f, "the schedule is not over after {STEPS_MAX} steps: is it endless?")
            }
        }
    }
}

impl std::error::Error for OpenError {}

impl From<&Lecture> for Arc<Lecture> {
    fn from(lecture: &Lecture) -> Self {
        Self::new(lecture.clone())
    }
}

/// A segment that ended without its landmark.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreached {
    /// The number of the segment.
    pub segment: usize,
    /// Whose.
    pub actor: String,
    /// What did not come: `event dirty-cleared`, `evict b10.0`.
    pub landmark: String,
    /// The step after which the segment ended.
    pub step: usize,
}

impl Session {
    /// Builds the initial state and runs the schedule to its end. A lecture given as an `Arc` is
    /// shared with its other sessions, one given by reference is copied.
    ///
    /// # Errors
    /// If something that was asked for does not exist, or the core refuses a step.
    pub fn open(lecture: impl Into<Arc<Lecture>>, choice: Choice) -> Result<Self, OpenError> {
        Self::open_shared(lecture.into(), choice)
    }

    fn open_shared(lecture: Arc<Lecture>, choice: Choice) -> Result<Self, OpenError> {
        let number = match &choice.variant {
            None => 0,
            Some(name) => variant_number(&lecture, name)?,
        };
        let variant = &lecture.variants[number];
        if lecture.geometry.fan_out != FAN_OUT {
            let message = "not modelled yet: a lecture with geometry=kernel".to_owned();
            return Err(OpenError::NotModelled(message));
        }
        let setup = setup(&lecture, variant, &choice)?;
        let semantics = setup.semantics;
        let path = Path::new(&setup).map_err(OpenError::Setup)?;
        let mut session = Self {
            lecture,
            variant: number,
            choice,
            semantics,
            path,
            script: Vec::new(),
            unreached: Vec::new(),
        };
        session.run_schedule()?;
        Ok(session)
    }

    fn run_schedule(&mut self) -> Result<(), OpenError> {
        let lecture = Arc::clone(&self.lecture);
        let schedule = &lecture.variants[self.variant].schedule;
        for (number, segment) in schedule.iter().enumerate() {
            let reached = match segment {
                Segment::Run { thread, until } => self.run_until(*thread, until)?,
                Segment::Evict { line, .. } => self.try_script(Action::Evict(*line))?,
                Segment::PowerCut { survivor } => match self.survivor(survivor) {
                    Some(image) => self.try_script(Action::PowerCut(image))?,
                    None => false,
                },
                Segment::Complete { block, mapping, .. } => {
                    let bios = &self.path.last().machine.bios;
                    let wanted = |bio: &Bio| (bio.block, bio.mapping) == (*block, *mapping);
                    match bios.iter().position(wanted).filter(|_| EXT4) {
                        Some(bio) => self.try_script(Action::CompleteIo(bio))?,
                        None => false,
                    }
                }
            };
            if !reached {
                let (actor, landmark) = match segment {
                    Segment::Run { thread, until } => {
                        let program = &self.variant().programs[usize::from(thread.0)];
                        (program.name.clone(), until.to_string())
                    }
                    Segment::Complete { place, .. } => {
                        ("hardware".to_owned(), format!("complete {place}"))
                    }
                    Segment::Evict { place, .. } => {
                        ("hardware".to_owned(), format!("evict {place}"))
                    }
                    Segment::PowerCut { survivor } => {
                        ("hardware".to_owned(), format!("power-cut {}", survivor.word()))
                    }
                };
                let step = self.last_step();
                self.unreached.push(Unreached { segment: number, actor, landmark, step });
            }
        }
        Ok(())
    }

    /// Whether the landmark came; if not, the thread is done or asleep.
    fn run_until(&mut self, thread: ThreadId, until: &AnyOf) -> Result<bool, OpenError> {
        while self.try_script(Action::Run(thread))? {
            if moments::shows(until, &self.path, self.last_step(), Some(thread)) {
                return Ok(true);
            }
        }
        Ok(moments::is_over(until, self.path.last(), thread))
    }

    /// The number of the image that survives a power cut at the end of the path.
    fn survivor(&self, survivor: &Survivor) -> Option<u32> {
        if !EXT4 {
            return None;
        }
        let moment = self.path.last();
        let report = &moment.crash;
        match survivor {
            Survivor::Kept(lines) => {
                let kept: Vec<_> = lines.iter().map(|(at, kept)| (*at, Version(*kept))).collect();
                let domain = persistence_domain(&moment.machine);
                let wanted = image_at(&moment.machine.medium, domain, &kept)?;
                let mut all = (0..IMAGES_MAX).zip(images(&moment.machine.medium, domain));
                all.find(|(_, image)| *image == wanted).map(|(number, _)| number)
            }
            Survivor::NothingLost => Some(0),
            Survivor::AllLost => {
                let last = report.images.as_u64()? - 1;
                u32::try_from(last).ok().filter(|last| *last < IMAGES_MAX)
            }
            Survivor::Class(verdict) => {
                let class = report.classes.iter().find(|class| class.verdict == *verdict);
                class.map(|class| class.number)
            }
        }
    }

    /// Takes a scripted action; `false` if it is not possible now.
    fn try_script(&mut self, action: Action) -> Result<bool, OpenError> {
        let cut = matches!(action, Action::PowerCut(_));
        if !cut && !self.path.last().machine.enabled().contains(&action) {
            return Ok(false);
        }
        let step = self.path.len();
        if step > self.steps_max() {
            return Err(OpenError::Endless);
        }
        self.path.advance(action).map_err(|why| OpenError::Refused { step, why })?;
        self.script.push(action);
        Ok(true)
    }
}

/// What the machine of a variant starts from. Nothing but the switches is checked.
pub(crate) fn setup(
    lecture: &Lecture,
    variant: &Variant,
    choice: &Choice,
) -> Result<Setup, OpenError> {
    Ok(Setup {
        geometry: lecture.geometry,
        semantics: semantics(lecture, variant, choice)?,
        system: variant.system,
        files: variant.files.clone(),
        contents: variant.contents.clone(),
        programs: variant.programs.clone(),
        planted: choice.planted,
    })
}

/// The epoch's preset with the switches of the variant and of the choice over it.
pub(super) fn semantics(
    lecture: &Lecture,
    variant: &Variant,
    choice: &Choice,
) -> Result<Semantics, OpenError> {
    let mut semantics = Semantics::preset(choice.epoch.unwrap_or(lecture.epoch));
    set(&mut semantics, &variant.sets)?;
    set(&mut semantics, &choice.sets)?;
    Ok(semantics)
}

fn variant_number(lecture: &Lecture, name: &str) -> Result<usize, OpenError> {
    let names = || lecture.variants.iter().map(|variant| variant.name.as_str());
    let number = names().position(|known| known == name);
    number.ok_or_else(|| OpenError::Unknown(unknown("variant", name, names())))
}

/// Sets switches by name; on the first that cannot be set says what there is.
#[inline(never)] // The core's `set` is large, and would be in the page once for each call.
fn set(semantics: &mut Semantics, sets: &[(String, String)]) -> Result<(), OpenError> {
    for (switch, value) in sets {
        semantics.set(switch, value).map_err(|error| match error {
            SetError::UnknownSwitch => {
                let names = SWITCHES.iter().map(|switch| switch.name);
                OpenError::Unknown(unknown("switch", switch, names))
            }
            SetError::UnknownValue(values) => {
                let what = format!("value of `{switch}`");
                OpenError::Unknown(unknown(&what, value, values.iter().copied()))
            }
            SetError::NotModelled(what) => OpenError::NotModelled(what.to_string()),
        })?;
    }
    Ok(())
}
