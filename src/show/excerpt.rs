//! Which steps of a long trace are shown: the first few, and more of the last ones, where things go wrong.

/// One row of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Row {
    /// The step at this index.
    Step(usize),
    /// So many steps are left out.
    Gap(usize),
}

impl Row {
    /// What stands for a gap.
    pub(super) fn gap(skipped: usize) -> String {
        format!("… {skipped} more steps …")
    }
}

/// At most `most` of `len` steps: a third of them from the beginning.
pub(super) fn excerpt(len: usize, most: usize) -> Vec<Row> {
    // A gap of one step would take as much room as the step.
    if len <= most + 1 {
        return (0..len).map(Row::Step).collect();
    }
    let head = most / 3;
    let tail = len - (most - head);
    (0..head).map(Row::Step).chain([Row::Gap(tail - head)]).chain((tail..len).map(Row::Step)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_trace_keeps_its_ends() {
        assert_eq!(excerpt(4, 3).len(), 4);
        let rows = [Row::Step(0), Row::Gap(7), Row::Step(8), Row::Step(9)];
        assert_eq!(excerpt(10, 3), rows);
    }
}
