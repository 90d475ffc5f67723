//! What to say of a name that nothing has.

/// The candidate that `found` was probably meant to be, if one is close enough.
#[must_use]
pub(crate) fn nearest<'a>(
    found: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Names are ASCII, and Unicode's tables would be a part of the page.
    let lower = found.to_ascii_lowercase();
    let limit = ((found.chars().count() + 1) / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `unknown switch `x`; expected one of `a`, `b`; did you mean `a`?`, the list left out where it
/// would be longer than a reader wants.
pub(crate) fn unknown<'a, C>(what: &str, found: &str, candidates: C) -> String
where
    C: IntoIterator<Item = &'a str>,
{
    const LISTED_MAX: usize = 24;
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let meant = nearest(found, candidates.iter().copied());
    let expected = match candidates.as_slice() {
        [] => "; there is none".to_owned(),
        [only] => format!("; expected `{only}`"),
        many if many.len() <= LISTED_MAX || meant.is_none() => {
            format!("; expected one of `{}`", many.join("`, `"))
        }
        _ => String::new(),
    };
    let meant = meant.map_or(String::new(), |word| format!("; did you mean `{word}`?"));
    format!("unknown {what} `{found}`{expected}{meant}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_need_to_be_close() {
        assert_eq!(nearest("scedule", ["schedule", "cut"]), Some("schedule"));
        assert_eq!(nearest("4.5", ["4.5.0", "4.7"]), Some("4.7"));
        assert_eq!(nearest("banana", ["schedule", "cut"]), None);
        assert_eq!(nearest("", ["schedule"]), None);
    }

    #[test]
    fn an_unknown_word_names_what_was_expected_and_what_was_meant() {
        assert_eq!(
            unknown("op", "sotre", ["store", "sync"]),
            "unknown op `sotre`; expected one of `store`, `sync`; did you mean `store`?"
        );
        assert_eq!(
            unknown("file", "b", ["a"]),
            "unknown file `b`; expected `a`; did you mean `a`?"
        );
        assert_eq!(unknown("file", "b", []), "unknown file `b`; there is none");
    }
}
