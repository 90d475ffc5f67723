//! Temporary.
use crate::course::{Choice, Epoch, Lecture, Mark};
use daxscope_core::view::*;

pub(crate) fn lectures() -> Vec<Lecture> {
    ["Can a freed metadata block destroy data you have fsynced?", "Which caller must flush the CPU cache?", "Can a freed directory block come back?"]
        .iter().enumerate().map(|(i, q)| Lecture {
            id: format!("S0{}", i + 1),
            slug: format!("lecture-{i}"),
            question: (*q).into(),
            teaches: "A freed metadata block may still have a dirty page in the block device's mapping; writing it back destroys the new owner's data.".into(),
            status: "happened: reported and fixed".into(),
            sources: vec!["ALIAS-6".into()],
            variants: vec![("base".into(), "as shipped".into()), ("late".into(), "with a late flusher".into())],
            default: Choice { variant: "base".into(), epoch: "4.5.0".into() },
        }).collect()
}
pub(crate) fn epochs() -> Vec<Epoch> {
    [
        "4.5-rc1",
        "series v1",
        "series v2",
        "4.5.0",
        "4.7",
        "4.9",
        "4.10",
        "4.15",
        "4.18",
        "5.1",
        "6.12",
    ]
    .iter()
    .enumerate()
    .map(|(i, e)| Epoch {
        name: (*e).into(),
        verdict: if i < 5 { "overwritten".into() } else { "ok".into() },
        ok: i >= 5,
    })
    .collect()
}
const S: [&str; 4] = [
    "The flusher writes the device's stale page over b9. File b's fsynced data is gone, and nothing crashed.",
    "The writer stores NEW1 into page 0 of file b through its mapping: one line of b9 is dirty in the CPU cache.",
    "dax_writeback_one writes the dirty lines of b9 back; without a fence nothing is safe yet.",
    "fsync(b) returns 0: what file b holds is promised from here on. Verdict: data-lost, since the last fence came before the last store did.",
];
pub(crate) fn marks(epoch: &str) -> Vec<Mark> {
    (0..if epoch == "4.9" { 25 } else { 32 })
        .map(|i| Mark {
            actor: if i == 0 { "" } else { ["writer", "jbd", "flusher"][(i / 4) % 3] }.into(),
            sentence: S[i % 4].into(),
            event: [6, 13, 20, 27].contains(&i),
            verdicts: if i == 27 { vec!["overwritten".into()] } else { vec![] },
        })
        .collect()
}
fn l(state: LineState, label: &str, changed: bool) -> Line {
    Line {
        state,
        label: label.into(),
        versions: if state == LineState::Volatile { 2 } else { 1 },
        marks: if changed { vec!["wb cpu0".into()] } else { vec![] },
        changed,
    }
}
fn slot(offset: u64, tags: &str, item: Item) -> Slot {
    Slot { offset, tags: tags.into(), item, changed: offset == 1 }
}
pub(crate) fn scene(step: usize, last: usize) -> Scene {
    let used = [0u64, 1, 2, 3, 8, 9];
    let columns: Vec<Column> = (0..16)
        .map(|b| Column {
            label: format!("b{b}"),
            block: b,
            used: used.contains(&b),
            changed: b == 9,
        })
        .collect();
    let row = |id: &str,
               kind,
               title: &str,
               subtitle: &str,
               f: &dyn Fn(u64) -> (Content, bool, Option<&'static str>)| Row {
        id: id.into(),
        kind,
        title: title.into(),
        subtitle: subtitle.into(),
        cells: (0..16)
            .map(|b| {
                let (content, changed, d) = f(b);
                let words = if content == Content::Empty {
                    String::new()
                } else {
                    format!("{id} b{b} something")
                };
                Cell { content, changed, differs_from: d.map(Into::into), words }
            })
            .collect(),
    };
    let e = || (Content::Empty, false, None);
    let late = step > 10;
    let rows = vec![
        row("owner", RowKind::Owner, "owner", "", &|b| {
            (
                match b {
                    0 => Content::Owner("super".into()),
                    1 => Content::Owner("bitmap".into()),
                    2 => Content::Owner("inodes".into()),
                    3 => Content::Owner("journal".into()),
                    8 => Content::Owner("a".into()),
                    9 => Content::Owner(if late { "b" } else { "dir" }.into()),
                    _ => Content::Empty,
                },
                false,
                None,
            )
        }),
        row("pte-writer-12", RowKind::PageTable, "writer's page table", "file b", &|b| {
            if b == 9 {
                (Content::Pte { index: 0, writable: step.is_multiple_of(2) }, step % 5 == 1, None)
            } else {
                e()
            }
        }),
        row("file-11", RowKind::FileMapping, "file a", "inode 11 · i_pages", &|b| {
            if b == 8 {
                (
                    Content::Entry {
                        index: 0,
                        word: "0x202".into(),
                        tags: "···".into(),
                        locked: false,
                    },
                    false,
                    None,
                )
            } else {
                e()
            }
        }),
        row("file-12", RowKind::FileMapping, "file b", "inode 12 · i_pages", &|b| {
            if b == 9 {
                (
                    Content::Entry {
                        index: 0,
                        word: "0x242".into(),
                        tags: "D·T".into(),
                        locked: true,
                    },
                    false,
                    None,
                )
            } else {
                e()
            }
        }),
        row("device", RowKind::DeviceMapping, "device", "bdev · pages, buffers", &|b| match b {
            0 => (
                Content::Page {
                    index: 0,
                    chips: vec!["v1".into()],
                    tags: "···".into(),
                    flags: vec!["Uptodate".into()],
                },
                false,
                None,
            ),
            1 | 2 => (
                Content::Page {
                    index: b,
                    chips: vec!["v4".into()],
                    tags: "D··".into(),
                    flags: vec!["Uptodate".into(), "Dirty".into()],
                },
                false,
                None,
            ),
            9 => (
                Content::Page {
                    index: 9,
                    chips: vec!["v2".into()],
                    tags: "·W·".into(),
                    flags: vec!["Uptodate".into(), "Writeback".into()],
                },
                true,
                Some("v3"),
            ),
            _ => e(),
        }),
        row("cache", RowKind::CpuCache, "CPU cache", "dirty lines", &|b| {
            (
                Content::Lines {
                    lines: (0..4)
                        .map(|i| {
                            if b == 9 && i > 1 && step % 3 == 1 {
                                l(LineState::Volatile, "NEW1", i == 2)
                            } else {
                                l(LineState::Free, "", false)
                            }
                        })
                        .collect(),
                    chips: vec![],
                },
                b == 9 && step % 3 == 1,
                None,
            )
        }),
        row("wpq", RowKind::WriteQueue, "WPQ", "on its way", &|b| {
            (
                Content::Lines {
                    lines: (0..4)
                        .map(|i| {
                            if b == 9 && i > 1 && step % 3 == 2 {
                                l(LineState::Queued, "NEW1", false)
                            } else {
                                l(LineState::Free, "", false)
                            }
                        })
                        .collect(),
                    chips: vec![],
                },
                false,
                None,
            )
        }),
        row("medium", RowKind::Medium, "medium", "what is really there", &|b| {
            (
                Content::Lines {
                    lines: (0..4)
                        .map(|i| {
                            if b == 9 && i < 2 && late {
                                l(LineState::Wrong, "OLD1", false)
                            } else if used.contains(&b) {
                                l(LineState::Persistent, "DIR1", false)
                            } else {
                                l(LineState::Free, "", false)
                            }
                        })
                        .collect(),
                    chips: if b == 9 && late {
                        vec!["v2".into(), "v3".into()]
                    } else if used.contains(&b) {
                        vec!["v1".into()]
                    } else {
                        vec![]
                    },
                },
                false,
                if b == 9 && late { Some("v3") } else { None },
            )
        }),
    ];
    let entry = |index, block: &str, locked| Item::Entry {
        index,
        block: block.into(),
        word: "0x242".into(),
        locked,
    };
    let page = |index: u64, chips: &str| Item::Page {
        index,
        block: format!("b{index}"),
        chips: vec![chips.into()],
        flags: vec![],
    };
    let empty = |o| slot(o, "···", Item::Empty);
    let node = |first: u64, items: Vec<(u64, &str, Item)>| {
        let mut s: Vec<Slot> = (0..8).map(empty).collect();
        for (o, t, i) in items {
            s[o as usize] = slot(o, t, i);
        }
        Item::Node { first, last: first + 7, slots: s }
    };
    let dev = {
        let mut s: Vec<Slot> = (0..8).map(empty).collect();
        s[0] = slot(
            0,
            "D··",
            node(
                0,
                vec![
                    (0, "···", page(0, "v1")),
                    (1, "D··", page(1, "v4")),
                    (2, "D··", page(2, "v4")),
                ],
            ),
        );
        s[1] = slot(1, "·W·", node(8, vec![(1, "·W·", page(9, "v2"))]));
        Item::Node { first: 0, last: 63, slots: s }
    };
    let tree = |title: &str, row: &str, height, tags: &str, root, dax| Tree {
        title: title.into(),
        row: row.into(),
        height,
        fan_out: 8,
        root_tags: tags.into(),
        nrpages: 0,
        nrexceptional: 1,
        s_dax: dax,
        root: slot(0, tags, root),
    };
    Scene {
        step,
        columns,
        rows,
        caption: Caption {
            sentence: S[step % 4].into(),
            actor: "flusher".into(),
            function: "__block_write_full_page".into(),
            sources: vec![
                Source {
                    rule: "ALIAS-6".into(),
                    function: "__block_write_full_page".into(),
                    file: "fs/buffer.c".into(),
                    versions: "3.x – 4.8".into(),
                    evidence: "S".into(),
                    line: "Write back of a buffer does not ask who owns the block now.".into(),
                },
                Source {
                    rule: "JBD-14".into(),
                    function: "jbd2_journal_forget".into(),
                    file: "fs/jbd2/transaction.c".into(),
                    versions: "3.x – 4.8".into(),
                    evidence: "S".into(),
                    line: "Forget leaves the page dirty in the device's mapping.".into(),
                },
            ],
            verdicts: if step == 27 { vec!["overwritten".into()] } else { vec![] },
            event: None,
        },
        waterline: Waterline {
            below_row: 6,
            text: "a power cut loses everything above this line · ADR".into(),
        },
        trees: vec![
            tree("file a", "file-11", 0, "···", entry(0, "b8", false), true),
            tree(
                "file b",
                "file-12",
                1,
                "D·T",
                node(0, vec![(0, "D·T", entry(0, "b9", true)), (3, "···", entry(3, "b10", false))]),
                true,
            ),
            tree("device", "device", 2, "DW·", dev, false),
        ],
        threads: vec![
            Thread {
                name: "writer".into(),
                cpu: "cpu0".into(),
                program: vec!["store(b, 0, NEW1)".into(), "fsync(b)".into(), "munmap(b)".into()],
                position: 1,
                frames: vec![],
                waits: None,
                acted: false,
            },
            Thread {
                name: "flusher".into(),
                cpu: "cpu1".into(),
                program: vec!["background write back".into()],
                position: 0,
                frames: vec![
                    FrameLine { function: "wb_workfn".into(), locals: "".into(), top: false },
                    FrameLine {
                        function: "blkdev_writepages".into(),
                        locals: "".into(),
                        top: false,
                    },
                    FrameLine {
                        function: "__block_write_full_page".into(),
                        locals: "b9".into(),
                        top: true,
                    },
                ],
                waits: if step.is_multiple_of(6) {
                    Some("the lock of entry 0 in file b".into())
                } else {
                    None
                },
                acted: true,
            },
        ],
        invariants: [
            ("INV-TAG", "tree tags summarise their leaves", Holds::Yes),
            ("INV-WAL", "write-ahead: log before home", Holds::NotMeaningful),
            (
                "INV-SYNC",
                "fsynced data survives a power cut",
                if late { Holds::No } else { Holds::Yes },
            ),
            ("INV-REUSE", "no write for a former owner", if late { Holds::No } else { Holds::Yes }),
            ("INV-CLEAN", "a clean tag means nothing above the waterline", Holds::Yes),
        ]
        .map(|(id, meaning, holds)| Invariant {
            id: id.into(),
            meaning: meaning.into(),
            holds,
            broken_since: (holds == Holds::No).then_some(11),
            detail: if holds == Holds::No {
                "b9 line 0 and 1 are older than promised".into()
            } else {
                String::new()
            },
        })
        .to_vec(),
        crash: CrashNow {
            images: "4".into(),
            formula: "(2)(2) = 4".into(),
            sentence: "Each of 2 lines may or may not survive.".into(),
            classes: vec![
                CrashClass {
                    verdict: "ok".into(),
                    invariant: String::new(),
                    count: 1,
                    example: "nothing lost".into(),
                },
                CrashClass {
                    verdict: "data-lost".into(),
                    invariant: "INV-SYNC".into(),
                    count: 3,
                    example: "b9 line 2 lost".into(),
                },
            ],
        },
        changed: vec![
            Change { place: "b9 line 2".into(), before: "OLD1".into(), after: "NEW1".into() },
            Change {
                place: "device page 9 tags".into(),
                before: "D··".into(),
                after: "·W·".into(),
            },
        ],
        enabled: if step == last {
            vec![]
        } else {
            vec![
                EnabledAction {
                    actor: "writer".into(),
                    what: "fsync(b): dax_writeback_one".into(),
                    scripted: true,
                },
                EnabledAction {
                    actor: "flusher".into(),
                    what: "__block_write_full_page".into(),
                    scripted: false,
                },
                EnabledAction {
                    actor: "hardware".into(),
                    what: "evict b9 line 2".into(),
                    scripted: false,
                },
            ]
        },
    }
}
