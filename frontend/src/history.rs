//! The history: every variant of every lecture in every epoch, run a few at a time so that the page stays responsive.

use std::rc::Rc;

use crate::course::{self, Choice, Epoch, Lecture};

/// So many steps of the machine are taken at a time, and the run that they end in is finished.
const STEPS_AT_A_TIME: usize = 80;

/// A variant of a lecture through all epochs.
#[derive(Clone, PartialEq)]
pub(crate) struct Line {
    /// The number of its lecture.
    pub(crate) lecture: usize,
    /// For people.
    pub(crate) title: String,
    /// The variant, in the epoch that its lecture shows first.
    pub(crate) choice: Choice,
    /// One for each of [`course::all_epochs`], in their order.
    pub(crate) cells: Vec<Cell>,
}

/// A line in one epoch.
#[derive(Clone, PartialEq)]
pub(crate) enum Cell {
    /// The lecture says nothing about this epoch.
    Undeclared,
    /// It has not been run yet.
    Waiting,
    /// What became of it.
    Ran(Epoch),
}

impl Line {
    /// Those epochs that have been run.
    pub(crate) fn ran(&self) -> impl Iterator<Item = &Epoch> {
        self.cells.iter().filter_map(|cell| match cell {
            Cell::Ran(epoch) => Some(epoch),
            _ => None,
        })
    }

    fn waits(&self) -> bool {
        self.cells.contains(&Cell::Waiting)
    }

    /// Whether it is its lecture's first variant, which the catalogue shows.
    fn is_first(&self, lectures: &[Lecture]) -> bool {
        self.choice == lectures[self.lecture].default
    }
}

/// All lines, nothing run yet.
pub(crate) fn lines(lectures: &[Lecture]) -> Rc<Vec<Rc<Line>>> {
    let mut lines = Vec::new();
    for (number, lecture) in lectures.iter().enumerate() {
        let cells: Vec<Cell> = course::all_epochs()
            .map(|(name, _)| match lecture.epochs.contains(&name) {
                true => Cell::Waiting,
                false => Cell::Undeclared,
            })
            .collect();
        for (variant, title) in &lecture.variants {
            lines.push(Rc::new(Line {
                lecture: number,
                title: title.clone(),
                choice: Choice { variant: variant.clone(), ..lecture.default.clone() },
                cells: cells.clone(),
            }));
        }
    }
    Rc::new(lines)
}

/// The first line that waits for a run: of all, or of those that the catalogue shows.
pub(crate) fn next(lines: &[Rc<Line>], lectures: &[Lecture], all: bool) -> Option<usize> {
    lines.iter().position(|line| line.waits() && (all || line.is_first(lectures)))
}

/// The line with its next cells run.
pub(crate) fn run(line: &Line, lecture: &Lecture) -> Line {
    let mut line = line.clone();
    let mut steps = 0;
    for (cell, (epoch, _)) in line.cells.iter_mut().zip(course::all_epochs()) {
        if *cell == Cell::Waiting && steps < STEPS_AT_A_TIME {
            let choice = Choice { epoch: epoch.to_string(), ..line.choice.clone() };
            let (ran, taken) = course::run_in(lecture, &choice);
            *cell = Cell::Ran(ran);
            steps += taken;
        }
    }
    line
}

/// How many runs are done, and how many there are.
pub(crate) fn progress(lines: &[Rc<Line>]) -> (usize, usize) {
    let done: usize = lines.iter().map(|line| line.ran().count()).sum();
    let waiting = |line: &Rc<Line>| line.cells.iter().filter(|it| **it == Cell::Waiting).count();
    (done, done + lines.iter().map(waiting).sum::<usize>())
}

/// Where a key leads in a grid of so many cells, `width` in each row, numbered row by row; with Ctrl held Home and End
/// go to the ends of the grid (APG). `None` where the key is none of a grid's.
pub(crate) fn grid_target(
    key: &str,
    ctrl: bool,
    here: usize,
    width: usize,
    count: usize,
) -> Option<usize> {
    let (row, column, last) = (here / width, here % width, count.saturating_sub(1));
    let to = match key {
        "ArrowRight" if !ctrl => here + usize::from(column + 1 < width),
        "ArrowLeft" if !ctrl => here - usize::from(column > 0),
        "ArrowDown" if !ctrl => {
            if here + width <= last {
                here + width
            } else {
                here
            }
        }
        "ArrowUp" if !ctrl => {
            if row > 0 {
                here - width
            } else {
                here
            }
        }
        "Home" => {
            if ctrl {
                0
            } else {
                row * width
            }
        }
        "End" => {
            if ctrl {
                last
            } else {
                (row + 1) * width - 1
            }
        }
        _ => return None,
    };
    Some(to.min(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_walked_by_arrows_and_left_at_no_edge() {
        let to = |key, here| grid_target(key, false, here, 12, 36);
        assert_eq!((to("ArrowRight", 0), to("ArrowRight", 11)), (Some(1), Some(11)));
        assert_eq!((to("ArrowLeft", 13), to("ArrowLeft", 12)), (Some(12), Some(12)));
        assert_eq!((to("ArrowDown", 5), to("ArrowDown", 30)), (Some(17), Some(30)));
        assert_eq!((to("ArrowUp", 17), to("ArrowUp", 5)), (Some(5), Some(5)));
        assert_eq!((to("Home", 17), to("End", 17)), (Some(12), Some(23)));
        let ends = |key| grid_target(key, true, 17, 12, 36);
        assert_eq!((ends("Home"), ends("End"), ends("ArrowLeft")), (Some(0), Some(35), None));
        assert_eq!(to("Enter", 3), None);
    }

    #[test]
    fn the_lines_are_those_of_the_lectures_and_wait() {
        let lectures = course::catalogue();
        let lines = lines(&lectures);
        let variants: usize = lectures.iter().map(|lecture| lecture.variants.len()).sum();
        assert_eq!(lines.len(), variants);
        assert_eq!(progress(&lines).0, 0);
        for line in lines.iter() {
            assert_eq!(line.cells.len(), course::all_epochs().count());
            let declared = &lectures[line.lecture].epochs;
            assert_eq!(
                line.cells.iter().filter(|it| **it == Cell::Waiting).count(),
                declared.len()
            );
        }
    }
}
