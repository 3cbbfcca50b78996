//! The zoo: each kernel hangs as its thread tells, each fix mends what it says, and the docs tell what the engine finds.

use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use turnstile_models::engine::{End, Quest, exhaustive, loom, shuttle};
use turnstile_models::zoo::{self, Expected, Finding, Kernel};
use turnstile_models::zoo::{
    Centrifuge515, Centrifuge639, Dcrdata431, GofiberRecipes112, GorillaChat, Kubestellar6479,
    Mattermost7577, Mattermost15293, Owncast1833, QueuedBuildHook2, StripeCli1221, Superplane6427, Tinode534,
    Tinode786,
};
use turnstile_models::{Limits, Model};

fn finding(kernel: &str, variant: &str) -> Finding {
    let kernel = Kernel::find(kernel).unwrap();
    let variant = kernel.variants.iter().find(|v| v.name == variant).unwrap();
    zoo::check(kernel, variant, &Limits::default())
}

#[test]
fn each_variant_comes_out_as_it_is_known() {
    for kernel in Kernel::ALL {
        for variant in kernel.variants {
            let found = zoo::check(kernel, variant, &Limits::default());
            assert!(
                found.is(variant.expected),
                "{}, {}: found {}: {}\nknown is {}",
                kernel.name,
                variant.name,
                found.name(),
                found.line(),
                variant.expected
            );
        }
    }
}

#[test]
fn each_kernel_has_its_bug_its_fix_and_its_source() {
    assert!(Kernel::ALL.len() >= 12);
    let (mut hold_as_they_are, mut moved) = (0, 0);
    for kernel in Kernel::ALL {
        assert!(kernel.links.iter().all(|link| link.starts_with("https://github.com/")), "{}", kernel.name);
        for text in [kernel.happened, kernel.fix, kernel.simplified, kernel.teaches] {
            assert!(text.ends_with('.') && !text.contains("  "), "{}: {text:?}", kernel.name);
        }
        let hangs: Vec<bool> =
            kernel.variants.iter().map(|v| matches!(v.expected, Expected::Deadlocks(_))).collect();
        assert!(hangs.contains(&false), "{} has something that holds", kernel.name);
        hold_as_they_are += usize::from(!hangs.contains(&true));
        assert!(hangs[0] || hangs.len() == 1, "{} begins with its bug", kernel.name);
        moved += usize::from(hangs.iter().skip(1).any(|hangs| *hangs));
    }
    assert_eq!((hold_as_they_are, moved), (1, 2));
    let mut names: Vec<&str> = Kernel::ALL.iter().map(|kernel| kernel.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Kernel::ALL.len());
}

/// Who is stuck on the cycle, what each waits for, and who alone could help: the values behind the sentence.
#[test]
fn a_hang_is_a_value() {
    let found = finding("owncast-1833", "bug");
    let hang = found.hang().unwrap();
    let edges: Vec<(String, String, Vec<String>)> = hang
        .knot
        .cycle
        .iter()
        .map(|e| {
            let helpers = e.helpers.iter().flatten().map(ToString::to_string).collect();
            (e.task.to_string(), e.on.to_string(), helpers)
        })
        .collect();
    let edge = |task: &str, on: &str, helper: &str| (task.to_owned(), on.to_owned(), vec![helper.to_owned()]);
    assert_eq!(edges, [edge("Broadcast", "unregister", "Run"), edge("Run", "mu", "Broadcast")]);
    assert_eq!(hang.trace.steps.len(), 7);
}

#[test]
fn only_an_escape_that_opens_before_the_wait_helps() {
    assert!(finding("mattermost-7577", "bug").hang().is_some());
    assert!(matches!(finding("mattermost-7577", "fix"), Finding::Holds(_)));
    let found = finding("mattermost-7577", "regression");
    let hang = found.hang().unwrap();
    // The one who selects is not called stuck, since anybody might close didStop; the one who waits for it is.
    assert_eq!(hang.knot.cycle.len(), 1);
    assert!(hang.cycle.ends_with("WebConn 1 waits for work on unregister or didStop"));
}

/// True if some interleaving leaves somebody stuck with this wait.
fn can_hang<M: Model>(model: &M, wait: &str) -> bool {
    let seen = |stuck: &[String]| stuck.iter().any(|stuck| stuck.starts_with(wait));
    let report = exhaustive::explore(model, Quest::Knots, &Limits::default(), &(), &mut |e| seen(&e.stuck));
    match report.end {
        End::Found(_) => true,
        End::Exhausted => false,
        End::Stopped(why) => panic!("{why}"),
    }
}

