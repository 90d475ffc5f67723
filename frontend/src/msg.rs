//! What the reader or the browser can ask for.

use std::rc::Rc;

/// Where to go on the path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Go {
    First,
    Back,
    Next,
    Last,
    PreviousEvent,
    NextEvent,
    To(usize),
}

/// What lies over the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Layer {
    None,
    Help,
    GoTo,
    /// The link in a field, where the clipboard is refused; or why there is none.
    Link,
    /// A file to open.
    Open,
}

/// Light or dark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    /// The word that is kept on the device and stands in `data-theme`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of a kept word.
    pub(crate) fn named(name: &str) -> Self {
        [Self::Light, Self::Dark]
            .into_iter()
            .find(|theme| theme.name() == name)
            .unwrap_or(Self::System)
    }

    /// What the theme button leads to.
    pub(crate) const fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

/// What the reader is told once, above the sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Notice {
    /// A link could not be restored: the only thing that is an alert.
    pub(crate) alert: bool,
    pub(crate) text: String,
}

/// What the reader or the browser asks for.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Msg {
    /// A link's fragment, `#/1/…`; empty for the catalogue.
    Visit(String),
    Go(Go),
    Epoch(String),
    Variant(String),
    /// A switch and the value it is to have.
    Set(&'static str, &'static str),
    /// Show all switches, or only those that the lecture is about.
    AllSwitches,
    /// Run some more of what the screen shows a verdict of.
    Compute,
    /// Take the enabled action with this number, from 0.
    Take(usize),
    /// Answer the question that is asked at this step, by its number from 0; the first answer counts.
    Answer(usize),
    /// Back from a branch to the lecture's own path.
    Rejoin,
    /// A block is pointed at or has the focus.
    Look(Option<Rc<str>>),
    /// Keep a block marked, or let it go.
    Pin(Rc<str>),
    /// Fold or unfold the unused blocks.
    Fold,
    /// To and from the text view.
    Text,
    NextTheme,
    Show(Layer),
    /// A file of this name is being read.
    #[cfg(feature = "ext4")]
    Opening(String),
    /// A file has been read.
    #[cfg(feature = "ext4")]
    Open(Rc<crate::opened::File>),
    /// Cut the power at this step and boot from the image of this number, where no link can say so.
    #[cfg(feature = "ext4")]
    Boot(u32),
    /// Close the topmost layer.
    Close,
    DismissNotice,
    /// Whether the link reached the clipboard.
    Copied(bool),
    /// The window became narrow or wide.
    Narrow(bool),
}
