//! The lectures that come with daxscope, and others, out of their files.

use super::Catalogue;
use crate::error::{LectureErrors, Problem};
use crate::lecture::Lecture;

/// The files, in the order in which they are taught.
const FILES: &[(&str, &str)] = &[
    ("lectures/S01.toml", include_str!("../../lectures/S01.toml")),
    ("lectures/S02.toml", include_str!("../../lectures/S02.toml")),
    ("lectures/S03.toml", include_str!("../../lectures/S03.toml")),
    ("lectures/S04.toml", include_str!("../../lectures/S04.toml")),
    ("lectures/S05.toml", include_str!("../../lectures/S05.toml")),
    ("lectures/S07.toml", include_str!("../../lectures/S07.toml")),
    ("lectures/S08.toml", include_str!("../../lectures/S08.toml")),
    ("lectures/S09.toml", include_str!("../../lectures/S09.toml")),
    ("lectures/S10.toml", include_str!("../../lectures/S10.toml")),
    ("lectures/S11.toml", include_str!("../../lectures/S11.toml")),
    ("lectures/S12.toml", include_str!("../../lectures/S12.toml")),
    ("lectures/S13.toml", include_str!("../../lectures/S13.toml")),
    ("lectures/S16.toml", include_str!("../../lectures/S16.toml")),
    ("lectures/S17.toml", include_str!("../../lectures/S17.toml")),
    ("lectures/S18.toml", include_str!("../../lectures/S18.toml")),
    ("lectures/S19.toml", include_str!("../../lectures/S19.toml")),
    ("lectures/S20.toml", include_str!("../../lectures/S20.toml")),
    ("lectures/S21.toml", include_str!("../../lectures/S21.toml")),
    ("lectures/S23.toml", include_str!("../../lectures/S23.toml")),
    ("lectures/S24.toml", include_str!("../../lectures/S24.toml")),
    ("lectures/S25.toml", include_str!("../../lectures/S25.toml")),
];

impl Catalogue {
    /// The lectures that come with daxscope.
    ///
    /// # Panics
    /// If one of them is faulty, which a test excludes.
    #[must_use]
    pub fn embedded() -> Self {
        Self::read(FILES.iter().copied()).unwrap_or_else(|errors| {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            panic!("embedded lectures are tested:\n{}", all.join("\n"))
        })
    }

    /// Reads lectures, given as file name and text.
    ///
    /// # Errors
    /// Everything that is wrong, file by file; an id or slug that is taken counts against the later
    /// file.
    pub fn read<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Vec<LectureErrors>> {
        let mut lectures: Vec<Lecture> = Vec::new();
        let mut errors = Vec::new();
        for (file, text) in files {
            match Lecture::parse(file, text) {
                Ok(lecture) => {
                    let problems = taken(&lecture, &lectures, text);
                    if !problems.is_empty() {
                        errors.push(LectureErrors { file: file.to_owned(), problems });
                    }
                    lectures.push(lecture);
                }
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(Self { lectures }) } else { Err(errors) }
    }
}

/// Problems of ids and slugs that an earlier lecture has.
fn taken(lecture: &Lecture, earlier: &[Lecture], text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for other in earlier {
        let pairs = [("id", &lecture.id, &other.id), ("slug", &lecture.slug, &other.slug)];
        for (key, ours, theirs) in pairs {
            if ours == theirs {
                let line = text.lines().position(|line| line.trim_start().starts_with(key));
                let line = line.map_or(1, |n| n + 1);
                let message = format!("{key} `{ours}` is that of {} already", other.file);
                problems.push(Problem { line, column: 1, message });
            }
        }
    }
    problems
}
