//! All states seen, exactly, in some 30 bytes each: a state is a row of numbers, stored as a tree of shared pairs.
//!
//! Each inner node of the tree is a number for the pair of its children, the same for the same pair (Laarman, van de
//! Pol, Weber: «Parallel recursive state compression for free», SPIN 2011). Neighbouring states differ in few slots,
//! so all but the roots is shared. No fingerprint stands for a state: two states are equal only if they are.

/// Pairs, numbered in the order of their arrival. Number 0 is (0, 0).
///
/// The index is a hash table of our own, open addressed: for each number, half of the hash beside it. So a pair that is new is
/// known to be after one look at memory, and one that is not after two; which is where the time of a search goes.
struct Pairs {
    keys: Vec<u64>,
    /// By hash: the number in the low half, the tag of its key in the high one; 0 where nothing is.
    index: Vec<u64>,
}

fn spread(key: u64) -> u64 {
    // The multiplier of Fibonacci hashing; the fold brings the well-mixed high half to the low bits.
    let wide = u128::from(key ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    (wide as u64) ^ ((wide >> 64) as u64)
}

/// What stands for a hash in the index: its high half, but never 0.
fn tag(hash: u64) -> u64 {
    (hash | 1 << 32) & !0xffff_ffff
}

impl Pairs {
    fn new() -> Pairs {
        let mut pairs = Pairs { keys: Vec::new(), index: vec![0; 8] };
        pairs.number(0, 0);
        pairs
    }

    fn number(&mut self, left: u32, right: u32) -> (u32, bool) {
        let key = (u64::from(left) << 32) | u64::from(right);
        let hash = spread(key);
        let mask = self.index.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let entry = self.index[at];
            if entry == 0 {
                break;
            }
            let number = entry as u32;
            if entry & !0xffff_ffff == tag(hash) && self.keys[number as usize] == key {
                return (number, false);
            }
            at = (at + 1) & mask;
        }
        let number = u32::try_from(self.keys.len()).expect("the memory bound ends the search long before");
        self.keys.push(key);
        self.index[at] = tag(hash) | u64::from(number);
        // Four fifths full is as full as it gets.
        if self.keys.len() * 5 > self.index.len() * 4 {
            self.grow();
        }
        (number, true)
    }

    fn grow(&mut self) {
        let mask = self.index.len() * 2 - 1;
        self.index = Vec::new();
        self.index.resize(mask + 1, 0);
        for (number, key) in (0u64..).zip(&self.keys) {
            let hash = spread(*key);
            let mut at = hash as usize & mask;
            while self.index[at] != 0 {
                at = (at + 1) & mask;
            }
            self.index[at] = tag(hash) | number;
        }
    }

    fn pair(&self, number: u32) -> (u32, u32) {
        let key = self.keys[number as usize];
        ((key >> 32) as u32, key as u32)
    }

    fn bytes(&self) -> usize {
        (self.keys.capacity() + self.index.capacity()) * 8
    }
}

/// A state, spread out: the numbers in its slots, and above them the numbers of the tree's inner nodes.
#[derive(Clone, Default)]
pub(super) struct Spread {
    levels: Vec<Vec<u32>>,
    undo: Vec<(usize, usize, u32)>,
    /// Nodes to be looked at; kept for its memory.
    open: Vec<(usize, usize)>,
}

impl Spread {
    /// The numbers in the slots.
    pub(super) fn slots(&self) -> &[u32] {
        &self.levels[0]
    }
}

/// The set of states seen.
pub(super) struct Store {
    /// `tables[0]` pairs slots, the next level pairs those, and so on up to the one table of the roots.
    tables: Vec<Vec<Pairs>>,
}

impl Store {
    pub(super) fn new() -> Store {
        Store { tables: vec![vec![Pairs::new()]] }
    }

    /// How many slots a state has.
    pub(super) fn width(&self) -> usize {
        1 << self.tables.len()
    }

