//! A device that was left behind: what boots from its bytes.

use daxscope_core::check::Verdict;
use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::fs::{Kind, ROOT};
use daxscope_core::jbd::recover::RecoveryStep;
use daxscope_core::machine::{
    Event, FileSetup, FileWord, Inode, Machine, NoReport, Op, Program, Setup, System, ThreadId,
};
use daxscope_core::medium::{Medium, SimMedium};
use daxscope_core::units::{BlockNr, Cpu, Ino, PageIndex, Tid, Word, WordAddr};
use daxscope_core::view::{Cell, Content, text};
use daxscope_scenarios::{Catalogue, Choice, Lecture, Session};

/// What a medium would keep if everything in the caches came to it.
fn bytes(medium: &SimMedium) -> Vec<u8> {
    let mut words = vec![Word::ZERO; usize::try_from(medium.words()).unwrap()];
    medium.load(WordAddr(0), &mut words);
    words.iter().flat_map(|word| word.0).collect()
}

fn file(ino: Ino, name: &str, kind: Kind, blocks: &[u64]) -> FileSetup {
    FileSetup {
        ino,
        name: name.into(),
        kind,
        dax: false,
        absent: blocks.is_empty(),
        pages: blocks.len() as u64,
        blocks: blocks.iter().map(|block| Some(BlockNr(*block))).collect(),
        index_blocks: vec![],
    }
}

/// A KERNEL-size device after so many fsyncs, of which the last checkpoint has brought none home.
fn kernel_device(fsyncs: u32) -> Vec<u8> {
    let mut files = vec![file(Ino(2), "root", Kind::Directory, &[100])];
    files.extend((11..31).map(|ino| file(Ino(ino), &format!("file-{ino}"), Kind::File, &[])));
    let mut ops = Vec::new();
    for n in 0..fsyncs {
        let ino = Ino(11 + n % 20);
        let at = FileWord { ino, index: PageIndex(u64::from(n / 20)), word: 0 };
        if n < 20 {
            ops.push(Op::Create { ino });
        }
        ops.push(Op::Write { at, words: vec![Word::label("LEFT").unwrap(); 512] });
        ops.push(Op::Fsync { ino });
    }
    let program = Program { name: "writer".into(), cpu: Cpu(0), ops, boot: false };
    let setup = Setup {
        geometry: Geometry::KERNEL,
        semantics: Semantics::preset(Epoch::V6_12),
        files,
        contents: vec![],
        system: System { journal: Some(Tid(1)), ..System::PLAIN },
        programs: vec![program],
        planted: None,
    };
    let mut machine = Machine::<SimMedium, 64>::new(&setup).unwrap();
    while machine.runnable().next().is_some() {
        machine.run(ThreadId(0), &mut NoReport).unwrap();
    }
    bytes(&machine.medium)
}

/// Opens an image in an epoch with switches.
fn open(image: &[u8], epoch: Epoch, sets: &[(String, String)]) -> Session {
    let choice = Choice { epoch: Some(epoch), sets: sets.to_vec(), ..Choice::default() };
    Session::open(Lecture::of_image("left.img", image).unwrap(), choice).unwrap()
}

/// What a step reported, without the names of files: before the mount nobody knows them.
fn done(session: &Session, step: usize) -> Vec<Event> {
    let (_, report) = session.moment(step).step.as_ref().unwrap();
    report.events.clone()
}

