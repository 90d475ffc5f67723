//! The machine from outside: small programs, stepped by hand.

use daxscope_core::config::{Epoch, Geometry, Semantics};
use daxscope_core::machine::{Action, FileSetup, FileWord, Op, Program, Setup, ThreadId};
use daxscope_core::path::Path;
use daxscope_core::units::{BlockNr, Cpu, Ino, PageIndex, Word};
use daxscope_core::view;

const A: Ino = Ino(11);

fn store(line: u16, value: &str) -> Op {
    let at = FileWord {
        ino: A,
        index: PageIndex(3),
        word: 8 * line,
    };
    Op::Store {
        at,
        value: Word::label(value).unwrap(),
    }
}

fn setup(epoch: Epoch, programs: Vec<Vec<Op>>) -> Setup {
    let blocks = [4, 5, 6, 10].map(BlockNr).to_vec();
    let file = FileSetup {
        ino: A,
        name: "a".into(),
        dax: true,
        blocks,
    };
    let program = |(n, ops)| Program {
        name: format!("t{n}"),
        cpu: Cpu(n),
        ops,
    };
    Setup {
        geometry: Geometry::TEACHING,
        semantics: Semantics::preset(epoch),
        files: vec![file],
        contents: vec![],
        programs: (0u8..).zip(programs).map(program).collect(),
        planted: None,
    }
}

#[test]
fn print_it() {
    for epoch in [Epoch::V4_5_0, Epoch::V6_12] {
        let ops = vec![
            Op::Mmap { ino: A },
            store(0, "NEW0"),
            store(2, "NEW2"),
            Op::Fsync { ino: A },
        ];
        let mut path: Path<8> = Path::new(&setup(epoch, vec![ops])).unwrap();
        while path.last().machine.runnable().next().is_some() {
            path.advance(Action::Run(ThreadId(0))).unwrap();
        }
        for step in 0..path.len() {
            let scene = view::scene(&path, step);
            println!("{}", view::text::step(&scene));
            if step == 9 {
                println!("{}", view::text::tables(&scene));
            }
        }
    }
}
