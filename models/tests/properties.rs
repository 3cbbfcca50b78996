//! Each property catches a bug of the kind that it excludes, and does not cry where there is none.

use turnstile::hub::{Design, Version};
use turnstile::policy::Policy;
use turnstile_models::engine::exhaustive;
use turnstile_models::scenario::{Platforms, Scenario};
use turnstile_models::{Limits, Model, Property, Verdict, key, replay, survey};

fn ask(scenario: &Scenario, property: Property) -> Verdict {
    survey(scenario, &[property], &Limits::default(), &()).unwrap().remove(0)
}

fn world(design: Design, version: Version) -> Scenario {
    Scenario { design, version, ..Scenario::default() }
}

/// By property: a world where it fails, the length of the shortest counterexample there, and what is said of it. OpenIM itself
/// planted these bugs.
fn planted() -> Vec<(Property, Scenario, usize, &'static str)> {
    use Design::{SingleSelect, SplitLoops};
    let two_users = |scenario| Scenario { users: 2, logins: 1, ..scenario };
    vec![
        (Property::NoDeadlock, world(SingleSelect, Version::Main), 18, "hub waits for ever"),
        (
            Property::NoDeadlock,
            Scenario { nodes: 2, capacity: 0, ..world(SplitLoops, Version::Main) },
            18,
            "wait for ever",
        ),
        (
            Property::NoCrash,
            two_users(Scenario { pushers: 1, ..world(SingleSelect, Version::V3_8_3) }),
            16,
            "unlock of unlocked mutex",
        ),
        (Property::NoGhost, world(SplitLoops, Version::Main), 24, "is closed, and in the table for ever"),
        (Property::NoLostSession, world(SplitLoops, Version::V3_5_1), 27, "is open, and not in the table"),
        (Property::RightKick, world(SingleSelect, Version::V3_5_1), 23, "kicks connection"),
        (
            Property::PolicyHolds,
            Scenario { logins: 3, ..world(SplitLoops, Version::V3_5_1) },
            34,
            "are both open",
        ),
        (
            Property::OneStays,
            Scenario { nodes: 2, ..world(SingleSelect, Version::Main) },
            40,
            "have kicked each other",
        ),
        (
            Property::NoLeak,
            two_users(Scenario { pushers: 1, ..world(Design::LockedTable, Version::V3_8_3) }),
            8,
            "a message for user 1 is written to connection 2 of user 2",
        ),
        (Property::Once, world(SplitLoops, Version::V3_5_1), 31, "unregistered"),
        (Property::Counters, world(SingleSelect, Version::Main), 23, "the counters say"),
        (
            Property::Shutdown,
            Scenario { stop: true, logins: 1, ..world(SingleSelect, Version::Main) },
            6,
            "stays open",
        ),
        (
            Property::KickHeard,
            Scenario { writers: true, ..world(SplitLoops, Version::V3_8_3) },
            27,
            "never got the kick message",
        ),
        (Property::Progress, world(SingleSelect, Version::Main), 20, "is never registered"),
    ]
}

#[test]
fn each_property_catches_a_planted_bug() {
    let mut caught = Vec::new();
    let (mut lengths, mut known) = (Vec::new(), Vec::new());
    for (property, scenario, steps, words) in planted() {
        let verdict = ask(&scenario, property);
        let found = verdict.counterexample().unwrap_or_else(|| panic!("{property:?} holds in {scenario:?}"));
        lengths.push((property, found.schedule.len()));
        known.push((property, steps));
        assert!(found.broken.contains(words), "{property:?}: {}", found.broken);
        // And whoever has the key sees the same.
        let (read, of, schedule) = key::read(&found.key).unwrap();
        assert_eq!((read, of), (scenario, property));
        assert_eq!(replay(&read, of, &schedule).unwrap().broken, found.broken);
        caught.push(property);
    }
    assert_eq!(lengths, known, "each counterexample is a shortest one");
    let missing: Vec<_> = Property::ALL.into_iter().filter(|p| !caught.contains(p)).collect();
    assert!(missing.is_empty(), "no bug is planted for {missing:?}");
}

#[test]
fn the_policy_is_judged_by_what_it_says_and_not_by_what_the_hub_does() {
    // A hub that forgets to kick, judged by each policy.
    let forgetful = Scenario {
        policy: Policy::NoKick,
        platforms: Platforms::Class,
        ..world(Design::Lanes, Version::Main)
    };
    let (outcomes, report) = exhaustive::outcomes(&forgetful, &Limits::default());
    assert!(report.complete());
    let broken = |policy| {
        let meant = Scenario { policy, ..forgetful };
        outcomes.iter().filter_map(|o| Property::PolicyHolds.judge(&meant, o.outcome.as_ref()?)).count()
    };
    // Android and iOS: not the same terminal, but of one class, and no PC.
    assert_eq!(broken(Policy::NoKick), 0);
    assert_eq!(broken(Policy::SameTerminal), 0);
    assert!(broken(Policy::SameClass) > 0);
    assert!(broken(Policy::PcAndOther) > 0);
    let old = Scenario { version: Version::V3_5_1, policy: Policy::PcAndOther, ..forgetful };
    let judged = outcomes.iter().filter_map(|o| Property::PolicyHolds.judge(&old, o.outcome.as_ref()?));
    assert_eq!(judged.count(), 0, "v3.5.1 means the same platform");
}

#[test]
fn lanes_hold_all_that_can_be_asked() {
    let lanes = world(Design::Lanes, Version::Main);
    let asked = |p: &Property| !matches!(p, Property::Shutdown | Property::OneStays);
    let all: Vec<Property> = Property::ALL.into_iter().filter(asked).collect();
    let writers = Scenario { writers: true, pushers: 1, kickers: 1, ..lanes };
    let verdicts = survey(&writers, &all, &Limits::default(), &()).unwrap();
    for verdict in &verdicts {
        assert!(verdict.complete(), "{}: {verdict:?}", verdict.search().property.name());
    }
    assert!(ask(&Scenario { stop: true, ..lanes }, Property::Shutdown).complete());
    for design in [Design::Lanes, Design::LockedTable] {
        let nodes = Scenario { nodes: 2, ..world(design, Version::Main) };
        let of_nodes = [Property::OneStays, Property::PolicyHolds, Property::NoDeadlock, Property::Progress];
        let verdicts = survey(&nodes, &of_nodes, &Limits::default(), &()).unwrap();
        assert!(verdicts.iter().all(Verdict::complete), "{verdicts:?}");
    }
}

#[test]
fn a_property_that_a_world_has_nothing_for_is_refused() {
    for (property, words) in [
        (Property::NoLeak, "add --pushers 1"),
        (Property::Shutdown, "add --stop"),
        (Property::KickHeard, "add --writers"),
    ] {
        let refused = survey(&world(Design::Lanes, Version::Main), &[property], &Limits::default(), &());
        assert!(refused.unwrap_err().contains(words));
    }
}

#[test]
fn outcomes_are_looked_at_alike_with_and_without_actors() {
    // What an actor may do at any time it may also do too late to matter.
    let alone = world(Design::LockedTable, Version::Main);
    let with = Scenario { pushers: 1, ..alone };
    let outcomes = |s: &Scenario| exhaustive::outcomes(s, &Limits::default()).0;
    let (alone, with) = (outcomes(&alone), outcomes(&with));
    assert!(alone.is_subset(&with));
    assert!(Scenario { kickers: 1, ..Scenario::default() }.symmetries().len() <= 2);
}