#[test]
fn an_image_boots_as_after_the_power_cut_that_left_it() {
    let (mut booted, mut unsound) = (0, 0);
    for (lecture, variant) in [
        ("S20", "reuse"),
        ("S20", "revoke-off"),
        ("S20", "short-log"),
        ("S12", "dax"),
        ("S13", "frozen"),
        ("S23", "base"),
    ] {
        let choice = Choice { variant: Some(variant.into()), ..Choice::default() };
        let lecture = Catalogue::embedded().find(lecture).unwrap().clone();
        let Ok(session) = Session::open(&lecture, choice) else { continue };
        for step in (0..=session.last_step()).step_by(5) {
            for class in &session.moment(step).crash.classes {
                let mut cut = session.clone();
                let at = cut.cut_power(step, class.number).unwrap();
                let image = bytes(&cut.moment(at).machine.medium);
                // How long the log's ring is, the image says itself.
                let mut sets = session.variant().sets.clone();
                sets.retain(|(switch, _)| switch != "log-blocks");
                let found = open(&image, session.epoch(), &sets);
                let place = format!("{} {variant} step {step} image {}", lecture.id, class.number);
                assert_eq!(found.last_step(), cut.last_step() - at, "{place}");
                for step in 1..=found.last_step() {
                    let (one, other) = (found.moment(step), cut.moment(at + step));
                    assert_eq!(done(&found, step), done(&cut, at + step), "{place} +{step}");
                    assert!(one.machine.medium == other.machine.medium, "{place} +{step}");
                    assert_eq!(one.machine.journal, other.machine.journal, "{place} +{step}");
                }
                let names = |session: &Session| -> Vec<_> {
                    let inodes = &session.path().last().machine.inodes;
                    let rooted = inodes.iter().any(|inode| inode.ino == ROOT);
                    let name = |inode: &Inode<8>| {
                        let named = rooted && inode.ino != ROOT;
                        named.then(|| inode.name.clone())
                    };
                    inodes
                        .iter()
                        .map(|it| (it.ino, name(it), it.blocks().collect::<Vec<_>>()))
                        .collect()
                };
                assert_eq!(names(&found), names(&cut), "{place}");
                // What fsck finds is said; what was promised nobody knows any more.
                let told = |session: &Session| {
                    let torn = [Verdict::MetadataTorn, Verdict::CrossLinked, Verdict::IoError];
                    let steps = (0..=session.last_step())
                        .flat_map(|at| session.moment(at).verdicts.clone());
                    steps.filter(|verdict| torn.contains(verdict)).collect::<Vec<_>>()
                };
                let reached = found.reached().verdicts;
                assert_eq!(Verdict::distinct(told(&found)), reached, "{place}");
                if reached != [Verdict::Ok] {
                    assert!(told(&cut).contains(reached.last().unwrap()), "{place}: {reached:?}");
                    unsound += 1;
                }
                booted += 1;
            }
        }
    }
    assert!(booted > 60 && unsound > 3, "{booted} booted, {unsound} of them not sound");
}

#[test]
fn a_length_that_no_device_has_is_refused_in_words() {
    for found in [0, 1, 8_191, 8_193, 4_096, 1 << 20] {
        let error = Lecture::of_image("x.img", &vec![0; found]).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "{found} bytes are no device; expected 8192, which is 32 blocks of 256 or 33554432, \
                 which is 8192 blocks of 4096"
            )
        );
    }
}

/// Numbers that look random, the same everywhere.
fn noise(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |end| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % end
    }
}

/// Looks at every step of a session as a host does.
fn look_at_all(session: &Session) {
    for step in 0..=session.last_step() {
        let scene = session.scene(step);
        assert!(scene.rows.iter().all(|row| row.cells.len() == scene.columns.len()));
        assert!(!text::step(&scene).is_empty() && !session.outline(step).sentence.is_empty());
    }
}

#[test]
fn any_bytes_are_answered_and_never_panic() {
    let mut cut =
        Session::open(Catalogue::embedded().find("S20").unwrap(), Choice::default()).unwrap();
    let at = cut.cut_power(cut.last_step() - 8, 0).unwrap();
    let sound = bytes(&cut.moment(at).machine.medium);
    let (mut refused, mut mounted) = (0, 0);
    for seed in 1..=120 {
        let mut random = noise(seed);
        let mut image = sound.clone();
        match seed % 4 {
            0 => image.iter_mut().for_each(|byte| *byte = random(256) as u8),
            1 => image[..256 * 4]
                .iter_mut()
                .skip(200)
                .for_each(|byte| *byte ^= (random(64) == 0) as u8),
            // A line of one block stands in another.
            2 => {
                let (from, to) = (random(128) as usize * 64, random(128) as usize * 64);
                image.copy_within(from..from + 64, to);
            }
            _ => (0..=random(3)).for_each(|_| image[random(8_192) as usize] ^= 1 << random(8)),
        }
        let session = open(&image, Epoch::V6_12, &[]);
        look_at_all(&session);
        match session.path().last().machine.mounted {
            Some(_) => mounted += 1,
            None => {
                assert_ne!(session.reached().verdicts, [Verdict::Ok], "seed {seed}");
                refused += 1;
            }
        }
    }
    assert!(refused > 20 && mounted > 20, "{refused} refused, {mounted} mounted");
    for empty in [0, 0xff] {
        let session = open(&[empty; 8_192], Epoch::V4_5_0, &[]);
        look_at_all(&session);
        assert_eq!(session.reached().verdicts, [Verdict::MetadataTorn]);
    }
}

