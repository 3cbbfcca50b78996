//! What comes true in every fair run: told from where runs end up, never from how long they are.

use turnstile::sync::{Channel, Channels, Shared, Spec};
use turnstile::{Name, Runtime, Task};
use turnstile_models::engine::{End, Ending, Finding, Quest, exhaustive};
use turnstile_models::{Limits, Model, play};

/// Two players pass a ball to and fro, for ever, and a guest asks for it again and again: it gets it once it lies idle.
#[derive(Clone, Copy)]
struct Ball {
    /// How it comes to lie idle.
    dropped: Dropped,
    /// True if the guest gives it back.
    returned: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Dropped {
    Never,
    /// A player passes it or drops it, as it happens.
    ByChance,
    /// By somebody else, who may or may not come.
    AtAWhim,
    /// A player passes it, or fumbles, and the program breaks.
    OnTheFloor,
}

const NOBODY: u32 = 0;
const IDLE: u32 = 9;
const GUEST: u32 = 8;

impl Model for Ball {
    type World<R: Runtime> = Shared<R, u32>;
    /// True if the guest has it.
    type Outcome = bool;

    fn symmetries(&self) -> Vec<Vec<u32>> {
        vec![vec![2, 1]]
    }

    fn start<R: Runtime>(&self, runtime: &R) -> Shared<R, u32> {
        let ball = Shared::new(runtime, Name::one("ball"), NOBODY);
        let Ball { dropped, returned } = *self;
        for n in 1..=2 {
            let ball = ball.clone();
            Task::spawn(runtime, Name::of("player", n), async move |me| {
                loop {
                    me.rest();
                    me.turn().await;
                    let has_it = ball.with(|it| *it == n || *it == NOBODY);
                    if has_it
                        && [Dropped::ByChance, Dropped::OnTheFloor].contains(&dropped)
                        && me.choose(2) == 1
                    {
                        if dropped == Dropped::OnTheFloor {
                            me.runtime.crash(me.name, "fumbled");
                            return;
                        }
                        ball.write(|it| *it = IDLE);
                    } else if has_it {
                        ball.write(|it| *it = 3 - n);
                    }
                }
            });
        }
        let its = ball.clone();
        Task::spawn(runtime, Name::one("guest"), async move |me| {
            loop {
                me.rest();
                its.step(&me, "ask", |it| match *it {
                    IDLE => *it = GUEST,
                    GUEST if returned => *it = IDLE,
                    _ => {}
                })
                .await;
            }
        });
        if dropped == Dropped::AtAWhim {
            let ball = ball.clone();
            Task::spawn(runtime, Name::one("passer-by"), async move |me| {
                if me.whim().await {
                    ball.write(|it| *it = IDLE);
                }
            });
        }
        ball
    }

    fn look<R: Runtime>(&self, ball: &Shared<R, u32>) -> bool {
        ball.peek(|it| *it == GUEST)
    }
}

/// What breaks «in the end the guest has it», if anything does.
fn starves(model: &Ball, quest: Quest, symmetry: bool) -> Option<(Ending<bool>, Finding)> {
    let mut last = None;
    let limits = Limits { symmetry, ..Limits::default() };
    let report = exhaustive::explore(model, quest, &limits, &(), &mut |ending| {
        let broken = ending.outcome == Some(false);
        last = Some(ending);
        broken
    });
    match report.end {
        End::Found(finding) => Some((last.unwrap(), *finding)),
        End::Exhausted => None,
        End::Stopped(why) => panic!("{why}"),
    }
}

#[test]
fn who_never_gets_what_it_asks_for_while_everybody_moves_is_found_with_a_way_around() {
    for dropped in [Dropped::Never, Dropped::AtAWhim] {
        for symmetry in [true, false] {
            let model = Ball { dropped, returned: false };
            let (ending, finding) = starves(&model, Quest::Progress, symmetry).expect("the guest starves");
            assert!(ending.recurring && ending.stuck.is_empty());
            let lasso = finding.lasso.expect("it goes round");
            let (stem, round) = finding.schedule.turns.split_at(lasso);
            assert_eq!(stem.len(), 1, "once a player has the ball, it goes to and fro");
            // Each of the three moves, the players one after the other.
            for name in [Name::of("player", 1), Name::of("player", 2), Name::one("guest")] {
                assert!(round.iter().any(|turn| turn.task == name), "{name}: {round:?}");
            }
            let played = play(&model, &finding.schedule).unwrap();
            assert_eq!(played.lasso, Some(lasso), "it comes back to the same state");
            assert!(!played.outcome);
        }
    }
}

#[test]
fn who_is_only_treated_unfairly_is_not_called_starving() {
    // A scheduler, or a coin, may keep the ball in play for ever; a fair one does not.
    for symmetry in [true, false] {
        let model = Ball { dropped: Dropped::ByChance, returned: false };
        assert_eq!(starves(&model, Quest::Progress, symmetry), None);
        assert_eq!(starves(&model, Quest::Outcomes, symmetry), None);
    }
}

#[test]
fn a_run_that_breaks_the_program_in_the_end_goes_round_no_more() {
    let model = Ball { dropped: Dropped::OnTheFloor, returned: false };
    assert_eq!(starves(&model, Quest::Progress, true), None);
    let mut crashes = 0;
    exhaustive::explore(&model, Quest::Progress, &Limits::default(), &(), &mut |ending| {
        crashes += usize::from(ending.crashed.is_some());
        false
    });
    assert!(crashes > 0);
}

#[test]
fn what_comes_true_again_and_again_is_progress_and_no_outcome_to_rely_on() {
    for symmetry in [true, false] {
        let model = Ball { dropped: Dropped::ByChance, returned: true };
        assert_eq!(starves(&model, Quest::Progress, symmetry), None);
        let (ending, finding) = starves(&model, Quest::Outcomes, symmetry).expect("it gives the ball back");
        assert!(ending.recurring);
        assert_eq!(play(&model, &finding.schedule).unwrap().lasso, finding.lasso);
    }
}

/// Somebody who asks by mail, which nobody reads; perhaps beside a clock.
#[derive(Clone)]
struct Mail {
    clock: bool,
}

impl Model for Mail {
    type World<R: Runtime> = ();
    type Outcome = bool;

    fn start<R: Runtime>(&self, runtime: &R) {
        let channels: Channels<R, u8> =
            Channels::new(runtime, Name::one("channels"), [Spec::new(Name::one("mail"), 0).drained_by([])]);
        Task::spawn(runtime, Name::one("guest"), async move |me| {
            channels.send(&me, Channel(0), 1).await.unwrap();
        });
        if self.clock {
            Task::spawn(runtime, Name::one("clock"), async move |me| {
                loop {
                    me.rest();
                    me.turn().await;
                }
            });
        }
    }

    fn look<R: Runtime>(&self, (): &()) -> bool {
        false
    }
}

#[test]
fn who_is_stuck_makes_no_progress_whether_others_move_or_not() {
    for clock in [true, false] {
        let mut told = Vec::new();
        let report =
            exhaustive::explore(&Mail { clock }, Quest::Progress, &Limits::default(), &(), &mut |ending| {
                told.push((ending.recurring, ending.stuck.len()));
                ending.outcome == Some(false)
            });
        assert_eq!(told, [(clock, 1)]);
        let End::Found(finding) = report.end else { panic!("{:?}", report.end) };
        assert_eq!(finding.lasso, clock.then_some(1));
        assert_eq!(play(&Mail { clock }, &finding.schedule).unwrap().lasso, finding.lasso);
    }
}
