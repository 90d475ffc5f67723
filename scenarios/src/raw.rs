//! The lecture file as serde reads it: strings and numbers with their places, nothing resolved.

use crate::error::Span;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use toml::Spanned;

/// A string and its place.
pub(crate) type Text = Spanned<String>;
/// `set = { switch = "value" }`.
pub(crate) type Sets = BTreeMap<Text, Text>;

/// One string, or a list of strings, each with its place.
#[derive(Clone, Debug)]
pub(crate) struct Words(pub(crate) Vec<(String, Span)>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let either = Spanned::<OneOrMany>::deserialize(deserializer)?;
        let whole = either.span();
        let words = match either.into_inner() {
            OneOrMany::One(word) => vec![(word, whole)],
            OneOrMany::Many(words) => {
                words.into_iter().map(|word| (word.get_ref().clone(), word.span())).collect()
            }
        };
        Ok(Self(words))
    }
}

/// serde's own `untagged` would lose the places.
enum OneOrMany {
    One(String),
    Many(Vec<Text>),
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = OneOrMany;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }
            fn visit_str<E>(self, word: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(word.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = seq.next_element()? {
                    words.push(word);
                }
                Ok(OneOrMany::Many(words))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Everything of a file that is not a list of tables.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub(crate) id: Text,
    pub(crate) slug: Text,
    pub(crate) question: Text,
    pub(crate) teaches: Text,
    pub(crate) status: Text,
    pub(crate) rules: Vec<Text>,
    #[serde(default)]
    pub(crate) claims: Vec<Text>,
    pub(crate) geometry: Text,
    pub(crate) epoch: Text,
    pub(crate) epochs: Option<Words>,
    #[serde(default)]
    pub(crate) set: Sets,
    pub(crate) system: Option<RawSystem>,
    pub(crate) name: Option<Text>,
    pub(crate) title: Option<Text>,
}

/// What a `[[variant]]` has besides lists of tables.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariantHead {
    pub(crate) name: Text,
    pub(crate) title: Text,
    pub(crate) like: Option<Text>,
    pub(crate) status: Option<Text>,
    #[serde(default)]
    pub(crate) set: Sets,
    pub(crate) system: Option<RawSystem>,
}

/// `system = { … }`: the file system.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSystem {
    pub(crate) journal: Option<u32>,
    pub(crate) goal: Option<Text>,
    pub(crate) mounted: Option<bool>,
    #[serde(default)]
    pub(crate) disk: bool,
    #[serde(default, rename = "other-block-size")]
    pub(crate) other_block_size: bool,
    #[serde(default, rename = "small-blocks")]
    pub(crate) small_blocks: bool,
}

/// `[[source]]`.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSource {
    #[serde(rename = "ref")]
    pub(crate) reference: Text,
    pub(crate) says: Text,
}

/// `[[file]]`.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFile {
    pub(crate) name: Text,
    pub(crate) ino: u32,
    #[serde(default)]
    pub(crate) dax: bool,
    #[serde(default)]
    pub(crate) directory: bool,
    #[serde(default)]
    pub(crate) absent: bool,
    #[serde(default)]
    pub(crate) pages: Vec<Text>,
    pub(crate) size: Option<u64>,
    pub(crate) indirect: Option<Text>,
}

/// `[[content]]`.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawContent {
    pub(crate) block: Text,
    pub(crate) lines: Option<Vec<Text>>,
    pub(crate) fill: Option<Text>,
}

/// `[[thread]]`.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawThread {
    pub(crate) name: Text,
    #[serde(default)]
    pub(crate) cpu: u8,
    #[serde(default)]
    pub(crate) boot: bool,
    pub(crate) steps: Vec<Spanned<RawStep>>,
}

/// One element of `steps`.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStep {
    pub(crate) op: Text,
    pub(crate) file: Option<Text>,
    pub(crate) page: Option<Spanned<u64>>,
    pub(crate) line: Option<Spanned<u64>>,
    pub(crate) word: Option<Spanned<u64>>,
    pub(crate) value: Option<Text>,
    pub(crate) values: Option<Spanned<Vec<Text>>>,
    pub(crate) lines: Option<Spanned<Vec<Text>>>,
    pub(crate) fill: Option<Text>,
    pub(crate) block: Option<Text>,
    pub(crate) pages: Option<Spanned<u64>>,
    pub(crate) to: Option<Text>,
}

/// `[[schedule]]`.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSegment {
    pub(crate) actor: Text,
    pub(crate) until: Option<Words>,
    pub(crate) evict: Option<Text>,
    #[serde(rename = "power-cut")]
    pub(crate) power_cut: Option<Words>,
    pub(crate) complete: Option<Text>,
    pub(crate) of: Option<Text>,
}

/// `[[cut]]`.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCut {
    pub(crate) name: Text,
    pub(crate) at: Words,
    pub(crate) actor: Option<Text>,
    pub(crate) nth: Option<Spanned<u32>>,
    #[serde(default)]
    pub(crate) last: bool,
}

/// `[[sentence]]`.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSentence {
    pub(crate) at: Words,
    pub(crate) actor: Option<Text>,
    pub(crate) nth: Option<Spanned<u32>>,
    #[serde(default)]
    pub(crate) last: bool,
    pub(crate) epochs: Option<Words>,
    pub(crate) verdict: Option<Text>,
    pub(crate) text: Text,
}

/// `[[predict]]`.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPredict {
    pub(crate) at: Words,
    pub(crate) actor: Option<Text>,
    pub(crate) nth: Option<Spanned<u32>>,
    #[serde(default)]
    pub(crate) last: bool,
    pub(crate) epochs: Option<Words>,
    pub(crate) ask: Text,
    pub(crate) about: Text,
    pub(crate) answers: Vec<Text>,
}

/// `[[expect]]`.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawExpect {
    pub(crate) epochs: Words,
    pub(crate) verdict: Text,
    pub(crate) verdicts: Option<Vec<Text>>,
    pub(crate) basis: Text,
    pub(crate) because: Option<Text>,
    #[serde(default)]
    pub(crate) breaks: Vec<Text>,
    #[serde(default)]
    pub(crate) reads: BTreeMap<Text, Vec<Text>>,
    #[serde(default)]
    pub(crate) images: BTreeMap<Text, u64>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<Text, Text>,
    #[serde(default)]
    pub(crate) counts: BTreeMap<Text, u64>,
    #[serde(default)]
    pub(crate) unreachable: Vec<Text>,
}
