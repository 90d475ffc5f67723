//! Group `radix`: the core's page-cache tree by itself, fan-out 64 as in the kernel.
//!
//! Our tree and the maps run through the same code ([`MapPeer`]), our tags and the peers' sets through the
//! same code ([`TagPeer`]). Dense keys are the page indices of a file that is all cached; a stride
//! of 64 puts one item in each leaf, always in the same slot, 65 in another slot each time; random
//! keys are spread over a file of 4 TiB. For these a radix tree pays hundreds of bytes a key, which
//! the rows say.

use super::measure::{Bench, Case, Subject, subject};
use super::peers::{MapPeer, OrderedPeer, TagPeer, map, tags};
use super::random::Random;
use anyhow::Result;
use daxscope_core::entry::{Entry, PageId};
use daxscope_core::radix_tree::RadixTree;
use daxscope_core::tag::Tag;
use daxscope_core::units::PageIndex;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

/// A figure that was not measured here.
macro_rules! quoted {
    ($figure:literal) => {
        concat!(
            "quoted, not measured here: the kernel's own tree built in user space ",
            "(Linux 6.1 tools/testing/radix-tree, SHIFT=6, two virtual cores): ",
            $figure
        )
    };
}

type Tree = RadixTree<64>;
type Keys = Rc<[u64]>;

/// The tree as a map.
struct Ours(Tree);

fn entry(value: u64) -> Entry {
    Entry::page(PageId(value as u32))
}

impl MapPeer for Ours {
    fn new() -> Self {
        Self(Tree::new())
    }

    #[inline]
    fn insert(&mut self, key: u64, value: u64) -> bool {
        self.0.insert(PageIndex(key), entry(value)).is_ok()
    }

    #[inline]
    fn lookup(&self, key: u64) -> Option<u64> {
        Some(u64::from(self.0.lookup(PageIndex(key))?.as_page()?.0))
    }

    #[inline]
    fn remove(&mut self, key: u64) -> bool {
        self.0.delete(PageIndex(key)).is_some()
    }
}

impl OrderedPeer for Ours {
    #[inline]
    fn walk(&self, mut each: impl FnMut(u64, u64)) {
        for (PageIndex(key), entry) in self.0.iter(..) {
            each(key, entry.as_page().map_or(0, |page| u64::from(page.0)));
        }
    }
}

/// The tree's own tags, on a tree that holds every key.
struct OurTags(Tree);

impl TagPeer for OurTags {
    fn new(keys: &[u64]) -> Self {
        Self(filled::<Ours>(keys).0)
    }

    #[inline]
    fn set(&mut self, key: u64) -> bool {
        self.0.tag_set(PageIndex(key), Tag::Dirty);
        true
    }

    #[inline]
    fn clear(&mut self, key: u64) -> bool {
        self.0.tag_clear(PageIndex(key), Tag::Dirty);
        true
    }

    #[inline]
    fn walk(&self, mut each: impl FnMut(u64)) {
        self.0.iter_tagged(.., Tag::Dirty).for_each(|(PageIndex(key), _)| each(key));
    }

    fn copy(&mut self) -> u64 {
        let (first, last) = (PageIndex(0), PageIndex(u64::MAX));
        self.0.range_tag_if_tagged(first, last, u64::MAX, Tag::Dirty, Tag::Towrite).0
    }

    fn forget_copy(&mut self) {
        let tagged: Vec<_> = self.0.iter_tagged(.., Tag::Towrite).map(|(key, _)| key).collect();
        tagged.into_iter().for_each(|key| self.0.tag_clear(key, Tag::Towrite));
    }
}

fn filled<P: MapPeer>(keys: &[u64]) -> P {
    let mut map = P::new();
    for key in keys {
        map.insert(*key, value_of(*key));
    }
    map
}

/// What every map keeps for a key.
const fn value_of(key: u64) -> u64 {
    key & 0xffff
}

/// What is done with a map.
#[derive(Clone, Copy)]
enum MapOp {
    Insert,
    Lookup,
    Erase,
}

/// A side that does `op` with each of `probes`, on a map that holds `keys` unless they are to be
/// inserted.
fn map_side<P: MapPeer + 'static>(op: MapOp, keys: &Keys, probes: &Keys) -> Box<dyn Subject> {
    let (keys, probes) = (keys.clone(), probes.clone());
    match op {
        MapOp::Insert => subject(
            P::new(),
            |map| *map = P::new(),
            move |map| count(&probes, |key| map.insert(key, value_of(key))),
        ),
        MapOp::Lookup => subject(
            filled::<P>(&keys),
            |_| {},
            move |map| count(&probes, |key| black_box(map.lookup(key)).is_some()),
        ),
        MapOp::Erase => subject(
            P::new(),
            move |map| *map = filled(&keys),
            move |map| count(&probes, |key| map.remove(key)),
        ),
    }
}

