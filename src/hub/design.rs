//! The designs there are.

use serde::Serialize;

use crate::name::Name;

/// The shape of the hub: who drains what, and how it hears that a connection has ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Design {
    /// OpenIM's own: one loop selects over all channels.
    SingleSelect,
    /// The post's fix: a loop for register and a loop for unregister.
    SplitLoops,
    /// The post's fix to the letter of its listing: both loops receive into one variable.
    SplitLoopsShared,
    /// One loop, which removes those that it kicks itself, without a message to itself.
    InlineRemoval,
    /// One loop; the end of a connection is sent by a task of its own.
    SpawnedSend,
    /// One loop; what finds the channel full goes onto a list that the loop drains.
    OverflowList,
    /// One loop, whose channels are never full.
    Unbounded,
    /// One loop, which takes from unregister first.
    BiasedSelect,
    /// One loop; the end of a connection is sent once the client's lock is free again.
    SendAfterUnlock,
    /// No loop: one lock around the table; each connection registers and removes itself.
    LockedTable,
    /// One queue of register and unregister events for each shard of users; a kick raises a signal, and the kicked connection's
    /// own task reports its end.
    Lanes,
}

/// Which loops a design has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loops {
    /// One for all channels.
    One,
    /// One for register and kick-handler, one for unregister.
    Two,
    /// One for each lane.
    Lanes,
    /// None.
    None,
}

impl Design {
    /// All of them.
    pub const ALL: [Design; 11] = [
        Design::SingleSelect,
        Design::SplitLoops,
        Design::SplitLoopsShared,
        Design::InlineRemoval,
        Design::SpawnedSend,
        Design::OverflowList,
        Design::Unbounded,
        Design::BiasedSelect,
        Design::SendAfterUnlock,
        Design::LockedTable,
        Design::Lanes,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Design::SingleSelect => "single-select",
            Design::SplitLoops => "split-loops",
            Design::SplitLoopsShared => "split-loops-shared",
            Design::InlineRemoval => "inline-removal",
            Design::SpawnedSend => "spawned-send",
            Design::OverflowList => "overflow-list",
            Design::Unbounded => "unbounded",
            Design::BiasedSelect => "biased-select",
            Design::SendAfterUnlock => "send-after-unlock",
            Design::LockedTable => "locked-table",
            Design::Lanes => "lanes",
        }
    }

    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Design::SingleSelect => {
                "OpenIM's hub: one loop selects over register, unregister and kick-handler"
            }
            Design::SplitLoops => {
                "the post's fix: one loop for register, one for unregister, nothing else changed"
            }
            Design::SplitLoopsShared => {
                "the post's fix as listed: both loops receive into one shared variable"
            }
            Design::InlineRemoval => {
                "one loop, which removes those that it kicks itself instead of sending to itself"
            }
            Design::SpawnedSend => "one loop; the end of a connection is sent by a task of its own",
            Design::OverflowList => {
                "one loop; what finds unregister full goes onto a list that the loop drains"
            }
            Design::Unbounded => "one loop, whose channels are never full",
            Design::BiasedSelect => "one loop, which takes from unregister first",
            Design::SendAfterUnlock => {
                "one loop; the end of a connection is sent once the client's lock is free again"
            }
            Design::LockedTable => {
                "no loop: one lock around the table, each connection registers and removes itself"
            }
            Design::Lanes => {
                "one queue of events for each shard of users; a kick raises a signal and sends nothing"
            }
        }
    }

    /// Which loops it has.
    pub fn loops(self) -> Loops {
        match self {
            Design::SplitLoops | Design::SplitLoopsShared => Loops::Two,
            Design::LockedTable => Loops::None,
            Design::Lanes => Loops::Lanes,
            _ => Loops::One,
        }
    }

    /// Whether a kick only orders the kicked connection's own task to end it, rather than to end it from outside.
    pub fn orders(self) -> bool {
        matches!(self, Design::LockedTable | Design::Lanes)
    }

    /// The task that drains the register channel of a node, 0 if it is the only one.
    pub(super) fn register_loop(self, node: u32) -> Name {
        Name::of(if self.loops() == Loops::Two { "register loop" } else { "hub" }, node)
    }

    /// The task that drains the unregister channel of a node.
    pub(super) fn unregister_loop(self, node: u32) -> Name {
        Name::of(if self.loops() == Loops::Two { "unregister loop" } else { "hub" }, node)
    }
}
