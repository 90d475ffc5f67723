//! Lectures in the order in which they are taught.

#[cfg(feature = "read")]
mod read;

use crate::lecture::Lecture;
use crate::suggest::{nearest, unknown};
use std::borrow::Borrow;
use std::sync::Arc;

/// Some lectures, of which no two have one id or slug.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Catalogue {
    pub(crate) lectures: Vec<Lecture>,
}

impl Catalogue {
    /// The lectures in order.
    #[must_use]
    pub fn lectures(&self) -> &[Lecture] {
        &self.lectures
    }

    /// The lectures, each to be shared by its sessions.
    #[must_use]
    pub fn into_shared(self) -> Vec<Arc<Lecture>> {
        self.lectures.into_iter().map(Arc::new).collect()
    }

    /// The lectures that a build without the ext-like file system can run, and the others.
    #[must_use]
    pub fn without_ext4(self) -> (Self, Vec<Lecture>) {
        let (others, lectures) = self.lectures.into_iter().partition(Lecture::needs_ext4);
        (Self { lectures }, others)
    }

    /// The lecture of that id or slug.
    ///
    /// # Errors
    /// What there is, and what was probably meant.
    pub fn find(&self, name: &str) -> Result<&Lecture, String> {
        find(&self.lectures, name)
    }
}

/// The lecture of that id or slug.
///
/// # Errors
/// What there is, and what was probably meant.
pub fn find<'a, L: Borrow<Lecture>>(lectures: &'a [L], name: &str) -> Result<&'a L, String> {
    let is = |lecture: &Lecture| lecture.slug == name || lecture.id.eq_ignore_ascii_case(name);
    lectures.iter().find(|lecture| is((*lecture).borrow())).ok_or_else(|| {
        let each = || lectures.iter().map(Borrow::<Lecture>::borrow);
        // All slugs would be long to read, and longer to hear.
        let slug = nearest(name, each().map(|lecture| lecture.slug.as_str()));
        unknown("lecture", name, each().map(|lecture| lecture.id.as_str()).chain(slug))
    })
}
