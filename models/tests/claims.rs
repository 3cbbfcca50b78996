//! Rules that a step may break, and several claims of one search.

use std::time::Duration;

use turnstile::hub::{Design, Version};
use turnstile::sync::Shared;
use turnstile::{Name, Runtime, Task};
use turnstile_models::engine::{End, Ending, Finding, Quest, exhaustive, loom, shuttle, tokio};
use turnstile_models::scenario::{Peers, Scenario};
use turnstile_models::{Breach, Engine, Limits, Model, Property, check, key, play, replay, survey};

/// A door with a counter, and two who go through: each looks whether there is room, then enters.
#[derive(Clone, Copy)]
struct Door {
    /// True if looking and entering are one step.
    guarded: bool,
}

const ROOM: &str = "room-for-one";

impl Model for Door {
    type World<R: Runtime> = Shared<R, u32>;
    type Outcome = u32;

    fn symmetries(&self) -> Vec<Vec<u32>> {
        vec![vec![2, 1]]
    }

    fn start<R: Runtime>(&self, runtime: &R) -> Shared<R, u32> {
        let inside = Shared::new(runtime, Name::one("inside"), 0);
        let guarded = self.guarded;
        for n in 1..=2 {
            let inside = inside.clone();
            Task::spawn(runtime, Name::of("guest", n), async move |me| {
                if !guarded && inside.step(&me, "look", |it| *it > 0).await {
                    return;
                }
                me.turn().await;
                let others = inside.with(|it| {
                    let others = *it;
                    *it += u32::from(others == 0 || !guarded);
                    others
                });
                if others > 0 && !guarded {
                    me.breach(ROOM, || format!("{} enters where {others} is", me.name));
                }
                me.turn().await;
            });
        }
        inside
    }

    fn look<R: Runtime>(&self, inside: &Shared<R, u32>) -> u32 {
        inside.peek(|it| *it)
    }
}

type Explore<M> = fn(
    &M,
    Quest,
    &Limits,
    &mut dyn FnMut(Ending<<M as Model>::Outcome>) -> bool,
) -> turnstile_models::engine::Report;

