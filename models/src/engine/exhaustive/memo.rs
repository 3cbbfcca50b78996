//! What steps were seen to do: the next time the same task is in the same place and meets the same contents, the result
//! is known, and the core need not run.
//!
//! A step is a function of what its task has observed (its *local*) and of what it touches. So what steps do is kept as
//! a tree for each local: which cell is touched first; by its content, which next; where it chose, and at the leaves what
//! it wrote and what became of the task.

use std::sync::Arc;

use hashbrown::HashMap;
use turnstile::Name;
use turnstile::waits::Kind;

use super::cycles::Moves;
use crate::player::{Event, Segment, Slot, Status};
use crate::schedule::Pick;

/// A task's place: what it has observed since it was at rest, and how it stands. Number 0 is «not started».
#[derive(Clone, Debug)]
pub(super) struct Local {
    pub(super) history: u128,
    pub(super) stands: Stands,
    root: u32,
}

/// How a task stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stands {
    /// Not started.
    Nowhere,
    /// About to step; perhaps at a whim.
    Turn { whim: bool },
    /// Parked.
    Waits { kind: Kind, on: Name, cell: Slot, port: usize },
    /// Parked outside the seam.
    Lost,
    /// Ended.
    Done,
}

#[derive(Clone, Copy)]
enum Node {
    Unknown,
    Touch(Slot),
    Choose(u32),
    End(u32),
}

struct Effect {
    writes: Vec<(Slot, u32)>,
    /// The task's next local.
    after: u32,
    woke: Vec<Slot>,
    spawned: Vec<(Slot, u32)>,
    breaches: Vec<&'static str>,
    crashed: Option<Arc<str>>,
}

/// What a step came to.
pub(super) enum Fired {
    /// It is known: `changes` has the slots that differ.
    Known,
    /// It must choose among these options, by their number, beyond what was picked.
    Chooses(u32),
    /// It was never seen.
    Unknown,
}

/// The changes a step makes, slot by slot.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) slots: Vec<(Slot, u32)>,
    /// The rules that it breaks.
    pub(super) breaches: Vec<&'static str>,
    pub(super) crashed: Option<Arc<str>>,
    /// Tasks that parked or ended.
    pub(super) settled: Vec<Slot>,
    queue: Vec<(Slot, bool)>,
}

impl Changes {
    fn get(&self, state: &[u32], slot: Slot) -> u32 {
        let changed = self.slots.iter().rev().find(|(s, _)| *s == slot).map(|(_, v)| *v);
        changed.unwrap_or_else(|| state.get(slot as usize).copied().unwrap_or(0))
    }

    fn set(&mut self, slot: Slot, value: u32) {
        match self.slots.iter_mut().find(|(s, _)| *s == slot) {
            Some(change) => change.1 = value,
            None => self.slots.push((slot, value)),
        }
    }
}

/// All that is known.
pub(super) struct Memo {
    pub(super) locals: Vec<Local>,
    by_history: HashMap<(Slot, u128), u32>,
    nodes: Vec<Node>,
    edges: HashMap<u64, u32>,
    effects: Vec<Effect>,
    pub(super) choices: Vec<Vec<Pick>>,
    /// What each known step moves.
    pub(super) moves: Vec<Moves>,
}

impl Memo {
    pub(super) fn new() -> Memo {
        Memo {
            locals: vec![Local { history: 0, stands: Stands::Nowhere, root: 0 }],
            by_history: HashMap::new(),
            nodes: vec![Node::Unknown],
            edges: HashMap::new(),
            effects: Vec::new(),
            choices: Vec::new(),
            moves: Vec::new(),
        }
    }

    /// The number of a task's local.
    fn local(&mut self, task: Slot, history: u128, stands: Stands) -> u32 {
        if let Some(local) = self.by_history.get(&(task, history)) {
            return *local;
        }
        let local = self.locals.len() as u32;
        self.by_history.insert((task, history), local);
        self.nodes.push(Node::Unknown);
        self.locals.push(Local { history, stands, root: self.nodes.len() as u32 - 1 });
        local
    }

