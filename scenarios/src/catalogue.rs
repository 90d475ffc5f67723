//! Lectures in the order in which they are taught.

#[cfg(feature = "read")]
mod read;

use crate::lecture::Lecture;
use crate::suggest::unknown;

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

    /// The lecture of that id or slug.
    ///
    /// # Errors
    /// What there is, and what was probably meant.
    pub fn find(&self, name: &str) -> Result<&Lecture, String> {
        let is = |lecture: &&Lecture| lecture.slug == name || lecture.id.eq_ignore_ascii_case(name);
        self.lectures.iter().find(is).ok_or_else(|| {
            let names = self.lectures.iter().flat_map(|l| [l.id.as_str(), l.slug.as_str()]);
            unknown("lecture", name, names)
        })
    }
}