#[test]
fn the_first_fix_of_stripe_moved_the_hang_one_line_down() {
    let requeue = "writePump waits to send on send";
    let report = "writePump waits to send on notifyClose";
    // (variant, hangs where it puts the message back, hangs where it reports)
    for (variant, puts_back, reports) in [
        (StripeCli1221::Bug, true, false),
        (StripeCli1221::FirstFix, false, true),
        (StripeCli1221::SecondFix, false, false),
        (StripeCli1221::Busy, true, false),
    ] {
        assert_eq!(can_hang(&variant, requeue), puts_back, "{variant:?}");
        assert_eq!(can_hang(&variant, report), reports, "{variant:?}");
    }
}

#[test]
fn a_channel_to_oneself_hangs_once_another_has_put_something_in() {
    let itself = "run waits to send on sendBufferChan";
    assert!(can_hang(&Dcrdata431::Bug, itself));
    assert!(!can_hang(&Dcrdata431::WithoutTicks, itself));
    // The loop can also meet the ticker halfway.
    assert!(can_hang(&Dcrdata431::Bug, "run waits to send on bufferTickerChan"));
}

/// True if loom finds a hang; false if there is none in all of its executions.
fn in_loom<M: Model>(model: &M) -> bool {
    let limits = Limits { budget: Duration::from_secs(60), ..Limits::default() };
    let report = loom::explore(model, Quest::Knots, &limits, &(), &mut |ending| !ending.stuck.is_empty());
    match report.end {
        End::Found(_) => true,
        End::Exhausted => {
            assert!(report.complete());
            false
        }
        End::Stopped(why) => panic!("{why}"),
    }
}

#[test]
fn loom_agrees_on_kernels_of_four_tasks_at_most() {
    for (hangs, known) in [
        (in_loom(&Centrifuge639::Bug), true),
        (in_loom(&Centrifuge639::Fix), false),
        (in_loom(&Mattermost15293::Bug), true),
        (in_loom(&Mattermost15293::Fix), false),
        (in_loom(&Owncast1833::Bug), true),
        (in_loom(&Kubestellar6479::Bug), true),
    ] {
        assert_eq!(hangs, known);
    }
}

fn in_shuttle<M: Model>(model: &M) -> bool {
    let limits = Limits { schedules: 2_000, threads: 1, ..Limits::default() };
    let report = shuttle::explore(model, Quest::Knots, &limits, &(), &mut |ending| !ending.stuck.is_empty());
    matches!(report.end, End::Found(_))
}

#[test]
fn shuttle_agrees() {
    let bugs = [
        in_shuttle(&Centrifuge515::Bug),
        in_shuttle(&Centrifuge639::Bug),
        in_shuttle(&Dcrdata431::Bug),
        in_shuttle(&GofiberRecipes112::Bug),
        in_shuttle(&Kubestellar6479::Bug),
        in_shuttle(&Mattermost7577::Bug),
        in_shuttle(&Mattermost7577::Regression),
        in_shuttle(&Mattermost15293::Bug),
        in_shuttle(&Owncast1833::Bug),
        in_shuttle(&QueuedBuildHook2::Bug),
        in_shuttle(&StripeCli1221::Bug),
        in_shuttle(&StripeCli1221::FirstFix),
        in_shuttle(&StripeCli1221::Busy),
        in_shuttle(&Superplane6427::Bug),
        in_shuttle(&Tinode534::Bug),
        in_shuttle(&Tinode786::Bug),
    ];
    assert_eq!(bugs, [true; 16]);
    let fixes = [
        in_shuttle(&Centrifuge515::Fix),
        in_shuttle(&Centrifuge639::Fix),
        in_shuttle(&Dcrdata431::WithoutTicks),
        in_shuttle(&Dcrdata431::Fix),
        in_shuttle(&GofiberRecipes112::Fix),
        in_shuttle(&GorillaChat),
        in_shuttle(&Kubestellar6479::Fix),
        in_shuttle(&Mattermost7577::Fix),
        in_shuttle(&Mattermost15293::Fix),
        in_shuttle(&Owncast1833::Fix),
        in_shuttle(&QueuedBuildHook2::Fix),
        in_shuttle(&StripeCli1221::SecondFix),
        in_shuttle(&Superplane6427::Fix),
        in_shuttle(&Tinode534::Fix),
        in_shuttle(&Tinode786::Fix),
    ];
    assert_eq!(fixes, [false; 15]);
}