    /// A task that the model starts with.
    pub(super) fn root(&mut self, task: Slot, history: u128) -> u32 {
        self.local(task, history, Stands::Lost)
    }

    /// True if what the segment met has been met before in the same place: then what it did is no news, or a contradiction.
    pub(super) fn knows(&self, segment: &Segment) -> bool {
        let Some(from) = self.by_history.get(&(segment.task, segment.before)) else { return false };
        let mut node = self.locals[*from as usize].root;
        for event in &segment.events {
            let branch = match (self.nodes[node as usize], event) {
                (Node::Unknown, _) => return false,
                (Node::Touch(cell), Event::Touch(slot, content)) if cell == *slot => *content,
                (Node::Choose(known), Event::Choose(options, pick))
                    if self.choices[known as usize] == *options =>
                {
                    pick.code()
                }
                _ => return true,
            };
            match self.edges.get(&((u64::from(node) << 32) | u64::from(branch))) {
                Some(child) => node = *child,
                None => return false,
            }
        }
        !matches!(self.nodes[node as usize], Node::Unknown)
    }

    /// About how much memory all that takes.
    pub(super) fn bytes(&self) -> usize {
        self.nodes.len() * 32 + self.locals.len() * 96 + self.effects.len() * 512
    }

    /// The number of a local that was learned.
    pub(super) fn number(&self, task: Slot, history: u128) -> u32 {
        self.by_history[&(task, history)]
    }

    /// Adds up what a segment that was learned did.
    pub(super) fn apply(&self, segment: &Segment, changes: &mut Changes) {
        for (cell, content) in &segment.writes {
            changes.set(*cell, *content);
        }
        changes.set(segment.task, self.by_history[&(segment.task, segment.after)]);
        for (task, history) in &segment.spawned {
            changes.set(*task, self.by_history[&(*task, *history)]);
        }
    }

    /// The number of a set of options.
    fn options(&mut self, options: &[Pick]) -> u32 {
        let known = self.choices.iter().position(|known| known == options);
        known.unwrap_or_else(|| {
            self.choices.push(options.to_vec());
            self.choices.len() - 1
        }) as u32
    }

    fn child(&mut self, node: u32, branch: u32) -> u32 {
        let next = self.nodes.len() as u32;
        let child = *self.edges.entry((u64::from(node) << 32) | u64::from(branch)).or_insert(next);
        if child == next {
            self.nodes.push(Node::Unknown);
        }
        child
    }

