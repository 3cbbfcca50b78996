//! The zoo: other systems that had the same bug, each as a small kernel over the same primitives.
//!
//! A [`Kernel`] is what a thread tells, cut down to the tasks, channels and locks that wait for one another, with the names that
//! they have in the source; its [`variants`](Kernel::variants) are the bug and the fixes that were chosen, side by side. A
//! [`check`] is a complete search by the exhaustive engine.
//!
//! ```
//! use turnstile_models::{Limits, zoo::{self, Kernel}};
//!
//! let kernel = Kernel::find("gofiber-recipes-112").unwrap();
//! let finding = zoo::check(kernel, &kernel.variants[0], &Limits::default());
//! assert_eq!(
//!     finding.hang().unwrap().cycle,
//!     "runHub waits to send on unregister (unbuffered), which only runHub drains",
//! );
//! ```

mod centrifuge_515;
mod centrifuge_639;
mod dcrdata_431;
mod finding;
mod gofiber_recipes_112;
mod gorilla_chat;
mod kubestellar_6479;
mod mattermost_15293;
mod mattermost_7577;
mod owncast_1833;
mod queued_build_hook_2;
mod stripe_cli_1221;
mod superplane_6427;
mod tinode_534;
mod tinode_786;

pub use centrifuge_515::Centrifuge515;
pub use centrifuge_639::Centrifuge639;
pub use dcrdata_431::Dcrdata431;
pub use finding::{Finding, Hang};
pub use gofiber_recipes_112::GofiberRecipes112;
pub use gorilla_chat::GorillaChat;
pub use kubestellar_6479::Kubestellar6479;
pub use mattermost_7577::Mattermost7577;
pub use mattermost_15293::Mattermost15293;
pub use owncast_1833::Owncast1833;
pub use queued_build_hook_2::QueuedBuildHook2;
pub use stripe_cli_1221::StripeCli1221;
pub use superplane_6427::Superplane6427;
pub use tinode_534::Tinode534;
pub use tinode_786::Tinode786;

use std::fmt;

use finding::search;

use crate::limits::Limits;

/// What a thread tells, as a small program with the names of its source.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// What it is called: the system and the number of the thread.
    pub name: &'static str,
    /// The system, and what it is.
    pub system: &'static str,
    /// Where it is told, the first thread first.
    pub links: &'static [&'static str],
    /// What happened, in a sentence.
    pub happened: &'static str,
    /// What was done about it.
    pub fix: &'static str,
    /// How the kernel differs from the source.
    pub simplified: &'static str,
    /// What there is to learn from it.
    pub teaches: &'static str,
    /// The bug, then the fixes in the order in which they came.
    pub variants: &'static [Variant],
}

/// One of the programs of a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// What it is called.
    pub name: &'static str,
    /// What is particular about it, in a few words.
    pub about: &'static str,
    /// What a search finds.
    pub expected: Expected,
    search: fn(&Limits) -> Finding,
}

/// What is known of a variant: what each release of this project must find again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// No interleaving hangs.
    Holds,
    /// The shortest way into a hang leads to this one, in one line.
    Deadlocks(&'static str),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Holds => f.write_str("holds"),
            Expected::Deadlocks(cycle) => write!(f, "deadlocks: {cycle}"),
        }
    }
}

impl Kernel {
    /// All of them, in the order of their names; those that hold as they are come last.
    pub const ALL: &[Kernel] = &[
        centrifuge_515::KERNEL,
        centrifuge_639::KERNEL,
        dcrdata_431::KERNEL,
        gofiber_recipes_112::KERNEL,
        kubestellar_6479::KERNEL,
        mattermost_7577::KERNEL,
        mattermost_15293::KERNEL,
        owncast_1833::KERNEL,
        queued_build_hook_2::KERNEL,
        stripe_cli_1221::KERNEL,
        superplane_6427::KERNEL,
        tinode_534::KERNEL,
        tinode_786::KERNEL,
        gorilla_chat::KERNEL,
    ];

    /// The kernel of this name.
    pub fn find(name: &str) -> Option<&'static Kernel> {
        Kernel::ALL.iter().find(|kernel| kernel.name == name)
    }
}

/// Searches all interleavings of a kernel's variant for a hang.
///
/// # Panics
/// If the variant is none of the kernel's.
pub fn check(kernel: &Kernel, variant: &Variant, limits: &Limits) -> Finding {
    assert!(
        kernel.variants.iter().any(|v| v.name == variant.name),
        "{} has no variant {}",
        kernel.name,
        variant.name
    );
    (variant.search)(limits)
}
