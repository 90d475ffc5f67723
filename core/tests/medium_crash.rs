//! Crash images against a naive machine that was written from the declarative rules and knows
//! nothing of windows, versions or marks.
//!
//! The naive machine keeps for each line what the caches hold and what the medium holds, and a set
//! of write-backs in flight. It branches at every point on everything that the hardware may do, and
//! the power is cut at the end of every program; what the media then hold is the set of images.

use std::collections::{BTreeMap, BTreeSet};

use daxscope_core::medium::{LineRange, Medium, PersistenceDomain, SimMedium, images};
use daxscope_core::units::{Cpu, LineNr, WORDS_PER_LINE, Word, WordAddr};
use proptest::prelude::*;

/// One instruction of a program, or an eviction at a known time.
#[derive(Clone, Copy, Debug)]
enum Instruction {
    Store { cpu: u8, line: u64, word: u64, value: u64 },
    StoreNt { cpu: u8, line: u64, word: u64, value: u64 },
    WriteBack { cpu: u8, line: u64 },
    Fence { cpu: u8 },
    Evict { line: u64 },
}

use Instruction::{Evict, Fence, Store, StoreNt, WriteBack};

/// The content of one line and its age.
///
/// The age is how many stores had been executed on the line. It stands for one fact of the
/// hardware: all write-backs of a line pass one memory controller in the order in which the line
/// had these contents, so an older content never replaces a newer one on the medium.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
struct Content {
    age: usize,
    words: BTreeMap<u64, u64>,
}

/// All that the declarative rules speak of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
struct Naive {
    cache: BTreeMap<u64, Content>,
    media: BTreeMap<u64, Content>,
    /// (CPU, line, content of the line when the write-back began).
    in_flight: BTreeSet<(u8, u64, Content)>,
}

impl Naive {
    fn store(&mut self, line: u64, word: u64, value: u64) {
        let content = self.cache.entry(line).or_default();
        content.age += 1;
        content.words.insert(word, value);
    }

    fn begin_write_back(&mut self, cpu: u8, line: u64) {
        let content = self.cache.get(&line).cloned().unwrap_or_default();
        self.in_flight.insert((cpu, line, content));
    }

    /// A content of the line arrives at the memory controller.
    fn arrive(&mut self, line: u64, content: Content) {
        let media = self.media.entry(line).or_default();
        if content.age > media.age {
            *media = content;
        }
    }

    fn evict(&mut self, line: u64) {
        let content = self.cache.get(&line).cloned().unwrap_or_default();
        self.arrive(line, content);
    }

    fn execute(&mut self, instruction: Instruction) {
        match instruction {
            Store { line, word, value, .. } => self.store(line, word, value),
            StoreNt { cpu, line, word, value } => {
                self.store(line, word, value);
                self.begin_write_back(cpu, line);
            }
            WriteBack { cpu, line } => self.begin_write_back(cpu, line),
            Fence { cpu } => {
                let complete: Vec<_> =
                    self.in_flight.iter().filter(|flight| flight.0 == cpu).cloned().collect();
                for flight in complete {
                    self.in_flight.remove(&flight);
                    self.arrive(flight.1, flight.2);
                }
            }
            Evict { line } => self.evict(line),
        }
    }

    /// The states that one act of the hardware leads to.
    fn hardware(&self) -> Vec<Self> {
        let evictions = self.cache.keys().map(|&line| {
            let mut next = self.clone();
            next.evict(line);
            next
        });
        let completions = self.in_flight.iter().map(|flight| {
            let mut next = self.clone();
            next.in_flight.remove(flight);
            next.arrive(flight.1, flight.2.clone());
            next
        });
        evictions.chain(completions).collect()
    }

    /// The words of the medium, zero where nothing was ever written.
    fn image(&self, lines: u64) -> Vec<Word> {
        let mut image = vec![Word::ZERO; lines as usize * WORDS_PER_LINE];
        for (line, content) in &self.media {
            for (word, &value) in &content.words {
                image[*line as usize * WORDS_PER_LINE + *word as usize] = Word::number(value);
            }
        }
        image
    }
}

/// Executes an instruction in every state, then lets the hardware do any number of things.
fn naive_step(states: &BTreeSet<Naive>, instruction: Instruction) -> BTreeSet<Naive> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<Naive> = states.iter().cloned().collect();
    for state in &mut open {
        state.execute(instruction);
    }
    while let Some(state) = open.pop() {
        if !reached.contains(&state) {
            open.extend(state.hardware());
            reached.insert(state);
        }
    }
    reached
}

fn sim_step(medium: &mut SimMedium, instruction: Instruction) {
    let at = |line, word| WordAddr(LineNr(line).first_word().0 + word);
    match instruction {
        Store { cpu, line, word, value } => {
            medium.store_word(Cpu(cpu), at(line, word), Word::number(value));
        }
        StoreNt { cpu, line, word, value } => {
            medium.store_nt_word(Cpu(cpu), at(line, word), Word::number(value));
        }
        WriteBack { cpu, line } => medium.write_back(Cpu(cpu), LineRange::one(LineNr(line))),
        Fence { cpu } => medium.fence(Cpu(cpu)),
        Evict { line } if medium.is_dirty(LineNr(line)) => medium.evict(LineNr(line)),
        Evict { .. } => {}
    }
}

