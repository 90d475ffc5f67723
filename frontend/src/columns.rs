//! Which columns of the matrix are drawn and which fold into a gap.

use daxscope_core::view::Column;

/// A stretch of columns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Span {
    /// One column, drawn.
    Shown(usize),
    /// Columns from the first to the last number, folded away.
    Gap(usize, usize),
}

/// Folds what the lecture never uses, or everything outside `only`; nothing at all if unfolded.
pub(crate) fn spans(columns: &[Column], unfolded: bool, only: Option<&[usize]>) -> Vec<Span> {
    let mut spans = Vec::new();
    for (number, column) in columns.iter().enumerate() {
        let shown = match only {
            _ if unfolded => true,
            Some(only) => only.contains(&number),
            None => column.used,
        };
        match spans.last_mut() {
            _ if shown => spans.push(Span::Shown(number)),
            Some(Span::Gap(_, last)) => *last = number,
            _ => spans.push(Span::Gap(number, number)),
        }
    }
    spans
}

/// The columns with the most changes, at most `limit`, in their own order. Without a sort: for a few columns it would
/// be the largest part of this code.
pub(crate) fn busiest(changes: &[usize], limit: usize) -> Vec<usize> {
    let busier = |this: usize| {
        let before = |other: &usize| (changes[*other], this) > (changes[this], *other);
        (0..changes.len()).filter(before).count()
    };
    (0..changes.len()).filter(|number| changes[*number] > 0 && busier(*number) < limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(used: &[bool]) -> Vec<Column> {
        let column = |(block, used): (u64, &bool)| Column {
            label: format!("b{block}"),
            block,
            used: *used,
            changed: false,
        };
        (0..).zip(used).map(column).collect()
    }

    #[test]
    fn neighbours_that_are_unused_share_a_gap() {
        let columns = columns(&[true, false, false, true, false]);
        let folded = [Span::Shown(0), Span::Gap(1, 2), Span::Shown(3), Span::Gap(4, 4)];
        assert_eq!(spans(&columns, false, None), folded);
        assert_eq!(spans(&columns, true, None).len(), 5);
        assert_eq!(spans(&columns, false, Some(&[1]))[1], Span::Shown(1));
    }

    #[test]
    fn the_busiest_columns_stand_in_their_own_order() {
        assert_eq!(busiest(&[1, 0, 5, 3], 2), [2, 3]);
        assert_eq!(busiest(&[0, 0], 5), [0; 0]);
    }
}