/// For how many of the keys `op` holds.
#[inline]
fn count(keys: &[u64], mut op: impl FnMut(u64) -> bool) -> u64 {
    keys.iter().map(|key| u64::from(op(black_box(*key)))).sum()
}

/// A side that visits every item of a map, and adds up what it sees.
fn walk_side<P: OrderedPeer + 'static>(keys: &Keys) -> Box<dyn Subject> {
    subject(
        filled::<P>(keys),
        |_| {},
        |map| {
            let (mut count, mut sum) = (0, 0_u64);
            map.walk(|key, value| {
                count += 1;
                sum = sum.wrapping_add(key ^ value);
            });
            black_box(sum);
            count
        },
    )
}

/// What is done with tags.
#[derive(Clone, Copy)]
enum TagOp {
    Set,
    Walk,
    Copy,
    Clear,
}

/// A side with a tag on some of the keys that a map holds, or about to set it.
fn tag_side<P: TagPeer + 'static>(op: TagOp, keys: &Keys, tagged: &Keys) -> Box<dyn Subject> {
    let mut tags = P::new(keys);
    let tagged = tagged.clone();
    let set = |tags: &mut P, tagged: &Keys| count(tagged, |key| tags.set(key));
    let clear = |tags: &mut P, tagged: &Keys| count(tagged, |key| tags.clear(key));
    match op {
        TagOp::Set => {
            set(&mut tags, &tagged);
            let again = tagged.clone();
            let prepare = move |tags: &mut P| assert!(clear(tags, &again) == again.len() as u64);
            subject(tags, prepare, move |tags| set(tags, &tagged))
        }
        TagOp::Clear => {
            let again = tagged.clone();
            let prepare = move |tags: &mut P| assert!(set(tags, &again) == again.len() as u64);
            subject(tags, prepare, move |tags| clear(tags, &tagged))
        }
        TagOp::Walk => {
            set(&mut tags, &tagged);
            subject(
                tags,
                |_| {},
                |tags| {
                    let (mut count, mut sum) = (0, 0_u64);
                    tags.walk(|key| {
                        count += 1;
                        sum = sum.wrapping_add(key);
                    });
                    black_box(sum);
                    count
                },
            )
        }
        TagOp::Copy => {
            set(&mut tags, &tagged);
            subject(tags, TagPeer::forget_copy, TagPeer::copy)
        }
    }
}

/// The keys of a map, and keys that it does not hold.
struct KeySet {
    name: String,
    present: Keys,
    absent: Keys,
}

impl KeySet {
    /// `count` keys, `stride` apart; the absent ones lie just behind the present ones, or beyond
    /// them all where nothing is between.
    fn strided(count: u64, stride: u64) -> Self {
        let name = if stride == 1 { "dense".into() } else { format!("stride {stride}") };
        let behind = if stride == 1 { count } else { 1 };
        Self {
            name: format!("{name}, {}", words(count)),
            present: (0..count).map(|n| n * stride).collect(),
            absent: (0..count).map(|n| n * stride + behind).collect(),
        }
    }

    /// About `count` keys below 2^30, in random order; odd ones are absent.
    fn random(count: u64) -> Self {
        let mut random = Random::new();
        let mut seen = std::collections::BTreeSet::new();
        let present: Keys = std::iter::repeat_with(|| random.below(1 << 29) << 1)
            .filter(|key| seen.insert(*key))
            .take(count as usize)
            .collect();
        let absent = present.iter().map(|key| key | 1).collect();
        Self { name: format!("random below 2^30, {}", words(count)), present, absent }
    }

    /// Bytes that our tree needs for each of the keys.
    fn bytes_a_key(&self) -> String {
        let tree = filled::<Ours>(&self.present).0;
        let bytes = (tree.node_count() * Tree::NODE_BYTES) as f64 / self.present.len() as f64;
        format!("the tree takes {bytes:.1} bytes a key")
    }
}

/// `2^20 keys`, or the number where it is no power of two.
fn words(count: u64) -> String {
    if count.is_power_of_two() {
        return format!("2^{} keys", count.ilog2());
    }
    format!("{count} keys")
}

/// The keys in another order, always the same.
fn shuffled(keys: &Keys) -> Keys {
    let mut keys = keys.to_vec();
    Random::new().shuffle(&mut keys);
    keys.into()
}

/// Runs the group.
///
/// # Errors
/// If two sides come to different answers.
pub fn run(bench: &mut Bench) -> Result<()> {
    bench.time_per_case(Duration::from_millis(500));
    let (many, few) = if bench.is_quick() { (1 << 12, 1 << 8) } else { (1 << 20, 1 << 17) };
    noop(bench, many)?;
    let dense = KeySet::strided(many, 1);
    maps(bench, &dense)?;
    lookups_in_random_order(bench, &dense)?;
    walks(bench, &dense)?;
    tags_of(bench, &dense)?;
    for sparse in [KeySet::strided(few, 64), KeySet::strided(few, 65), KeySet::random(few)] {
        maps(bench, &sparse)?;
    }
    Ok(())
}

