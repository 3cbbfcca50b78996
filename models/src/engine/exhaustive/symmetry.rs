//! Equal connections are interchangeable: of all the states that differ only in who is who, one is searched.
//!
//! A model says which renumberings of its names leave it the same. What a renumbering does to a content or a local is
//! learned: whenever a step is run for real, it is run under every renumbering too, and what comes out in the same place is
//! the image. So nothing has to be known of how values look inside; and where a model is not as symmetric as it
//! says, the runs differ and the search stops with an error.

use turnstile::Name;

use crate::player::{Event, Segment, Slot};
use crate::schedule::Pick;

/// An element of the group, by its index; 0 is the identity.
pub(super) type Element = u8;

/// The renumberings, and what each does to slots, contents and locals.
pub(super) struct Symmetry {
    /// By element: the new number for each number from 1.
    group: Vec<Vec<u32>>,
    /// `products[a][b]`: first `b`, then `a`.
    products: Vec<Vec<Element>>,
    inverses: Vec<Element>,
    slots: Vec<Vec<Slot>>,
    contents: Vec<Vec<u32>>,
    locals: Vec<Vec<u32>>,
}

const UNKNOWN: u32 = u32::MAX;

/// What a segment found in the cells that it touched.
fn reads(segment: &Segment) -> Vec<(Slot, u32)> {
    let touch = |event: &Event| match event {
        Event::Touch(slot, content) => Some((*slot, *content)),
        Event::Choose(..) => None,
    };
    segment.events.iter().filter_map(touch).collect()
}

impl Symmetry {
    /// The group of these renumberings, which must be closed under composition.
    pub(super) fn new(renumberings: Vec<Vec<u32>>) -> Symmetry {
        let numbers = renumberings.first().map_or(0, Vec::len) as u32;
        let mut group = vec![(1..=numbers).collect::<Vec<u32>>()];
        group.extend(renumberings.into_iter().filter(|g| !g.is_sorted()));
        assert!(
            group.len() <= 256,
            "a group of {} renumberings is more than this engine takes: 256",
            group.len()
        );
        let product = |a: &[u32], b: &[u32]| -> Element {
            let both: Vec<u32> = b.iter().map(|n| a[*n as usize - 1]).collect();
            group.iter().position(|g| *g == both).expect("a group is closed") as Element
        };
        let products: Vec<Vec<Element>> =
            group.iter().map(|a| group.iter().map(|b| product(a, b)).collect()).collect();
        let inverse =
            |row: &Vec<Element>| row.iter().position(|p| *p == 0).expect("a group has inverses") as Element;
        let inverses = products.iter().map(inverse).collect();
        let order = group.len();
        Symmetry {
            group,
            products,
            inverses,
            slots: vec![Vec::new(); order],
            contents: vec![vec![0]; order],
            locals: vec![vec![0]; order],
        }
    }

    /// All elements.
    pub(super) fn elements(&self) -> impl Iterator<Item = Element> + use<> {
        (0..self.group.len()).map(|g| g as Element)
    }

    /// True if there is nothing but the identity.
    pub(super) fn is_trivial(&self) -> bool {
        self.group.len() == 1
    }

    /// First `b`, then `a`.
    pub(super) fn after(&self, a: Element, b: Element) -> Element {
        self.products[a as usize][b as usize]
    }

    /// What a name becomes.
    pub(super) fn name(&self, g: Element, name: Name) -> Name {
        match name.number() {
            0 => name,
            number => Name::of(name.role(), self.number(g, number)),
        }
    }

    fn number(&self, g: Element, number: u32) -> u32 {
        let image = number.checked_sub(1).and_then(|at| self.group[g as usize].get(at as usize));
        image.copied().unwrap_or(number)
    }

    /// The slot that a slot's name becomes.
    pub(super) fn slot(&self, g: Element, slot: Slot) -> Slot {
        self.slots[g as usize][slot as usize]
    }

    /// What a pick becomes.
    pub(super) fn pick(&self, g: Element, pick: Pick) -> Pick {
        match pick {
            Pick::Index(_) => pick,
            Pick::Named(number) => Pick::Named(self.number(g, number)),
        }
    }

    /// Learns the slots of all names; `find` makes those that are new.
    pub(super) fn learn_slots(&mut self, names: &[Name], mut find: impl FnMut(Name) -> Slot) {
        for g in self.elements() {
            let known = self.slots[g as usize].len();
            for name in names.iter().skip(known).copied() {
                let image = find(self.name(g, name));
                self.slots[g as usize].push(image);
            }
        }
    }

