//! From text to raw tables. Each table of a list is read on its own, so that a mistake in one does
//! not hide a mistake in the next.

use crate::error::{Reporter, Span};
use crate::raw::{
    Head, RawContent, RawCut, RawExpect, RawFile, RawPredict, RawSegment, RawSentence, RawSource,
    RawThread, VariantHead,
};
use crate::suggest::unknown;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// The keys of a file that are lists of tables; the others are those of [`Head`].
const LISTS: &[&str] = &[
    "file", "content", "thread", "schedule", "cut", "sentence", "predict", "expect", "source",
    "variant",
];
/// The lists that a `[[variant]]` may have too.
const VARIANT_LISTS: &[&str] =
    &["file", "content", "thread", "schedule", "cut", "sentence", "predict", "expect"];
const HEAD_KEYS: &[&str] = &[
    "id", "slug", "question", "teaches", "status", "rules", "claims", "geometry", "epoch",
    "epochs", "set", "system", "name", "title",
];
const VARIANT_KEYS: &[&str] = &["name", "title", "like", "status", "set", "system"];

/// A list of tables with their places; `None` if the key is not there.
pub(crate) type List<T> = Option<Vec<Spanned<T>>>;

/// A file, unresolved.
pub(crate) struct RawLecture {
    pub(crate) head: Spanned<Head>,
    pub(crate) sources: List<RawSource>,
    pub(crate) body: Body,
    pub(crate) variants: Vec<RawVariant>,
}

/// A variant, unresolved.
pub(crate) struct RawVariant {
    pub(crate) head: Spanned<VariantHead>,
    pub(crate) body: Body,
}

/// The lists that the base and each variant may have.
pub(crate) struct Body {
    pub(crate) files: List<RawFile>,
    pub(crate) contents: List<RawContent>,
    pub(crate) threads: List<RawThread>,
    pub(crate) schedule: List<RawSegment>,
    pub(crate) cuts: List<RawCut>,
    pub(crate) sentences: List<RawSentence>,
    pub(crate) predictions: List<RawPredict>,
    pub(crate) expects: List<RawExpect>,
}

/// Reads a file's text. `None` if not even its head could be read; the problems are noted.
pub(crate) fn parse(text: &str, report: &mut Reporter<'_>) -> Option<RawLecture> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What a broken file would deserialise to is anybody's guess: only its syntax is reported.
        for error in errors {
            let span = error.span().unwrap_or_default();
            report.at(&span, format!("not TOML: {}", one_line(error.message())));
        }
        return None;
    }
    let whole = table.span();
    let mut table = table.into_inner();
    drop_unknown_keys(&mut table, &[HEAD_KEYS, LISTS], report);
    let sources = list(&mut table, "source", report);
    let body = body(&mut table, report);
    let variants = variants(&mut table, report);
    let head = read(Spanned::new(whole, DeValue::Table(table)), report)?;
    Some(RawLecture { head, sources, body, variants })
}

fn body(table: &mut DeTable<'_>, report: &mut Reporter<'_>) -> Body {
    Body {
        files: list(table, "file", report),
        contents: list(table, "content", report),
        threads: list(table, "thread", report),
        schedule: list(table, "schedule", report),
        cuts: list(table, "cut", report),
        sentences: list(table, "sentence", report),
        predictions: list(table, "predict", report),
        expects: list(table, "expect", report),
    }
}

fn variants(table: &mut DeTable<'_>, report: &mut Reporter<'_>) -> Vec<RawVariant> {
    let mut variants = Vec::new();
    for value in tables(table, "variant", report) {
        let span = value.span();
        let DeValue::Table(mut inner) = value.into_inner() else {
            continue;
        };
        drop_unknown_keys(&mut inner, &[VARIANT_KEYS, VARIANT_LISTS], report);
        let body = body(&mut inner, report);
        if let Some(head) = read(Spanned::new(span, DeValue::Table(inner)), report) {
            variants.push(RawVariant { head, body });
        }
    }
    variants
}

/// Reports the keys that nothing knows and removes them, so that the rest is still read.
fn drop_unknown_keys(table: &mut DeTable<'_>, known: &[&[&str]], report: &mut Reporter<'_>) {
    let known: Vec<&str> = known.concat();
    let keys = table.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
    for key in keys.cloned().collect::<Vec<_>>() {
        report.at(&key.span(), unknown("key", key.get_ref(), known.iter().copied()));
        table.remove(key.get_ref().as_ref());
    }
}

/// Takes a list of tables out of `table` and reads each on its own.
fn list<T: DeserializeOwned>(
    table: &mut DeTable<'_>,
    key: &str,
    report: &mut Reporter<'_>,
) -> List<T> {
    let present = table.keys().any(|k| k.get_ref() == key);
    let values = tables(table, key, report);
    present.then(|| values.into_iter().filter_map(|value| read(value, report)).collect())
}

/// Takes the elements of a list of tables out of `table`; what is no table is reported.
fn tables<'i>(
    table: &mut DeTable<'i>,
    key: &str,
    report: &mut Reporter<'_>,
) -> Vec<Spanned<DeValue<'i>>> {
    let Some(value) = table.remove(key) else {
        return Vec::new();
    };
    let span = value.span();
    let wrong = |found: &DeValue<'_>| {
        format!("`{key}` is {}; expected a list of tables, `[[{key}]]`", found.type_str())
    };
    match value.into_inner() {
        DeValue::Array(items) => items
            .into_iter()
            .filter(|item| {
                let ok = item.get_ref().is_table();
                if !ok {
                    report.at(&item.span(), wrong(item.get_ref()));
                }
                ok
            })
            .collect(),
        other => {
            report.at(&span, wrong(&other));
            Vec::new()
        }
    }
}

fn read<T: DeserializeOwned>(
    value: Spanned<DeValue<'_>>,
    report: &mut Reporter<'_>,
) -> Option<Spanned<T>> {
    let span = value.span();
    match T::deserialize(ValueDeserializer::from(value)) {
        Ok(raw) => Some(Spanned::new(span, raw)),
        Err(error) => {
            let at: Span = error.span().unwrap_or(span);
            report.at(&at, reworded(error.message()));
            None
        }
    }
}

/// serde's message in this crate's words: with `unknown key` and a suggestion.
fn reworded(message: &str) -> String {
    let message = one_line(message);
    let quoted = |text: &str| -> Vec<String> {
        text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    if message.starts_with("unknown field") {
        let words = quoted(&message);
        let (found, expected) = words.split_first().expect("serde quotes the field");
        return unknown("key", found, expected.iter().map(String::as_str));
    }
    if message.starts_with("missing field") {
        return message.replacen("missing field", "missing key", 1);
    }
    message
}

fn one_line(message: &str) -> String {
    message.split('\n').map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("; ")
}
