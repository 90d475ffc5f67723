//! Lectures in a packed form: for the page, which would need more code to read their text than to
//! run them.
//!
//! The packed form is what [`mirror`] says, in the bytes of [`codec`]: strings and numbers. Whatever
//! the core has a name for travels by that name (epochs, rules, verdicts, invariants, landmarks,
//! calls, switches), so that a packed lecture means the same when an enum of the core has been
//! reordered, and is refused when a name is gone.

mod codec;
mod mirror;
mod packed;
mod sound;
mod unpacked;

use crate::catalogue::Catalogue;
use crate::link::MODEL_VERSION;
use codec::{Packed, Reader};
use mirror::{Lecture, Versions};

/// The version of the packed form: raised with every change of [`mirror`].
const FORMAT_VERSION: u32 = 2;

const VERSIONS: Versions = Versions { format: FORMAT_VERSION, model: MODEL_VERSION };

impl Catalogue {
    /// The lectures in packed form.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let lectures: Vec<Lecture<'_>> = self.lectures.iter().map(packed::lecture).collect();
        let mut bytes = Vec::new();
        (VERSIONS, lectures).write(&mut bytes);
        bytes
    }

    /// Reads what [`Catalogue::pack`] has written. What comes back can be run like a lecture that
    /// was read from its file.
    ///
    /// # Errors
    /// If it is of another version, cut short or longer, names what does not exist, or would not
    /// run.
    pub fn unpack(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = Reader::new(bytes);
        let versions = Versions::read(&mut reader);
        if !reader.broken && versions != VERSIONS {
            let Versions { format, model } = versions;
            return Err(format!(
                "the lectures are packed for format {format}, model {model}; expected \
                 {FORMAT_VERSION}, {MODEL_VERSION}"
            ));
        }
        let packed = Vec::<Lecture<'_>>::read(&mut reader);
        if reader.broken {
            return Err("the packed lectures are broken".to_owned());
        }
        if !reader.rest.is_empty() {
            return Err(format!("the packed lectures go on for {} bytes", reader.rest.len()));
        }
        let mut catalogue = Self { lectures: Vec::new() };
        for packed in &packed {
            let lecture = unpacked::lecture(packed);
            let sound = lecture.and_then(|lecture| {
                sound::check(&lecture, &catalogue.lectures)?;
                Ok(lecture)
            });
            let lecture = sound.map_err(|why| format!("{}, packed: {why}", packed.file))?;
            catalogue.lectures.push(lecture);
        }
        Ok(catalogue)
    }
}