#[test]
fn a_large_device_boots_and_shows_what_matters() {
    let image = kernel_device(40);
    let mut session = open(&image, Epoch::V6_12, &[]);
    assert_eq!(session.reached().verdicts, [Verdict::Ok]);
    let replays = |session: &Session| {
        let steps = 1..=session.last_step();
        let all = steps.flat_map(|step| done(session, step));
        let is = |event: &Event| {
            matches!(event, Event::Recovering { step: RecoveryStep::Replayed { .. } })
        };
        all.filter(is).count()
    };
    assert!(replays(&session) > 60, "{}", replays(&session));
    let scene = session.scene(session.last_step());
    let labels: Vec<&str> = scene.columns.iter().map(|column| column.label.as_str()).collect();
    assert!((8..=64).contains(&labels.len()), "{labels:?}");
    for label in ["b0", "b1", "b6", "b100"] {
        assert!(labels.contains(&label), "{label} in {labels:?}");
    }
    let cells: usize = scene.rows.iter().flat_map(|row| &row.cells).map(drawn).sum();
    assert!(cells < 700, "{cells} things to draw");
    assert!(scene.log.len() < 40, "{} items of the log", scene.log.len());
    let Some(folded) = scene.log.iter().find(|item| item.holds == "⋯") else {
        panic!("nothing is folded")
    };
    assert!(folded.words.contains("blocks of T"), "{folded:?}");
    // The recovery can be cut off, and begins anew.
    let mut again = session.clone();
    let cut = again.cut_power(40, 0).unwrap();
    assert_eq!(cut, 41);
    assert!(again.path().last().machine.mounted.is_some());
    assert_eq!(replays(&again), replays(&session), "nothing was home yet");
    session.resume_script().unwrap();
    let other = session.under(Choice { epoch: Some(Epoch::V4_9), ..Choice::default() }, 3).unwrap();
    assert_eq!(other.problem, None);
    assert_eq!(other.session.reached().verdicts, [Verdict::Ok]);
}

/// How many things of a cell are drawn.
fn drawn(cell: &Cell) -> usize {
    match &cell.content {
        Content::Empty => 0,
        Content::Lines { lines, .. } => {
            assert_eq!(lines.iter().map(|line| line.count).sum::<usize>(), 64);
            lines.len()
        }
        _ => 1,
    }
}

/// The image that the tests of the command line and of the page open. `UPDATE_TRACES=1` writes it.
#[test]
fn the_image_of_the_other_tests_is_what_a_power_cut_leaves() {
    let choice = Choice { variant: Some("reuse".into()), ..Choice::default() };
    let lecture = Catalogue::embedded().find("S20").unwrap().clone();
    let mut cut = Session::open(&lecture, choice).unwrap();
    let at = cut.cut_power(cut.last_step(), 0).unwrap();
    let image = bytes(&cut.moment(at).machine.medium);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../e2e/tests/fixtures/left.img");
    if std::env::var_os("UPDATE_TRACES").is_some() {
        std::fs::write(path, &image).unwrap();
    }
    assert!(std::fs::read(path).unwrap() == image, "run with UPDATE_TRACES=1");
    let found = open(&image, Epoch::V6_12, &[]);
    assert!(found.last_step() > 10 && found.reached().verdicts == [Verdict::Ok]);
}