fn engines<M: Model>() -> [(&'static str, Explore<M>); 4] {
    [
        ("exhaustive", |m, q, l, v| exhaustive::explore(m, q, l, &(), v)),
        ("loom", |m, q, l, v| loom::explore(m, q, l, &(), v)),
        ("shuttle", |m, q, l, v| shuttle::explore(m, q, l, &(), v)),
        ("tokio", |m, q, l, v| tokio::explore(m, q, l, &(), v)),
    ]
}

fn limits() -> Limits {
    Limits { budget: Duration::from_secs(60), schedules: 20_000, ..Limits::default() }
}

#[test]
fn every_engine_sees_a_step_break_a_rule() {
    for (engine, explore) in engines() {
        let mut seen = Vec::new();
        let report = explore(&Door { guarded: false }, Quest::Breaches, &limits(), &mut |ending| {
            seen.push(ending);
            true
        });
        let End::Found(finding) = report.end else { panic!("{engine}: {:?}", report.end) };
        assert_eq!(seen.len(), 1, "{engine}");
        assert_eq!(seen[0].breaches, [ROOM], "{engine}");
        let [breach] = finding.breaches.as_slice() else { panic!("{engine}: {finding:?}") };
        assert_eq!((breach.rule, breach.step), (ROOM, finding.schedule.len()), "{engine}");
        assert!(breach.what.ends_with("enters where 1 is"), "{engine}: {}", breach.what);
    }
}

#[test]
fn the_exhaustive_engine_comes_to_a_broken_rule_by_a_shortest_way() {
    for symmetry in [true, false] {
        let limits = Limits { symmetry, ..limits() };
        let report =
            exhaustive::explore(&Door { guarded: false }, Quest::Breaches, &limits, &(), &mut |_| true);
        let End::Found(finding) = report.end else { panic!("{:?}", report.end) };
        assert_eq!(finding.schedule.len(), 4);
        // And there it is again.
        let played = play(&Door { guarded: false }, &finding.schedule).unwrap();
        assert_eq!(played.breaches, finding.breaches);
        assert_eq!(played.breaches.len(), 1);
        assert!(!played.at_rest && played.crashed.is_none(), "the run goes on");
    }
}

#[test]
fn the_run_goes_on_after_a_broken_rule() {
    // Each of the two may be the one that breaks it, and both come to their end.
    let mut told = Vec::new();
    let limits = Limits { symmetry: false, ..limits() };
    let quests = [Quest::Breaches, Quest::Outcomes];
    let went = exhaustive::survey(&Door { guarded: false }, &quests, &limits, &(), &mut |claim, ending| {
        told.push((claim, ending.breaches.len(), ending.outcome));
        false
    });
    assert!(went.stopped.is_none() && went.found.iter().all(Option::is_none));
    assert!(told.contains(&(0, 1, None)) && told.contains(&(1, 0, Some(2))), "{told:?}");
    assert!(told.iter().all(|(claim, breaches, _)| (*claim == 0) == (*breaches > 0)), "{told:?}");
}

#[test]
fn no_engine_accuses_a_run_that_breaks_no_rule() {
    for (engine, explore) in engines() {
        let limits = Limits { schedules: 500, ..limits() };
        let report =
            explore(&Door { guarded: true }, Quest::Breaches, &limits, &mut |ending: Ending<u32>| {
                panic!("{engine}: {ending:?}")
            });
        assert!(!matches!(report.end, End::Found(_)), "{engine}");
        assert_eq!(report.complete(), ["exhaustive", "loom"].contains(&engine), "{engine}: {:?}", report.end);
    }
}

#[test]
fn only_who_asks_for_broken_rules_hears_of_them() {
    for (engine, explore) in engines() {
        for quest in [Quest::Knots, Quest::Outcomes] {
            let limits = Limits { schedules: 500, ..limits() };
            explore(&Door { guarded: false }, quest, &limits, &mut |ending: Ending<u32>| {
                assert_eq!(ending.breaches, [""; 0], "{engine}");
                false
            });
        }
    }
}

#[test]
fn each_claim_has_its_own_first_finding() {
    let model = Door { guarded: false };
    let quests = [Quest::Outcomes, Quest::Breaches, Quest::Knots, Quest::Outcomes];
    let went = exhaustive::survey(&model, &quests, &limits(), &(), &mut |claim, ending| match claim {
        0 => ending.outcome == Some(2),
        1 => !ending.breaches.is_empty(),
        2 => !ending.stuck.is_empty(),
        _ => ending.outcome == Some(1),
    });
    assert_eq!(went.stopped, None);
    let lengths: Vec<Option<usize>> =
        went.found.iter().map(|found| found.as_ref().map(|f: &Finding| f.schedule.len())).collect();
    // Both look, both enter, both end; one enters and ends before the other looks.
    assert_eq!(lengths, [Some(6), Some(4), None, Some(4)]);
    let breach = Breach { step: 4, rule: ROOM, what: "guest 1 enters where 1 is".to_owned() };
    assert_eq!(went.found[1].as_ref().unwrap().breaches, [breach]);
}

#[test]
fn a_survey_comes_to_the_verdicts_that_its_claims_come_to_alone() {
    let split = Scenario { design: Design::SplitLoops, ..Scenario::default() };
    for scenario in [
        Scenario::default(),
        Scenario { capacity: 0, ..Scenario::default() },
        Scenario { peers: Peers::Stay, ..Scenario::default() },
        Scenario { version: Version::V3_5_1Unpooled, ..Scenario::default() },
        split,
        Scenario { version: Version::V3_5_1Unpooled, ..split },
        Scenario { design: Design::SplitLoopsShared, ..split },
        Scenario { users: 2, logins: 1, ..split },
        Scenario { logins: 1, pushers: 1, stop: true, ..split },
    ] {
        for symmetry in [true, false] {
            let limits = Limits { symmetry, ..limits() };
            let asked: Vec<Property> =
                Property::ALL.into_iter().filter(|property| property.validate(&scenario).is_ok()).collect();
            let together = survey(&scenario, &asked, &limits, &()).unwrap();
            assert_eq!(together.len(), asked.len());
            for (property, verdict) in asked.into_iter().zip(together) {
                let alone = check(&scenario, property, Engine::Exhaustive, &limits, &()).unwrap();
                let context = format!("{} of {scenario:?}, symmetry {symmetry}", property.name());
                assert_eq!(verdict.name(), alone.name(), "{context}");
                assert_eq!(verdict.complete(), alone.complete(), "{context}");
                assert_eq!(verdict.search().property, property);
                let (Some(found), Some(other)) = (verdict.counterexample(), alone.counterexample()) else {
                    continue;
                };
                assert_eq!(found.schedule.len(), other.schedule.len(), "{context}");
                assert!(found.shortest && other.shortest, "{context}");
                let (scenario, property, schedule) = key::read(&found.key).unwrap();
                assert_eq!(replay(&scenario, property, &schedule).unwrap().broken, found.broken, "{context}");
            }
        }
    }
}

#[test]
fn a_survey_that_was_cut_short_knows_only_what_it_found() {
    let scenario = Scenario { users: 2, ..Scenario::default() };
    let limits = Limits { memory: 24 << 20, ..limits() };
    let verdicts = survey(&scenario, &[Property::NoDeadlock, Property::PolicyHolds], &limits, &()).unwrap();
    assert_eq!(verdicts.iter().map(|v| v.name()).collect::<Vec<_>>(), ["fails", "unknown"]);
}
