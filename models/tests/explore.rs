//! The explorer and the graph of all states agree with the searches, and with each other.

use turnstile::hub::{Design, Version};
use turnstile_models::explore::Explorer;
use turnstile_models::scenario::{Peers, Scenario};
use turnstile_models::{Limits, Outlook, Property, Verdict, replay, survey};

fn outlook(scenario: &Scenario) -> Outlook {
    let outlook = Outlook::new(scenario, &Limits::default(), &()).unwrap();
    assert_eq!(outlook.stopped(), None);
    outlook
}

/// Small worlds of many kinds: with whims and without, with rounds, crashes, two nodes, a stop.
fn worlds() -> Vec<Scenario> {
    let usual = Scenario::default();
    let mut worlds: Vec<Scenario> = Vec::new();
    for version in [Version::V3_5_1, Version::V3_8_3, Version::Main] {
        for design in [Design::SingleSelect, Design::SplitLoops, Design::LockedTable, Design::Lanes] {
            worlds.push(Scenario { design, version, ..usual });
        }
    }
    worlds.push(Scenario { version: Version::V3_8_3, users: 2, logins: 1, pushers: 1, ..usual });
    worlds.push(Scenario { version: Version::V3_8_3, logins: 1, kickers: 1, writers: true, ..usual });
    worlds.push(Scenario { version: Version::Main, logins: 1, stop: true, ..usual });
    worlds.push(Scenario { version: Version::Main, nodes: 2, peers: Peers::Stay, ..usual });
    worlds.push(Scenario { design: Design::SpawnedSend, logins: 2, ..usual });
    worlds
}

#[test]
fn the_graph_says_of_each_property_what_a_search_says() {
    for scenario in worlds() {
        let asked: Vec<Property> =
            Property::ALL.into_iter().filter(|property| property.validate(&scenario).is_ok()).collect();
        let limits = Limits { symmetry: false, ..Limits::default() };
        let verdicts = survey(&scenario, &asked, &limits, &()).unwrap();
        let outlook = outlook(&scenario);
        for (verdict, ruling) in verdicts.iter().zip(outlook.rulings()) {
            assert_eq!(verdict.name(), ruling.verdict, "{} in {scenario:?}", ruling.name);
            let Verdict::Fails(search, counterexample) = verdict else { continue };
            // What goes round for ever is told with a way around.
            let shortest = counterexample.lasso.unwrap_or(counterexample.schedule.len());
            assert_eq!(Some(shortest as u32), ruling.shortest, "{} in {scenario:?}", ruling.name);
            let way = outlook.way(outlook.start(), search.property).unwrap();
            assert_eq!(way.len(), shortest);
            if counterexample.lasso.is_none() {
                replay(&scenario, search.property, &way).unwrap();
            }
        }
    }
}

#[test]
fn what_can_be_chosen_is_what_the_graph_has() {
    let mut random = fastrand::Rng::with_seed(6);
    for scenario in worlds() {
        let outlook = outlook(&scenario);
        let mut explorer = Explorer::new(&scenario).unwrap();
        for _ in 0..6 {
            let mut at = Vec::new();
            loop {
                let moment = explorer.moment(&at).unwrap();
                let state = outlook.state(&explorer.turns(&at).unwrap());
                let steps = state.map_or(0, |state| outlook.graph().steps(state).len());
                assert_eq!(moment.options.len(), steps, "after {at:?} in {scenario:?}");
                let Some(state) = state else {
                    assert!(moment.crashed.is_some());
                    break;
                };
                assert_eq!(
                    moment.knot.is_some(),
                    outlook.graph().mark(state).dead,
                    "after {at:?} in {scenario:?}"
                );
                let future = outlook.future(state);
                for broken in &moment.broken {
                    let known = future.distances.get(broken.property) == Some(&0);
                    assert!(known || moment.steps.last().is_some_and(|step| !step.breaks.is_empty()));
                    assert!(moment.key.is_some(), "{} after {at:?}", broken.property);
                }
                if moment.options.is_empty() || at.len() > 60 {
                    break;
                }
                at.push(random.u32(0..moment.options.len() as u32));
            }
            let turns = explorer.turns(&at).unwrap();
            assert_eq!(explorer.numbers(&[], &turnstile_models::Schedule { turns }).unwrap(), at);
        }
    }
}

#[test]
fn the_step_that_makes_the_hang_certain_is_on_the_way_into_it() {
    let outlook = outlook(&Scenario::default());
    let way = outlook.way(outlook.start(), Property::NoDeadlock).unwrap();
    let sure = |steps: usize| {
        let state = outlook.state(&way.turns[..steps]).unwrap();
        outlook.future(state).sure.contains(&"no-deadlock")
    };
    let fatal = (0..=way.len()).find(|steps| sure(*steps)).unwrap();
    assert!(fatal > 0, "it can be avoided at first");
    assert!((fatal..=way.len()).all(sure), "what is certain stays certain");
    // Walks that are made at random from there end in it; those from the step before need not.
    let mut explorer = Explorer::new(&Scenario::default()).unwrap();
    let at = explorer.numbers(&[], &way).unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let mut ends_in_it = |mut at: Vec<u32>| {
        loop {
            let moment = explorer.moment(&at).unwrap();
            if moment.knot.is_some() || moment.options.is_empty() {
                return moment.knot.is_some();
            }
            at.push(random.u32(0..moment.options.len() as u32));
        }
    };
    assert!((0..30).all(|_| ends_in_it(at[..fatal].to_vec())));
    assert!((0..100).any(|_| !ends_in_it(at[..fatal - 1].to_vec())));
}

#[test]
fn a_search_that_is_cut_short_says_so_and_holds_of_nothing() {
    let scenario =
        Scenario { design: Design::Lanes, version: Version::Main, users: 2, ..Scenario::default() };
    let limits = Limits { memory: 1 << 20, ..Limits::default() };
    let outlook = Outlook::new(&scenario, &limits, &()).unwrap();
    assert_eq!(outlook.stopped(), Some("its memory bound of 1 MiB"));
    assert!(outlook.rulings().iter().all(|ruling| ruling.verdict != "holds"));
    assert!(outlook.future(outlook.start()).sure.is_empty(), "what was not seen may end well");
}