/// The loop over the keys, with nothing in it.
fn noop(bench: &mut Bench, keys: u64) -> Result<()> {
    let set = KeySet::strided(keys, 1).present;
    let loops = subject(set, |_| {}, |keys| count(keys, |key| black_box(key) != u64::MAX));
    let note = "the loop over the keys by itself; it is in every row of this group but walks and range tags";
    bench.measure(Case::new("noop", "key", keys, loops).note(note))
}

/// Insert, lookup of present and absent keys, erase.
fn maps(bench: &mut Bench, set: &KeySet) -> Result<()> {
    let (KeySet { name, present, absent }, dense) = (set, set.name.starts_with("dense"));
    let quoted = |figure: &'static str| if dense { figure } else { "" };
    let ops = [
        ("insert", MapOp::Insert, present, quoted(KERNEL_INSERT)),
        ("lookup", MapOp::Lookup, present, ""),
        ("lookup of absent keys", MapOp::Lookup, absent, ""),
        ("erase", MapOp::Erase, present, quoted(KERNEL_DELETE)),
    ];
    for (what, op, probes, note) in ops {
        let answer = if Rc::ptr_eq(probes, absent) { 0 } else { probes.len() as u64 };
        let note = match (op, note) {
            (MapOp::Insert, "") => set.bytes_a_key(),
            (MapOp::Insert, note) => format!("{}; {note}", set.bytes_a_key()),
            (_, note) => note.into(),
        };
        bench.measure(
            map_case(format!("{what}, {name}"), op, present, probes).answer(answer).note(note),
        )?;
    }
    Ok(())
}

fn lookups_in_random_order(bench: &mut Bench, set: &KeySet) -> Result<()> {
    let name = format!("lookup in random order, {}", set.name);
    bench.measure(map_case(name, MapOp::Lookup, &set.present, &shuffled(&set.present)))
}

/// The tree beside every map of this build.
fn map_case(name: String, op: MapOp, keys: &Keys, probes: &Keys) -> Case {
    let ours = map_side::<Ours>(op, keys, probes);
    let case = Case::new(name, "key", probes.len() as u64, ours)
        .peer("BTreeMap", map_side::<map::BTree>(op, keys, probes));
    #[cfg(feature = "peers")]
    let case = case
        .peer("hashbrown + rustc-hash", map_side::<map::Hash>(op, keys, probes))
        .peer("rart", map_side::<map::Rart>(op, keys, probes));
    case
}

fn walks(bench: &mut Bench, set: &KeySet) -> Result<()> {
    let KeySet { name, present, .. } = set;
    let count = present.len() as u64;
    let case = Case::new(format!("walk, {name}"), "key", count, walk_side::<Ours>(present))
        .peer("BTreeMap", walk_side::<map::BTree>(present));
    #[cfg(feature = "peers")]
    let case = case.peer("rart", walk_side::<map::Rart>(present));
    bench.measure(case)
}

/// Tags on every k-th of the keys.
fn tags_of(bench: &mut Bench, set: &KeySet) -> Result<()> {
    let every = |k: usize| -> Keys { set.present.iter().step_by(k).copied().collect() };
    let cases = [
        ("tag", TagOp::Set, 1, KERNEL_TAG),
        ("tag", TagOp::Set, 64, ""),
        ("tagged walk", TagOp::Walk, 1, KERNEL_WALK),
        ("tagged walk", TagOp::Walk, 64, ""),
        ("tagged walk", TagOp::Walk, 4096, ""),
        ("range tag", TagOp::Copy, 1, ""),
        ("range tag", TagOp::Copy, 64, ""),
        ("clear tag", TagOp::Clear, 1, ""),
    ];
    for (what, op, k, note) in cases {
        let tagged = every(k);
        let which = if k == 1 { String::new() } else { format!(", one of {k}") };
        let name = format!("{what}{which}, {}", set.name);
        let ours = tag_side::<OurTags>(op, &set.present, &tagged);
        let case = Case::new(name, "tagged key", tagged.len() as u64, ours)
            .note(if note.is_empty() { SETS.into() } else { format!("{SETS}; {note}") })
            .peer("BTreeSet", tag_side::<tags::BTree>(op, &set.present, &tagged));
        #[cfg(feature = "peers")]
        let case = case.peer("roaring", tag_side::<tags::Roaring>(op, &set.present, &tagged));
        bench.measure(case)?;
    }
    Ok(())
}

/// What a reader must know before comparing tags.
const SETS: &str = "a peer's set holds the tagged keys alone; the tree also finds the items";

/// Quoted, not measured here: the kernel's own tree, built in user space.
const KERNEL_INSERT: &str = quoted!("34 ns, with the allocation of an item");
const KERNEL_TAG: &str = quoted!("23 ns");
const KERNEL_WALK: &str = quoted!("3.3 ns");
const KERNEL_DELETE: &str = quoted!("45 ns, with the free of an item");