    /// Makes room for states of at least `slots` slots. The states keep their numbers.
    pub(super) fn widen(&mut self, slots: usize, spread: &mut Spread) {
        while self.width() < slots {
            for level in &mut self.tables {
                let grown = level.len() * 2;
                level.resize_with(grown, Pairs::new);
            }
            let roots = self.tables.last().map_or(0, |l| l[0].keys.len());
            let mut top = Pairs::new();
            for root in 0..roots as u32 {
                top.number(root, 0);
            }
            self.tables.push(vec![top]);
        }
        let levels = self.tables.len() + 1;
        let old_top = spread.levels.len();
        spread.levels.resize(levels, Vec::new());
        for (height, level) in spread.levels.iter_mut().enumerate() {
            level.resize(self.width() >> height, 0);
        }
        for height in old_top.max(1)..levels {
            spread.levels[height][0] = spread.levels[height - 1][0];
        }
    }

    /// Adds the state that differs from `base` in the slots of `changes`. Returns its number, and true if it is new.
    pub(super) fn insert(&mut self, base: &mut Spread, changes: &[(u32, u32)]) -> (u32, bool) {
        let result = self.apply(base, changes);
        while let Some((height, at, value)) = base.undo.pop() {
            base.levels[height][at] = value;
        }
        result
    }

    fn apply(&mut self, base: &mut Spread, changes: &[(u32, u32)]) -> (u32, bool) {
        let top = base.levels.len() - 1;
        for (slot, value) in changes {
            let at = *slot as usize;
            base.undo.push((0, at, base.levels[0][at]));
            base.levels[0][at] = *value;
        }
        // The changed nodes of the level below are the last ones that can be undone.
        let (mut new, mut below) = (false, 0);
        for height in 1..=top {
            let end = base.undo.len();
            for changed in below..end {
                let at = base.undo[changed].1 / 2;
                // Few change at once, so this is no long look.
                if base.undo[end..].iter().any(|(_, done, _)| *done == at) {
                    continue;
                }
                let (left, right) = (base.levels[height - 1][at * 2], base.levels[height - 1][at * 2 + 1]);
                let (number, is_new) = self.tables[height - 1][at].number(left, right);
                base.undo.push((height, at, base.levels[height][at]));
                base.levels[height][at] = number;
                new = is_new;
            }
            below = end;
        }
        (base.levels[top][0], new && !changes.is_empty())
    }

    /// Spreads out a state that was inserted. What it has in common with the state that was spread out before stays.
    pub(super) fn load(&self, state: u32, spread: &mut Spread) {
        let top = self.tables.len();
        debug_assert_eq!(spread.levels.len(), top + 1, "what is spread out is as wide as the store");
        spread.levels[top][0] = state;
        spread.open.push((top, 0));
        while let Some((height, at)) = spread.open.pop() {
            let (left, right) = self.tables[height - 1][at].pair(spread.levels[height][at]);
            for (child, number) in [(at * 2, left), (at * 2 + 1, right)] {
                if spread.levels[height - 1][child] != number {
                    spread.levels[height - 1][child] = number;
                    if height > 1 {
                        spread.open.push((height - 1, child));
                    }
                }
            }
        }
    }

    /// How many states there are, the empty one included.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.tables.last().map_or(0, |top| top[0].keys.len())
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.tables.iter().flatten().map(Pairs::bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a map of whole rows: same numbers for same rows, new ones for new, and each comes back as it was,
        /// whenever the rows grow wider.
        #[test]
        fn states_are_kept_exactly(steps in prop::collection::vec((0u32..40, 0u32..4), 1..200)) {
            let mut store = Store::new();
            let mut spread = Spread::default();
            store.widen(2, &mut spread);
            let mut row: BTreeMap<u32, u32> = BTreeMap::new();
            let mut seen = BTreeMap::new();
            seen.insert(row.clone(), 0);
            for (slot, value) in steps {
                store.widen(slot as usize + 1, &mut spread);
                let (state, new) = store.insert(&mut spread, &[(slot, value)]);
                row.insert(slot, value);
                row.retain(|_, v| *v != 0);
                prop_assert_eq!(new, !seen.contains_key(&row));
                prop_assert_eq!(*seen.entry(row.clone()).or_insert(state), state);
                store.load(state, &mut spread);
                let back: BTreeMap<u32, u32> =
                    spread.slots().iter().enumerate().filter(|(_, v)| **v != 0).map(|(s, v)| (s as u32, *v)).collect();
                prop_assert_eq!(&back, &row);
            }
            prop_assert_eq!(store.len(), seen.len());
        }
    }
}