/// Panics unless both machines leave the same images, and `images` is as documented.
fn compare(medium: &SimMedium, states: &BTreeSet<Naive>, program: &[Instruction]) {
    let lines = medium.lines();
    let naive: BTreeSet<_> = states.iter().map(|state| state.image(lines)).collect();
    let listed: Vec<_> = images(medium, PersistenceDomain::WriteQueue).collect();
    let ours: BTreeSet<_> = listed.iter().map(|image| image.words(medium)).collect();
    assert_eq!(ours, naive, "after {program:?}");

    let count = medium.image_count(PersistenceDomain::WriteQueue);
    assert_eq!(count.as_u64(), Some(listed.len() as u64), "after {program:?}");
    let choices: BTreeSet<_> = listed.iter().map(|image| &image.choice).collect();
    assert_eq!(choices.len(), listed.len(), "a choice twice after {program:?}");
    assert!(listed.is_sorted_by_key(|image| image.lost_lines()), "after {program:?}");

    let latest = images(medium, PersistenceDomain::Caches).next().expect("one image");
    for state in states {
        let caches = Naive { media: state.cache.clone(), ..Naive::default() };
        assert_eq!(latest.words(medium), caches.image(lines), "after {program:?}");
    }
    assert!(latest.choice.iter().all(|line| line.kept == line.latest));
}

/// Runs every program of at most `length` instructions that starts with `program`; prefixes share
/// their work. Returns how many programs there were.
fn exhaust(
    alphabet: &[Instruction],
    length: usize,
    program: &mut Vec<Instruction>,
    medium: &SimMedium,
    states: &BTreeSet<Naive>,
) -> usize {
    compare(medium, states, program);
    if program.len() == length {
        return 1;
    }
    let mut programs = 1;
    for &instruction in alphabet {
        let mut medium = medium.clone();
        sim_step(&mut medium, instruction);
        program.push(instruction);
        let states = naive_step(states, instruction);
        programs += exhaust(alphabet, length, program, &medium, &states);
        program.pop();
    }
    programs
}

/// What two CPUs can do with two lines: two words of line 0 and one of line 1. Who issues an
/// ordinary store makes no difference in the naive machine, so one CPU issues them all here; the
/// random programs vary that.
fn two_cpus_two_lines() -> Vec<Instruction> {
    let mut alphabet = vec![
        Store { cpu: 0, line: 0, word: 0, value: 1 },
        Store { cpu: 0, line: 0, word: 0, value: 2 },
        Store { cpu: 0, line: 0, word: 5, value: 1 },
        Store { cpu: 0, line: 1, word: 0, value: 1 },
    ];
    for cpu in [0, 1] {
        alphabet.extend([
            StoreNt { cpu, line: 0, word: 0, value: 1 },
            StoreNt { cpu, line: 1, word: 7, value: 2 },
            WriteBack { cpu, line: 0 },
            WriteBack { cpu, line: 1 },
            Fence { cpu },
        ]);
    }
    alphabet
}

#[test]
fn all_programs_of_up_to_four_instructions_leave_the_naive_images() {
    let alphabet = two_cpus_two_lines();
    let start = BTreeSet::from([Naive::default()]);
    let medium = SimMedium::with_words(2 * WORDS_PER_LINE as u64);
    let programs = exhaust(&alphabet, 4, &mut Vec::new(), &medium, &start);
    assert_eq!(programs, (0..=4).map(|length| alphabet.len().pow(length)).sum::<usize>());
}

/// The smallest alphabet in which marks of two CPUs meet stores and evictions in one line, longer.
#[test]
fn all_programs_of_up_to_six_instructions_on_one_line_leave_the_naive_images() {
    let alphabet = [
        Store { cpu: 0, line: 0, word: 0, value: 1 },
        Store { cpu: 1, line: 0, word: 1, value: 2 },
        WriteBack { cpu: 0, line: 0 },
        WriteBack { cpu: 1, line: 0 },
        Fence { cpu: 0 },
        Fence { cpu: 1 },
        Evict { line: 0 },
    ];
    let start = BTreeSet::from([Naive::default()]);
    let medium = SimMedium::with_words(WORDS_PER_LINE as u64);
    exhaust(&alphabet, 6, &mut Vec::new(), &medium, &start);
}

fn instruction() -> impl Strategy<Value = Instruction> {
    let place = (0..2_u8, 0..3_u64, 0..3_u64, 0..3_u64);
    prop_oneof![
        4 => place.clone().prop_map(|(cpu, line, word, value)| Store { cpu, line, word, value }),
        2 => place.prop_map(|(cpu, line, word, value)| StoreNt { cpu, line, word, value }),
        3 => (0..2_u8, 0..3_u64).prop_map(|(cpu, line)| WriteBack { cpu, line }),
        3 => (0..2_u8).prop_map(|cpu| Fence { cpu }),
        1 => (0..3_u64).prop_map(|line| Evict { line }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_programs_leave_the_naive_images(
        program in prop::collection::vec(instruction(), 5..10)
    ) {
        let mut medium = SimMedium::with_words(3 * WORDS_PER_LINE as u64);
        let mut states = BTreeSet::from([Naive::default()]);
        for (place, &instruction) in program.iter().enumerate() {
            sim_step(&mut medium, instruction);
            states = naive_step(&states, instruction);
            compare(&medium, &states, &program[..=place]);
        }
    }

    #[test]
    fn the_same_program_gives_the_same_state_and_the_same_list(
        program in prop::collection::vec(instruction(), 0..30)
    ) {
        let run = || {
            let mut medium = SimMedium::with_words(3 * WORDS_PER_LINE as u64);
            program.iter().for_each(|&instruction| sim_step(&mut medium, instruction));
            medium
        };
        let [first, second] = [run(), run()];
        prop_assert_eq!(&first, &second);
        let list = |medium| images(medium, PersistenceDomain::WriteQueue).take(2_000);
        prop_assert!(list(&first).eq(list(&second)));
    }
}
