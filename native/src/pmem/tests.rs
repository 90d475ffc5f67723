//! The mapping's own code on a page of anonymous memory: small, so that Miri runs it too
//! (`cargo +nightly miri test -p daxscope --lib pmem`; the instructions themselves are replaced there).

use super::*;
use daxscope_core::units::LineNr;

const CPU: Cpu = Cpu(0);
const WORDS: u64 = 512;

#[test]
fn every_word_of_a_page_is_stored_where_it_belongs() {
    let mut medium = CountedMedium::anonymous(4096).unwrap();
    let mut expected = vec![Word::ZERO; WORDS as usize];
    let mut stored = 0;
    for (n, at) in (0..WORDS).step_by(5).enumerate() {
        for count in [0, 1, 2, 3, 9, 33, 34] {
            let count = count.min(WORDS - at);
            let words: Vec<_> = (0..count).map(|i| Word::number(at * 1_000 + i + 1)).collect();
            if n % 2 == 0 {
                medium.store(CPU, WordAddr(at), &words);
            } else {
                medium.store_nt(CPU, WordAddr(at), &words);
            }
            expected[at as usize..][..count as usize].copy_from_slice(&words);
            stored += count;
        }
    }
    medium.store_word(CPU, WordAddr(510), Word::number(510));
    expected[510] = Word::number(510);
    stored += 1;
    medium.write_back(CPU, LineRange::new(LineNr(0), 64));
    medium.write_back(CPU, LineRange::new(LineNr(64), 0));
    medium.fence(CPU);
    let mut found = vec![Word::ZERO; WORDS as usize];
    medium.load(WordAddr(0), &mut found);
    assert_eq!(found, expected);
    assert_eq!(medium.load_word(WordAddr(511)), expected[511]);
    assert_eq!((medium.counts().words, medium.counts().fences), (stored, 1));
}

#[test]
fn loads_and_stores_of_nothing_at_the_end_are_allowed() {
    let mut medium = PmemMedium::anonymous(4096).unwrap();
    medium.store(CPU, WordAddr(WORDS), &[]);
    medium.store_nt(CPU, WordAddr(WORDS), &[]);
    medium.load(WordAddr(WORDS), &mut []);
    medium.fence(CPU);
    assert_eq!(medium.words(), WORDS);
}