    /// Learns images from runs of the same step, one under each element, in their order.
    ///
    /// # Errors
    /// Says how two of the runs differ.
    pub(super) fn learn(
        &mut self,
        runs: &[Vec<Segment>],
        local_of: impl Fn(Slot, u128) -> u32,
    ) -> Result<(), String> {
        for (a, first) in runs.iter().enumerate() {
            for (b, second) in runs.iter().enumerate() {
                // The run under b is the image of the run under a by the element that leads from a to b.
                let g = self.after(b as Element, self.inverses[a]) as usize;
                if first.len() != second.len() {
                    return Err("two runs of it wake different tasks".to_owned());
                }
                for (at, one) in first.iter().enumerate() {
                    // Equals that are woken together may be woken in another order: match by task.
                    let before = first[..at].iter().filter(|s| s.task == one.task).count();
                    let image = self.slots[g][one.task as usize];
                    let Some(other) = second.iter().filter(|s| s.task == image).nth(before) else {
                        return Err("two runs of it wake different tasks".to_owned());
                    };
                    if one.breaches != other.breaches {
                        return Err("two runs of it break different rules".to_owned());
                    }
                    note(
                        &mut self.locals[g],
                        local_of(one.task, one.after),
                        local_of(other.task, other.after),
                    )?;
                    for ((task, before), (_, after)) in one.spawned.iter().zip(&other.spawned) {
                        let image = self.slots[g][*task as usize];
                        note(&mut self.locals[g], local_of(*task, *before), local_of(image, *after))?;
                    }
                    for (mine, theirs) in
                        [(reads(one), reads(other)), (one.writes.clone(), other.writes.clone())]
                    {
                        if mine.len() != theirs.len() {
                            return Err("two runs of it touch different things".to_owned());
                        }
                        for (slot, content) in mine {
                            let image = self.slots[g][slot as usize];
                            let Some((_, other)) = theirs.iter().find(|(s, _)| *s == image) else {
                                return Err("two runs of it touch different things".to_owned());
                            };
                            note(&mut self.contents[g], content, *other)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Learns the images of the contents and locals of a state that every element leaves the same.
    ///
    /// # Errors
    /// Says that one does not.
    pub(super) fn learn_fixed(
        &mut self,
        state: &[u32],
        is_task: impl Fn(Slot) -> bool,
    ) -> Result<(), String> {
        for g in self.elements() {
            for (slot, value) in state.iter().enumerate().take(self.slots[g as usize].len()) {
                let image = state[self.slots[g as usize][slot] as usize];
                let table = if is_task(slot as Slot) { &mut self.locals } else { &mut self.contents };
                note(&mut table[g as usize], *value, image)?;
            }
        }
        Ok(())
    }

    /// The least of a state's images, in `least`, and the element that leads to it.
    pub(super) fn canonical(
        &self,
        state: &[u32],
        is_task: &[bool],
        image: &mut Vec<u32>,
        least: &mut Vec<u32>,
    ) -> Element {
        least.clear();
        least.extend_from_slice(state);
        let mut by = 0;
        for g in self.elements().skip(1) {
            let inverse = &self.slots[self.inverses[g as usize] as usize];
            let (contents, locals) = (&self.contents[g as usize], &self.locals[g as usize]);
            let image_at = |slot: usize| {
                let from = inverse.get(slot).map_or(slot, |s| *s as usize);
                let value = state[from] as usize;
                let value =
                    if is_task.get(from).copied().unwrap_or(false) { locals[value] } else { contents[value] };
                debug_assert_ne!(value, UNKNOWN, "what was learned was learned under every element");
                value
            };
            // Mostly the first difference decides, and it comes early.
            let differs = (0..least.len()).find_map(|slot| {
                let value = image_at(slot);
                (value != least[slot]).then_some((slot, value))
            });
            let Some((first, value)) = differs else { continue };
            if value < least[first] {
                image.clear();
                image.extend_from_slice(&least[..first]);
                image.extend((first..least.len()).map(image_at));
                std::mem::swap(image, least);
                by = g;
            }
        }
        by
    }
}

fn note(table: &mut Vec<u32>, from: u32, to: u32) -> Result<(), String> {
    if table.len() <= from as usize {
        table.resize(from as usize + 1, UNKNOWN);
    }
    let entry = &mut table[from as usize];
    if *entry != UNKNOWN && *entry != to {
        return Err("it has two images under one renumbering".to_owned());
    }
    *entry = to;
    Ok(())
}