#[test]
fn a_search_that_was_cut_short_is_unknown() {
    let kernel = Kernel::find("gorilla-chat").unwrap();
    let limits = Limits { budget: Duration::from_millis(1), ..Limits::default() };
    let cut = zoo::check(kernel, &kernel.variants[0], &limits);
    assert!(matches!(cut, Finding::Unknown(..)) && !cut.is(Expected::Holds), "{cut:?}");
}

fn lab(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lab")).args(args).env("NO_COLOR", "1").output().unwrap()
}

fn text(args: &[&str]) -> String {
    let out = lab(args);
    assert_eq!(out.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn lab_zoo_has_one_line_for_each_variant() {
    let table = text(&["zoo"]);
    assert!(!table.contains('\u{1b}'));
    let rows: Vec<&str> =
        table.lines().filter(|l| l.contains("  deadlocks  ") || l.contains("  holds      ")).collect();
    assert_eq!(rows.len(), Kernel::ALL.iter().map(|kernel| kernel.variants.len()).sum::<usize>(), "{table}");
    let first = rows.iter().find(|row| row.starts_with("gofiber-recipes-112")).unwrap();
    assert!(
        first.ends_with("runHub waits to send on unregister (unbuffered), which only runHub drains"),
        "{first}"
    );
}

#[test]
fn lab_zoo_tells_the_story_of_one() {
    let story = text(&["zoo", "superplane-6427"]);
    for says in [
        "https://github.com/superplanehq/superplane/issues/6427",
        "What happened: ",
        "Simplified: ",
        "What it teaches: ",
        "Deadlock: Broadcast 1 waits for itself",
        "⏸ waits to lock mutex, for ever",
        "holds: every interleaving and every choice was searched",
    ] {
        assert!(story.contains(says), "{says}:\n{story}");
    }
    for kernel in Kernel::ALL {
        for line in text(&["zoo", kernel.name]).lines() {
            assert!(line.chars().count() <= 100, "{}: {line}", kernel.name);
        }
    }
}

#[test]
fn lab_zoo_is_for_machines_as_well() {
    let all: Value = serde_json::from_str(&text(&["zoo", "--json"])).unwrap();
    let kernels = all["kernels"].as_array().unwrap();
    assert_eq!(kernels.len(), Kernel::ALL.len());
    let one: Value = serde_json::from_str(&text(&["zoo", "tinode-786", "--json"])).unwrap();
    let [bug, fix] = one["kernels"][0]["variants"].as_array().unwrap().as_slice() else { panic!("{one:#}") };
    assert_eq!(
        (&bug["verdict"], &bug["complete"], &bug["as_known"]),
        (&"deadlocks".into(), &false.into(), &true.into())
    );
    assert_eq!(
        (&fix["verdict"], &fix["complete"], &fix["as_known"]),
        (&"holds".into(), &true.into(), &true.into())
    );
    assert_eq!(bug["cycle"].as_array().unwrap().len(), 4);
    assert_eq!(bug["steps"], bug["trace"].as_array().unwrap().len());
    assert_eq!(bug["cycle"][0]["why"], "1/1 full, which only hub 1 drains");
}

#[test]
fn a_name_that_is_not_in_the_zoo_gets_one_line_with_all_that_are_and_64() {
    for (args, says) in [
        (&["zoo", "mattermost"][..], "it has centrifuge-515, "),
        (&["zoo", "--markdown", "tinode-786"], "cannot be used with"),
        (&["zoo", "--budget", "0"], "budget"),
    ] {
        let out = lab(args);
        let err = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(64), "{args:?}: {err}");
        assert!(err.contains(says) && err.lines().count() == 1 && out.stdout.is_empty(), "{args:?}: {err}");
    }
    let cut = lab(&["zoo", "gorilla-chat", "--budget", "0.001"]);
    assert_eq!(cut.status.code(), Some(2), "{}", String::from_utf8_lossy(&cut.stderr));
}

#[test]
fn the_docs_tell_what_is_found() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ZOO.md");
    let docs = std::fs::read_to_string(&path).unwrap();
    let (_, rest) = docs.split_once("<!-- lab zoo --markdown -->\n").expect("docs/ZOO.md has a first marker");
    let (kept, _) = rest.split_once("<!-- end -->").expect("docs/ZOO.md has a last marker");
    assert!(
        kept == text(&["zoo", "--markdown"]),
        "docs/ZOO.md is stale: put the output of `lab zoo --markdown` between its markers"
    );
}
