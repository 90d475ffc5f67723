//! Reading a link. Every number is bounded, every name is of a few plain characters.

use super::{DIGITS, HASH_BITS, HISTORY, LINK_VERSION, Link, LinkError, OPEN, Run, Side};
use crate::suggest::unknown;
use daxscope_core::config::Epoch;
use std::str::FromStr;

/// The keys after `?`.
const KEYS: [&str; 10] = ["w", "e", "s", "e2", "s2", "v", "x", "f", "c", "m"];
/// Longer than any run can be: refused before anything is built from it.
const NUMBER_MAX: u32 = 1_000_000;

impl FromStr for Link {
    type Err = LinkError;

    /// Reads a link, from its `#` on or without it.
    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = decode(text.trim());
        let address = text.rsplit_once('#').map_or(text.as_str(), |(_, fragment)| fragment);
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let mut parts = path.strip_prefix('/').unwrap_or(path).split('/');
        let version = parts.next().unwrap_or("");
        if version.parse() != Ok(LINK_VERSION) {
            let message = format!("`{version}`; expected `{LINK_VERSION}`, as in `#/1/lecture`");
            return Err(error("version", message));
        }
        let lecture = parts.next().unwrap_or("");
        if lecture.is_empty() && parts.next().is_none() {
            match query.strip_prefix("v=") {
                Some(HISTORY) => return Ok(Self::history()),
                Some(OPEN) => return Ok(Self::open()),
                _ => {}
            }
        }
        if lecture.is_empty() {
            let expected = "expected a lecture's name, or `?v=history` or `?v=open`";
            return Err(error("lecture", format!("it is missing; {expected}")));
        }
        let mut link = Self::to(&name("lecture", lecture)?);
        if let Some(choices) = parts.next() {
            link.path = runs(choices)?;
        }
        if let Some(step) = parts.next() {
            link.step = number("step", step)?;
        }
        if let Some(extra) = parts.next() {
            return Err(error("step", format!("`{extra}` follows it; expected `?` or the end")));
        }
        link.query(query)?;
        Ok(link)
    }
}

impl Link {
    fn query(&mut self, query: &str) -> Result<(), LinkError> {
        let mut seen: Vec<&str> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if seen.contains(&key) {
                return Err(error(key, "it is there twice; expected it once".to_owned()));
            }
            seen.push(key);
            let other = |link: &mut Self| link.other.take().unwrap_or_default();
            match key {
                "w" => self.variant = Some(name(key, value)?),
                "e" => self.side.epoch = Some(epoch(key, value)?),
                "s" => self.side.sets = sets(key, value)?,
                "e2" if value.is_empty() => self.other = Some(other(self)),
                "e2" => {
                    self.other = Some(Side { epoch: Some(epoch(key, value)?), ..other(self) });
                }
                "s2" => {
                    let sets = sets(key, value)?;
                    self.other = Some(Side { sets, ..other(self) });
                }
                "v" => self.view = Some(name(key, value)?),
                "x" => {
                    let lines = value.split('.').map(|version| number(key, version));
                    self.crash = lines.collect::<Result<_, _>>()?;
                }
                "f" => self.focus = Some(name(key, value)?),
                "c" => self.hash = Some(hash(value)?),
                "m" => self.model = Some(number(key, value)?),
                _ => return Err(error(key, unknown("key", key, KEYS))),
            }
        }
        Ok(())
    }
}

fn error(part: &str, message: String) -> LinkError {
    LinkError { part: part.to_owned(), message }
}

/// `%7E` for `~` and the like, as some programs that pass links on write them. A `%` that begins
/// no two hexadecimal digits of an ASCII character stays; whatever takes it names it.
fn decode(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        decoded.push_str(before);
        let byte = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte.filter(u8::is_ascii_graphic) {
            Some(byte) => {
                decoded.push(char::from(byte));
                rest = &after[2..];
            }
            None => {
                decoded.push('%');
                rest = after;
            }
        }
    }
    decoded + rest
}

/// Letters, digits and `-`, `_`, `.`: what every program leaves alone in an address.
fn name(part: &str, text: &str) -> Result<String, LinkError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.is_empty() || !text.chars().all(plain) {
        let message = format!("`{text}` is malformed; expected letters, digits and `-_.`");
        return Err(error(part, message));
    }
    Ok(text.to_owned())
}

fn number(part: &str, text: &str) -> Result<u32, LinkError> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    let number = if plain { text.parse().ok() } else { None };
    number.filter(|number| *number <= NUMBER_MAX).ok_or_else(|| {
        let message = format!("`{text}` is no number; expected one of 0 to {NUMBER_MAX}");
        error(part, message)
    })
}

fn from_base32(text: &str) -> Option<u32> {
    if text.is_empty() || text.len() > 6 {
        return None;
    }
    text.bytes().try_fold(0, |number, byte| {
        let digit = DIGITS.iter().position(|known| *known == byte)?;
        Some(number * 32 + u32::try_from(digit).ok()?)
    })
}

fn hash(text: &str) -> Result<u32, LinkError> {
    let number = from_base32(text).filter(|n| text.len() == 6 && *n < 1 << HASH_BITS);
    number.ok_or_else(|| {
        let message = format!("`{text}` is no hash; expected six characters of 0-9 and a-v");
        error("c", message)
    })
}

fn epoch(part: &str, text: &str) -> Result<Epoch, LinkError> {
    let names = Epoch::ALL.iter().map(|epoch| epoch.name());
    Epoch::from_name(text).ok_or_else(|| error(part, unknown("epoch", text, names)))
}

/// `revoke.off,platform.eadr`.
fn sets(part: &str, text: &str) -> Result<Vec<(String, String)>, LinkError> {
    let set = |set: &str| {
        let Some((switch, value)) = set.split_once('.') else {
            let message = format!("`{set}` is no switch; expected `switch.value`");
            return Err(error(part, message));
        };
        Ok((name(part, switch)?, name(part, value)?))
    };
    text.split(',').map(set).collect()
}

fn runs(text: &str) -> Result<Vec<Run>, LinkError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split('.').map(run).collect()
}

fn run(text: &str) -> Result<Run, LinkError> {
    match text.strip_prefix('~') {
        Some("") => return Ok(Run::Script),
        Some(steps) => return Ok(Run::ScriptSteps(number("path", steps)?)),
        None => {}
    }
    if let Some(image) = text.strip_prefix('!') {
        return Ok(Run::PowerCut { image: number("path", image)? });
    }
    let (action, times) = text.split_once('*').unwrap_or((text, "1"));
    let Some(action) = from_base32(action) else {
        let expected = "expected `~`, `~12`, `!5`, or an action's number in base 32, like `3*14`";
        return Err(error("path", format!("`{text}` is malformed; {expected}")));
    };
    let times = number("path", times)?;
    if times == 0 {
        return Err(error("path", format!("`{text}` does nothing; expected once or more")));
    }
    Ok(Run::Choice { action, times })
}