    /// Takes in what a task was seen to do. `slot` finds the slot of a cell's name.
    pub(super) fn learn(
        &mut self,
        segment: &Segment,
        mut slot: impl FnMut(Name) -> Slot,
    ) -> Result<(), String> {
        let stands = match &segment.status {
            Status::Turn { whim } => Stands::Turn { whim: *whim },
            Status::Done => Stands::Done,
            Status::Parked(None) => Stands::Lost,
            Status::Parked(Some(wait)) => {
                Stands::Waits { kind: wait.kind, on: wait.on, cell: slot(wait.cell), port: wait.port }
            }
        };
        let after = self.local(segment.task, segment.after, stands);
        let spawned = segment
            .spawned
            .iter()
            .map(|(task, history)| (*task, self.local(*task, *history, Stands::Lost)))
            .collect();
        let Some(from) = self.by_history.get(&(segment.task, segment.before)).copied() else {
            return Err("a step began where no step ended".to_owned());
        };
        let mut node = self.locals[from as usize].root;
        for event in &segment.events {
            let (want, branch) = match event {
                Event::Touch(cell, content) => (Node::Touch(*cell), *content),
                Event::Choose(options, pick) => (Node::Choose(self.options(options)), pick.code()),
            };
            match (self.nodes[node as usize], want) {
                (Node::Unknown, want) => self.nodes[node as usize] = want,
                (Node::Touch(a), Node::Touch(b)) if a == b => {}
                (Node::Choose(a), Node::Choose(b)) if a == b => {}
                _ => return Err("did two different things in the same place".to_owned()),
            }
            node = self.child(node, branch);
        }
        let effect = Effect {
            writes: segment.writes.clone(),
            after,
            woke: segment.woke.clone(),
            spawned,
            breaches: segment.breaches.clone(),
            crashed: segment.crashed.as_deref().map(Arc::from),
        };
        match self.nodes[node as usize] {
            Node::Unknown => {
                self.moves.push(moves(segment, from, after));
                self.nodes[node as usize] = Node::End(self.effects.len() as u32);
                self.effects.push(effect);
                Ok(())
            }
            Node::End(known) => {
                let known = &self.effects[known as usize];
                let same = known.after == effect.after
                    && known.writes == effect.writes
                    && known.woke == effect.woke
                    && known.spawned == effect.spawned
                    && known.breaches == effect.breaches
                    && known.crashed == effect.crashed;
                if same {
                    Ok(())
                } else {
                    Err("came to two different results from the same place".to_owned())
                }
            }
            _ => Err("did two different things in the same place".to_owned()),
        }
    }

    /// What the step of `task` does in `state`, picking `picks` at its choices.
    pub(super) fn fire(&self, state: &[u32], task: Slot, picks: &[Pick], changes: &mut Changes) -> Fired {
        changes.slots.clear();
        changes.settled.clear();
        changes.breaches.clear();
        changes.crashed = None;
        changes.queue.clear();
        changes.queue.push((task, true));
        let mut picks = picks.iter();
        let mut at = 0;
        while let Some((task, granted)) = changes.queue.get(at).copied() {
            at += 1;
            let local = changes.get(state, task);
            let local = &self.locals[local as usize];
            if !granted
                && !matches!(local.stands, Stands::Waits { .. } | Stands::Lost | Stands::Turn { whim: true })
            {
                continue;
            }
            let mut node = local.root;
            let effect = loop {
                let branch = match self.nodes[node as usize] {
                    Node::Unknown => return Fired::Unknown,
                    Node::End(effect) => break &self.effects[effect as usize],
                    Node::Touch(cell) => changes.get(state, cell),
                    Node::Choose(options) => match picks.next() {
                        None => return Fired::Chooses(options),
                        Some(pick) => pick.code(),
                    },
                };
                match self.edges.get(&((u64::from(node) << 32) | u64::from(branch))) {
                    Some(child) => node = *child,
                    None => return Fired::Unknown,
                }
            };
            for (cell, content) in &effect.writes {
                changes.set(*cell, *content);
            }
            changes.set(task, effect.after);
            if !matches!(self.locals[effect.after as usize].stands, Stands::Turn { .. }) {
                changes.settled.push(task);
            }
            for task in &effect.woke {
                changes.queue.push((*task, false));
            }
            for (task, local) in &effect.spawned {
                changes.set(*task, *local);
                changes.queue.push((*task, false));
            }
            changes.breaches.extend_from_slice(&effect.breaches);
            if effect.crashed.is_some() {
                changes.crashed.clone_from(&effect.crashed);
                break;
            }
        }
        Fired::Known
    }
}

/// What a segment moves: its task's local, and the contents that it found and left otherwise.
fn moves(segment: &Segment, before: u32, after: u32) -> Moves {
    let found = |cell: Slot| {
        segment.events.iter().find_map(|event| match event {
            Event::Touch(slot, content) if *slot == cell => Some(*content),
            _ => None,
        })
    };
    let cells = segment.writes.iter().map(|(cell, content)| (*cell, found(*cell).unwrap_or(0), *content));
    std::iter::once((segment.task, before, after)).chain(cells).collect()
}
