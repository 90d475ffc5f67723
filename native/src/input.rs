//! From what the user typed to a session.

use crate::args::Choice;
use anyhow::{Context, Result, anyhow, bail};
use daxscope_scenarios::{Catalogue, Lecture, Link, NoImage, Session};
use std::fs;
use std::path::{Path, PathBuf};

/// A session, and the step that a link named.
pub(crate) struct Opened {
    pub(crate) session: Session,
    pub(crate) step: Option<usize>,
}

/// Opens what the user asked for: a lecture of the catalogue, a file, a link, or an image.
///
/// # Errors
/// One clear message: what was found, what was expected.
pub(crate) fn open(choice: &Choice) -> Result<Opened> {
    let lecture = match (&choice.image, &choice.scenario) {
        (Some(path), _) => image(path)?,
        (None, Some(link)) if link.contains("#/") => return open_link(choice, link),
        (None, name) => lecture(name.as_deref().unwrap_or_default())?,
    };
    let choice = daxscope_scenarios::Choice {
        variant: choice.variant.clone(),
        epoch: choice.epoch,
        sets: choice.sets.clone(),
        planted: None,
    };
    let session =
        Session::open(&lecture, choice).map_err(|why| anyhow!("{}: {why}", lecture.id))?;
    Ok(Opened { session, step: None })
}

/// A device that was left behind.
fn image(path: &Path) -> Result<Lecture> {
    let name = path.file_name().unwrap_or(path.as_os_str()).display();
    let unreadable = || format!("cannot read {}", path.display());
    // What no device can be is not read to its end.
    let found = fs::metadata(path).with_context(unreadable)?.len();
    let lecture = if found > NoImage::BYTES_MAX {
        Err(NoImage { found })
    } else {
        Lecture::of_image(&name.to_string(), &fs::read(path).with_context(unreadable)?)
    };
    lecture.with_context(|| format!("{} is no image of a device", path.display()))
}

fn open_link(choice: &Choice, link: &str) -> Result<Opened> {
    if choice.epoch.is_some() || choice.variant.is_some() || !choice.sets.is_empty() {
        bail!(
            "a link says its own epoch, variant and switches: leave out --epoch, --variant, --set"
        );
    }
    let link: Link = link.parse().map_err(|why| anyhow!("{link}: {why}"))?;
    if link.is_history() {
        bail!("the link leads to the page's history, not to a lecture: see `daxscope matrix`");
    }
    if link.lecture.is_empty() {
        bail!("the link leads to where the page opens a file: see `daxscope run --image`");
    }
    let catalogue = Catalogue::embedded();
    let replayed = Session::replay(&catalogue, &link).map_err(|why| anyhow!("{why}"))?;
    if let Some(reason) = &replayed.problem {
        bail!("the link is valid up to step {}: {reason}", replayed.step);
    }
    Ok(Opened { session: replayed.session, step: Some(replayed.step) })
}

/// A lecture by id, slug or file name.
fn lecture(name: &str) -> Result<Lecture> {
    if Path::new(name).extension().is_some_and(|ending| ending == "toml") {
        return read(Path::new(name));
    }
    Catalogue::embedded().find(name).cloned().map_err(|why| anyhow!(why))
}

fn read(path: &Path) -> Result<Lecture> {
    let text = text_of(path)?;
    Lecture::parse(&path.display().to_string(), &text).map_err(|errors| anyhow!("{errors}"))
}

fn text_of(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The lectures of files and folders; those that come with daxscope if there are none.
///
/// # Errors
/// Everything that is wrong in any of them.
pub(crate) fn catalogue(paths: &[PathBuf]) -> Result<Catalogue> {
    if paths.is_empty() {
        return Ok(Catalogue::embedded());
    }
    let mut texts = Vec::new();
    for path in files(paths)? {
        texts.push((path.display().to_string(), text_of(&path)?));
    }
    Catalogue::read(texts.iter().map(|(name, text)| (name.as_str(), text.as_str()))).map_err(
        |errors| anyhow!(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    )
}

/// The files themselves, and the `.toml` files of the folders, sorted.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries =
            fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut found = Vec::new();
        for entry in entries {
            found.push(entry?.path());
        }
        found.retain(|file| file.extension().is_some_and(|ending| ending == "toml"));
        found.sort();
        if found.is_empty() {
            bail!("{} has no lecture file (.toml)", path.display());
        }
        files.extend(found);
    }
    Ok(files)
}
