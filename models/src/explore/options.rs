//! Each step that can be taken at a moment, with each way to choose in it: found by taking it.

use turnstile::trace;

use super::Explorer;
use crate::player::{Event, Slot};
use crate::schedule::{Pick, Turn};

/// A step that can be taken.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// Whose turn it is, with all its picks said.
    pub(super) turn: Turn,
    /// By pick: which of how many it is, from 1.
    pub(super) picked: Vec<(usize, usize)>,
    /// True if it comes at a whim.
    pub(super) whim: bool,
    /// What it does.
    pub(super) step: trace::Step,
}

impl Explorer {
    /// Plays these turns from the start.
    pub(super) fn go(&mut self, turns: &[Turn]) -> Result<(), String> {
        self.play.restart(None);
        for (index, turn) in turns.iter().enumerate() {
            let slot = self.slot(index, turn)?;
            self.play.step(slot, &turn.picks, None);
        }
        Ok(())
    }

    /// The place of the task whose turn it is.
    pub(super) fn slot(&self, index: usize, turn: &Turn) -> Result<Slot, String> {
        let (_, slot) = self
            .play
            .find(turn.task)
            .ok_or_else(|| format!("step {}: {} cannot move here", index + 1, turn.task))?;
        Ok(slot)
    }

    /// Each step that can be taken after these turns: by task, in the order of their start, then by what is picked.
    pub(super) fn find_choices(&mut self, turns: &[Turn]) -> Result<Vec<Choice>, String> {
        self.go(turns)?;
        let movable: Vec<Slot> = self.play.movable().collect();
        let mut choices = Vec::new();
        for slot in movable {
            let mut open: Vec<Vec<Pick>> = vec![Vec::new()];
            while let Some(picks) = open.pop() {
                self.go(turns)?;
                let (task, whim) = (self.play.name(slot), self.play.at_whim(slot));
                let (step, taken) = self.play.narrate(slot, &picks, &mut self.segments);
                let events = self.segments.iter().flat_map(|segment| &segment.events);
                let chosen: Vec<(&Vec<Pick>, Pick)> = events
                    .filter_map(|event| match event {
                        Event::Choose(options, pick) => Some((options, *pick)),
                        Event::Touch(..) => None,
                    })
                    .collect();
                // Where nothing was said, the first was picked; the others are to be taken yet, those of the last choice first.
                for (depth, (options, pick)) in chosen.iter().enumerate().skip(picks.len()) {
                    let others = options.iter().rev().filter(|option| *option != pick);
                    open.extend(others.map(|other| [&taken[..depth], &[*other]].concat()));
                }
                let which = |(options, pick): &(&Vec<Pick>, Pick)| {
                    let position = options.iter().position(|option| option == pick).unwrap_or(0);
                    (position + 1, options.len())
                };
                let picked = chosen.iter().map(which).collect();
                choices.push(Choice { turn: Turn { task, picks: taken }, picked, whim, step });
            }
        }
        Ok(choices)
    }
}
