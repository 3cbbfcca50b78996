//! What is known: the list that the searches are compared with.

use turnstile::hub::{Design, Version};
use turnstile_models::Property;

use super::Is::{self, Fails as F, Holds as H, Open as O};
use super::{Finding, Picture, Row};

const fn row(version: Version, world: &'static str, known: [Is; 5]) -> Row {
    Row { version, world, known }
}

const fn draw(file: &'static str, row: usize, design: Design) -> Picture {
    Picture { file, row, design }
}

/// The findings, in the order of `docs/findings.md`: those that main still has, then those that it has mended.
pub(super) const FINDINGS: &[Finding] = &[
    Finding {
        name: "ghost",
        title: "A closed connection stays in the user table",
        severity: "high: silent loss of push notifications",
        property: Property::NoGhost,
        rows: &[
            row(Version::V3_5_1, "--logins 1", [F(14), F(15), F(19), H, H]),
            row(Version::V3_5_1, "--users 2 --logins 1", [F(21), F(22), F(28), H, H]),
            row(Version::V3_5_1, "", [F(28), F(29), F(29), H, H]),
            row(Version::V3_5_1, "--same-token", [F(28), F(29), F(29), H, H]),
            row(Version::V3_8_3, "--logins 1", [F(12), F(13), F(17), H, H]),
            row(Version::V3_8_3, "--users 2 --logins 1", [F(18), F(19), F(25), H, H]),
            row(Version::V3_8_3, "", [F(23), F(24), F(25), H, H]),
            row(Version::V3_8_3, "--same-token", [F(18), F(19), F(25), H, H]),
            row(Version::Main, "--logins 1", [F(12), F(13), F(17), H, H]),
            row(Version::Main, "--users 2 --logins 1", [F(18), F(19), F(25), H, H]),
            row(Version::Main, "", [F(23), F(24), F(25), H, H]),
            row(Version::Main, "--same-token", [F(18), F(19), F(25), H, H]),
        ],
        pictures: &[
            draw("ghost-main", 9, Design::SingleSelect),
            draw("ghost-fix-main", 8, Design::SplitLoops),
        ],
    },
    Finding {
        name: "hub-waits-for-itself",
        title: "The hub waits for itself",
        severity: "high: outage of the node",
        property: Property::NoDeadlock,
        rows: &[
            row(Version::V3_5_1, "", [F(22), H, H, H, H]),
            row(Version::V3_5_1, "--capacity 0", [F(17), H, H, H, H]),
            row(Version::V3_8_3, "", [F(18), H, H, H, H]),
            row(Version::V3_8_3, "--capacity 0", [F(14), H, H, H, H]),
            row(Version::Main, "", [F(18), H, H, H, H]),
            row(Version::Main, "--capacity 0", [F(14), H, H, H, H]),
        ],
        pictures: &[
            draw("hub-waits-for-itself-v3.5.1", 0, Design::SingleSelect),
            draw("hub-waits-for-itself-main", 4, Design::SingleSelect),
        ],
    },
    Finding {
        name: "nodes-wait-for-each-other",
        title: "The hubs of two nodes wait for each other",
        severity: "medium: outage of both nodes, but rare",
        property: Property::NoDeadlock,
        rows: &[
            row(Version::V3_5_1, "--nodes 2 --capacity 0", [F(20), F(20), F(24), H, H]),
            row(
                Version::V3_5_1,
                "--nodes 2 --users 2 --logins 2 --capacity 1 --peers stay",
                [F(40), F(40), O, H, O],
            ),
            row(Version::V3_8_3, "--nodes 2 --capacity 0", [F(18), F(18), F(22), H, H]),
            row(
                Version::V3_8_3,
                "--nodes 2 --users 2 --logins 2 --capacity 1 --peers stay",
                [F(36), F(36), O, H, O],
            ),
            row(Version::Main, "--nodes 2 --capacity 0", [F(18), F(18), F(22), H, H]),
            row(
                Version::Main,
                "--nodes 2 --users 2 --logins 2 --capacity 1 --peers stay",
                [F(36), F(36), O, H, O],
            ),
        ],
        pictures: &[
            draw("nodes-wait-for-each-other-main", 4, Design::SingleSelect),
            draw("nodes-wait-for-each-other-fix", 4, Design::SplitLoops),
        ],
    },
    Finding {
        name: "no-session-left",
        title: "Two logins on two nodes kick each other",
        severity: "medium: the user is logged out everywhere",
        property: Property::OneStays,
        rows: &[
            row(Version::V3_5_1, "--nodes 2", [F(46), F(48), F(56), H, H]),
            row(Version::V3_8_3, "--nodes 2", [F(40), F(42), F(50), H, H]),
            row(Version::Main, "--nodes 2", [F(40), F(42), F(50), H, H]),
        ],
        pictures: &[draw("no-session-left-main", 2, Design::SingleSelect)],
    },
    Finding {
        name: "counters",
        title: "The counters drift from the table",
        severity: "medium: the connection limit is judged by them",
        property: Property::Counters,
        rows: &[
            row(Version::V3_5_1, "--logins 1 --kickers 1 --peers stay", [F(19), F(20), F(24), H, H]),
            row(Version::V3_5_1, "--peers stay", [F(26), F(26), F(32), H, H]),
            row(Version::V3_5_1, "", [F(25), F(26), F(32), H, H]),
            row(Version::V3_8_3, "--logins 1 --kickers 1 --peers stay", [F(16), F(17), F(21), H, H]),
            row(Version::V3_8_3, "--peers stay", [H, H, H, H, H]),
            row(Version::V3_8_3, "", [F(18), F(19), F(25), H, H]),
            row(Version::Main, "--logins 1 --kickers 1 --peers stay", [F(16), F(17), F(21), H, H]),
            row(Version::Main, "--peers stay", [H, H, H, H, H]),
            row(Version::Main, "", [F(23), F(22), F(25), H, H]),
        ],
        pictures: &[
            draw("counters-main", 6, Design::SingleSelect),
            draw("counters-v3.5.1", 1, Design::SingleSelect),
        ],
    },
    Finding {
        name: "shutdown",
        title: "A stop leaves connections open, or never comes to an end",
        severity: "low",
        property: Property::Shutdown,
        rows: &[
            row(Version::V3_5_1, "--logins 1 --stop", [F(3), F(4), F(4), H, H]),
            row(Version::V3_8_3, "--logins 1 --stop", [F(3), F(4), F(4), H, H]),
            row(Version::Main, "--logins 1 --stop", [F(6), F(7), F(7), H, H]),
        ],
        pictures: &[
            draw("shutdown-main", 2, Design::SingleSelect),
            draw("shutdown-v3.5.1", 0, Design::SingleSelect),
        ],
    },
    Finding {
        name: "leak",
        title: "A message of one user is written to the socket of another",
        severity: "critical, and narrow: privacy",
        property: Property::NoLeak,
        rows: &[
            row(Version::V3_5_1, "--users 2 --logins 1 --pushers 1", [F(17), F(17), F(21), F(8), F(13)]),
            row(Version::V3_8_3, "--users 2 --logins 1 --pushers 1", [F(16), F(16), F(20), F(8), F(13)]),
            row(Version::Main, "--users 2 --logins 1 --pushers 1", [H, H, H, H, H]),
        ],
        pictures: &[draw("leak-v3.8.3", 1, Design::SingleSelect)],
    },
    Finding {
        name: "crash",
        title: "The process dies: unlock of unlocked mutex",
        severity: "high: all connections of the node are lost",
        property: Property::NoCrash,
        rows: &[
            row(Version::V3_5_1, "--pushers 1", [F(18), F(18), F(22), H, H]),
            row(Version::V3_5_1, "--logins 3", [F(28), F(22), F(21), H, H]),
            row(Version::V3_8_3, "--pushers 1", [F(16), F(16), F(20), H, H]),
            row(Version::V3_8_3, "--logins 3", [F(20), F(19), F(19), H, H]),
            row(Version::Main, "--pushers 1", [H, H, H, H, H]),
            row(Version::Main, "--logins 3", [H, H, H, H, H]),
        ],
        pictures: &[
            draw("crash-v3.8.3", 2, Design::SingleSelect),
            draw("crash-fix-v3.5.1", 1, Design::SplitLoops),
        ],
    },
    Finding {
        name: "wrong-kick",
        title: "A kick that is meant for one user hits another",
        severity: "high",
        property: Property::RightKick,
        rows: &[
            row(Version::V3_5_1, "--users 2 --logins 1 --kickers 1", [F(20), F(20), F(24), H, H]),
            row(Version::V3_5_1, "", [F(23), F(23), F(29), H, H]),
            row(Version::V3_8_3, "--users 2 --logins 1 --kickers 1", [F(16), F(16), F(20), H, H]),
            row(Version::V3_8_3, "", [H, H, H, H, H]),
            row(Version::Main, "--users 2 --logins 1 --kickers 1", [H, H, H, H, H]),
            row(Version::Main, "", [H, H, H, H, H]),
        ],
        pictures: &[draw("wrong-kick-v3.8.3", 2, Design::SingleSelect)],
    },
    Finding {
        name: "lock-nobody-frees",
        title: "A lock that nobody will ever free",
        severity: "high: outage of the node",
        property: Property::NoDeadlock,
        rows: &[
            row(Version::V3_5_1, "--users 2 --logins 2", [O, F(53), O, H, H]),
            row(Version::V3_8_3, "--users 2 --logins 2", [O, F(36), F(32), H, H]),
            row(Version::Main, "--users 2 --logins 2", [O, H, O, H, H]),
        ],
        pictures: &[draw("lock-nobody-frees-fix-v3.8.3", 1, Design::SplitLoops)],
    },
    Finding {
        name: "lost-session",
        title: "An open connection is not in the user table",
        severity: "high: the session receives nothing",
        property: Property::NoLostSession,
        rows: &[
            row(Version::V3_5_1, "", [H, F(27), F(29), H, H]),
            row(Version::V3_5_1, "--kickers 1", [F(27), F(28), F(30), H, H]),
            row(Version::V3_8_3, "", [H, H, F(25), H, H]),
            row(Version::V3_8_3, "--kickers 1", [H, H, F(26), H, H]),
            row(Version::Main, "", [H, H, F(25), H, H]),
            row(Version::Main, "--kickers 1", [H, H, F(26), H, H]),
        ],
        pictures: &[
            draw("lost-session-fix", 0, Design::SplitLoops),
            draw("lost-session-v3.5.1", 1, Design::SingleSelect),
            draw("lost-session-listing-main", 4, Design::SplitLoopsShared),
        ],
    },
    Finding {
        name: "two-sessions",
        title: "Two sessions stay open that the policy forbids",
        severity: "medium",
        property: Property::PolicyHolds,
        rows: &[
            row(Version::V3_5_1, "--logins 3", [H, F(34), F(42), H, H]),
            row(Version::V3_8_3, "--logins 3", [H, H, F(33), H, H]),
            row(Version::Main, "--logins 3", [H, H, F(33), H, H]),
        ],
        pictures: &[draw("two-sessions-fix-v3.5.1", 0, Design::SplitLoops)],
    },
    Finding {
        name: "never-registered",
        title: "One registration is spent on another connection",
        severity: "low by itself",
        property: Property::Progress,
        rows: &[
            row(Version::V3_5_1, "--users 2 --logins 1", [F(28), F(29), F(29), H, H]),
            row(Version::V3_8_3, "--users 2 --logins 1", [F(18), F(19), F(25), H, H]),
            row(Version::Main, "--users 2 --logins 1", [H, H, F(25), H, H]),
        ],
        pictures: &[draw("never-registered-v3.8.3", 1, Design::SingleSelect)],
    },
    Finding {
        name: "unregistered-twice",
        title: "A connection is unregistered twice",
        severity: "low by itself",
        property: Property::Once,
        rows: &[
            row(Version::V3_5_1, "--logins 1 --kickers 1", [F(24), F(25), F(31), H, H]),
            row(Version::V3_5_1, "", [F(32), F(31), F(29), H, H]),
            row(Version::V3_8_3, "--logins 1 --kickers 1", [H, H, H, H, H]),
            row(Version::V3_8_3, "", [H, H, F(25), H, H]),
            row(Version::Main, "--logins 1 --kickers 1", [H, H, H, H, H]),
            row(Version::Main, "", [H, H, F(25), H, H]),
        ],
        pictures: &[draw("unregistered-twice-v3.5.1", 0, Design::SingleSelect)],
    },
    Finding {
        name: "kick-unheard",
        title: "A kicked client never hears that it was kicked",
        severity: "medium: the client reconnects, and the kick is undone",
        property: Property::KickHeard,
        rows: &[
            row(Version::V3_5_1, "--writers", [H, H, H, H, H]),
            row(Version::V3_8_3, "--writers", [F(26), F(27), F(33), H, H]),
            row(Version::Main, "--writers", [H, H, H, H, H]),
        ],
        pictures: &[draw("kick-unheard-v3.8.3", 1, Design::SingleSelect)],
    },
];
