//! Sorted lists of a few items. The sorts and trees of the standard library are faster for many, and
//! cost the page some kilobytes of WebAssembly for each type that they are used with.

use crate::EXT4;
use alloc::vec::Vec;
use core::borrow::Borrow;

/// Inserts what is not there yet. The list is sorted and stays so.
pub(crate) fn insert<T: Ord>(list: &mut Vec<T>, item: T) {
    if let Err(place) = list.binary_search(&item) {
        list.insert(place, item);
    }
}

/// Where the item of a number is, or would be, in a list that is sorted by distinct numbers. At once
/// where no number before it is missing, as with most pages of a file and blocks of a table, and where
/// all are equally far apart; else it is searched.
pub(crate) fn place_of<T>(
    list: &[T],
    number: u64,
    number_of: impl Fn(&T) -> u64,
) -> Result<usize, usize> {
    let Some(ahead) = number.checked_sub(list.first().map_or(0, &number_of)) else {
        return Err(0);
    };
    let is_at = |place: u64| list.get(place as usize).is_some_and(|item| number_of(item) == number);
    if is_at(ahead) {
        return Ok(ahead as usize);
    }
    if EXT4
        && let [first, .., last] = list
        && let Some(scaled) = ahead.checked_mul(list.len() as u64 - 1)
    {
        let place = scaled / (number_of(last) - number_of(first));
        if is_at(place) {
            return Ok(place as usize);
        }
    }
    list.binary_search_by_key(&number, number_of)
}

/// Sorts by a key; equal ones keep their order. Quick where little is out of place.
pub(crate) fn sort_by_key<T, K: Ord>(list: &mut [T], key: impl Fn(&T) -> K) {
    for end in 1..list.len() {
        let mut at = end;
        while at > 0 && key(&list[at]) < key(&list[at - 1]) {
            list.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// Values by key, sorted.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Table<K, V>(Vec<(K, V)>);

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> Table<K, V> {
    fn place(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.cmp(key))
    }

    pub(crate) fn get(&self, key: impl Borrow<K>) -> Option<&V> {
        let at = self.place(key.borrow()).ok()?;
        Some(&self.0[at].1)
    }

    pub(crate) fn get_mut(&mut self, key: impl Borrow<K>) -> Option<&mut V> {
        let at = self.place(key.borrow()).ok()?;
        Some(&mut self.0[at].1)
    }

    pub(crate) fn get_or(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let at = match self.place(&key) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (key, make()));
                at
            }
        };
        &mut self.0[at].1
    }

    pub(crate) fn remove(&mut self, key: impl Borrow<K>) -> Option<V> {
        let at = self.place(key.borrow()).ok()?;
        Some(self.0.remove(at).1)
    }
}

impl<K: Copy, V> Table<K, V> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (K, &mut V)> {
        self.0.iter_mut().map(|(key, value)| (*key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_list_stays_sorted_and_holds_nothing_twice() {
        let mut list = Vec::new();
        for item in [5, 1, 9, 5, 3, 1] {
            insert(&mut list, item);
        }
        assert_eq!(list, [1, 3, 5, 9]);
    }

    #[test]
    fn a_number_is_found_with_and_without_gaps_before_it() {
        let (gaps, apart) = ([3u64, 4, 5, 9, 10], [0, 4, 8, 12]);
        let (one, far) = ([7], [1, 5, 1 << 40, u64::MAX]);
        for list in [&gaps[..], &apart, &one, &far] {
            let around = list.iter().flat_map(|item| [item.saturating_sub(1), *item, item | 1]);
            for number in (0..14).chain(around) {
                let found = place_of(list, number, |item| *item);
                assert_eq!(found, list.binary_search(&number), "{number} in {list:?}");
            }
        }
        assert_eq!(place_of(&[], 7, |item| *item), Err(0));
    }

    #[test]
    fn equal_keys_keep_their_order() {
        let mut list = vec![(2, 'a'), (1, 'b'), (2, 'c'), (0, 'd'), (1, 'e')];
        sort_by_key(&mut list, |(key, _)| *key);
        assert_eq!(list, [(0, 'd'), (1, 'b'), (1, 'e'), (2, 'a'), (2, 'c')]);
    }

    #[test]
    fn a_table_finds_what_was_put_in() {
        let mut table = Table::default();
        for key in [7, 2, 5] {
            *table.get_or(key, || 0) += key * 10;
        }
        assert_eq!((table.get(2), table.get(3)), (Some(&20), None));
        assert_eq!(table.remove(5), Some(50));
        assert!(table.iter().eq([(2, &20), (7, &70)]));
    }
}
