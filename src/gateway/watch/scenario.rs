//! Where the laboratory finds the same.

use crate::hub::{Design, Version};

/// The command that has the laboratory reproduce a hang of a hub like this, in seconds; `None` for the designs that it has never
/// seen hang.
///
/// It is the smallest world in which the hub's channels have room. Its policy is the one under which most is kicked with the fewest
/// connections, as the laboratory's verdicts do not depend on whom a login kicks.
///
/// ```
/// use turnstile::gateway::watch::command;
/// use turnstile::hub::{Design, Version};
/// assert_eq!(
///     command(Design::SingleSelect, Version::V3_5_1).unwrap(),
///     "lab check --design single-select --version v3.5.1 --users 1 --logins 3 --capacity 1",
/// );
/// assert_eq!(command(Design::Lanes, Version::Main), None);
/// ```
pub fn command(design: Design, version: Version) -> Option<String> {
    let world = match design {
        Design::SingleSelect | Design::InlineRemoval | Design::BiasedSelect | Design::SendAfterUnlock => {
            "--users 1 --logins 3 --capacity 1"
        }
        // With one node only the pool's objects can hang it, and that takes longer to find.
        Design::SplitLoops | Design::SplitLoopsShared | Design::SpawnedSend | Design::OverflowList => {
            "--users 1 --logins 2 --capacity 0 --nodes 2"
        }
        Design::Unbounded | Design::LockedTable | Design::Lanes => return None,
    };
    Some(format!("lab check --design {} --version {} {world}", design.name(), version.name()))
}
