//! The commands but for the demonstration.

use std::fs;
use std::io::Read;
use std::path::Path;

use clap::CommandFactory;
use serde_json::{Value, json};
use turnstile::hub::{Design, Version};
use turnstile::policy::Policy;
use turnstile::show;
use turnstile::waits::Kind;
use turnstile_models::scenario::{Peers, Platforms, Scenario};
use turnstile_models::{Counterexample, Engine, Limits, Property, Verdict, key, picture};

use crate::args::{self, Cli};
use crate::bar::Bar;
use crate::output::{self, Out};
use crate::words;

/// The exit code of a verdict.
pub(crate) fn code(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Holds(_) => 0,
        Verdict::Fails(..) => 1,
        Verdict::Unknown(..) => 2,
    }
}

pub(crate) fn check(out: &mut Out, args: &args::Check) -> Result<u8, String> {
    let (scenario, property, engine) = (args.world.scenario(), args.property.0, args.engine.0);
    if let Some(file) = &args.save {
        // Better now than after the search.
        write(file, "")?;
    }
    let limits = args.limits.limits(engine)?;
    let bar = Bar::new(format!("{} {}", engine.name(), words::world(&scenario)), args.json);
    let verdict = turnstile_models::check(&scenario, property, engine, &limits, &bar)?;
    drop(bar);
    if let (Some(file), Some(counterexample)) = (&args.save, verdict.counterexample()) {
        write(file, &format!("{}\n", counterexample.key))?;
    }
    if args.json {
        out.json(&output::verdict_json(&verdict));
    } else {
        out.verdict(&verdict);
        if let Some(counterexample) = verdict.counterexample() {
            out.line("");
            out.counterexample(counterexample, args.save.as_deref());
        }
    }
    Ok(code(&verdict))
}

pub(crate) fn replay(out: &mut Out, key: &str, json: bool) -> Result<u8, String> {
    let counterexample = from_key(key)?;
    if json {
        let mut object = output::counterexample_json(&counterexample);
        object["verdict"] = Value::from("fails");
        object["property"] = Value::from(counterexample.property.name());
        out.json(&object);
    } else {
        out.line(&format!("{} fails: {}", counterexample.property.name(), counterexample.broken));
        out.line("");
        out.counterexample(&counterexample, key.strip_prefix('@').map(Path::new));
    }
    Ok(1)
}

fn from_key(key: &str) -> Result<Counterexample, String> {
    let text = match key.strip_prefix('@') {
        Some(file) => {
            fs::read_to_string(file).map_err(|e| format!("cannot read the replay key in {file:?}: {e}"))?
        }
        None if key == "-" => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|e| format!("cannot read standard input: {e}"))?;
            text
        }
        None => key.to_owned(),
    };
    let (scenario, property, schedule) = key::read(&text)?;
    turnstile_models::replay(&scenario, property, &schedule)
}

pub(crate) fn explain(out: &mut Out, args: &args::Explain) -> Result<u8, String> {
    let counterexample = match &args.key {
        Some(key) => from_key(key)?,
        None => {
            let scenario = args.world.scenario();
            let bar = Bar::new(words::world(&scenario), false);
            let limits = Limits { budget: args.budget, ..Limits::default() };
            let verdict =
                turnstile_models::check(&scenario, args.property.0, Engine::Exhaustive, &limits, &bar)?;
            drop(bar);
            let Some(counterexample) = verdict.counterexample() else {
                out.verdict(&verdict);
                out.line("No counterexample, so nothing was written.");
                return Ok(code(&verdict));
            };
            counterexample.clone()
        }
    };
    fs::create_dir_all(&args.out).map_err(|e| format!("cannot make the folder {:?}: {e}", args.out))?;
    let files = explained(&counterexample, args.key.is_none())?;
    for (file, text) in files {
        let path = args.out.join(file);
        write(&path, &text)?;
        out.line(&format!("wrote {}", path.display()));
    }
    out.line(&format!("ShiViz reads the log with the parser {}", picture::PARSER));
    Ok(1)
}

/// A counterexample as files. With `moments`, a hang also as the moment of the lock, and that of the unlock in the post's fix.
pub(crate) fn explained(
    counterexample: &Counterexample,
    moments: bool,
) -> Result<Vec<(String, String)>, String> {
    let Counterexample { scenario, property, .. } = counterexample;
    let title = format!("{}: {}", words::world(scenario), property.name());
    let story = output::story(&title, counterexample);
    let name = format!("{}-{}", scenario.design.name(), property.name());
    let mut files = vec![
        (format!("{name}.txt"), show::text(&story, show::Paint::Plain)),
        (format!("{name}.svg"), show::svg(&story)),
        (format!("{name}-sequence.mmd"), show::sequence(&story)),
        (format!("{name}-waits.mmd"), show::flowchart(&story)),
        (format!("{name}-shiviz.log"), picture::shiviz(&counterexample.trace)),
        (format!("{name}.json"), format!("{:#}\n", output::counterexample_json(counterexample))),
    ];
    let sends = counterexample.knot.iter().flat_map(|knot| &knot.cycle).any(|edge| edge.kind == Kind::Send);
    if moments && *property == Property::NoDeadlock && scenario.design == Design::SingleSelect && sends {
        let fixed = Scenario { design: Design::SplitLoops, ..*scenario };
        let lock = picture::lock(&format!("The lock: {}", words::world(scenario)), scenario)?;
        let unlock = picture::unlock(&format!("The unlock: {}", words::world(&fixed)), &fixed, scenario)?;
        for (name, diagram) in [("lock", lock), ("unlock", unlock)] {
            files.push((format!("{name}.svg"), diagram.svg));
            files.push((format!("{name}.mmd"), diagram.mermaid));
        }
    }
    Ok(files)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| format!("cannot write {path:?}: {e}"))
}

pub(crate) fn list(out: &mut Out, json: bool) -> Result<u8, String> {
    let kinds: [(&str, Vec<(&str, &str)>); 8] = [
        ("designs", Design::ALL.iter().map(|d| (d.name(), d.about())).collect()),
        ("versions", Version::ALL.iter().map(|v| (v.name(), v.about())).collect()),
        ("policies", Policy::ALL.iter().map(|p| (p.name(), p.about())).collect()),
        ("properties", Property::ALL.iter().map(|p| (p.name(), p.about())).collect()),
        ("engines", Engine::ALL.iter().map(|e| (e.name(), e.about())).collect()),
        ("peers", Peers::ALL.iter().map(|p| (p.name(), p.about())).collect()),
        ("platforms", Platforms::ALL.iter().map(|p| (p.name(), p.about())).collect()),
        (
            "schedulers",
            vec![
                ("random", "shuttle: each step by a task chosen at random"),
                ("pctN", "shuttle: probabilistic concurrency testing of bug depth N, 1 to 100"),
                ("urw", "shuttle: uniform random walk"),
            ],
        ),
    ];
    if json {
        let object: serde_json::Map<String, Value> = kinds
            .into_iter()
            .map(|(kind, rows)| {
                let rows: Vec<Value> =
                    rows.iter().map(|(name, about)| json!({ "name": name, "about": about })).collect();
                (kind.to_owned(), Value::from(rows))
            })
            .collect();
        out.json(&Value::Object(object));
        return Ok(0);
    }
    for (kind, rows) in kinds {
        out.heading(kind);
        for (name, about) in rows {
            out.line(&format!("  {name:<20}{about}"));
        }
    }
    Ok(0)
}

pub(crate) fn completions(out: &mut Out, shell: clap_complete::Shell) -> Result<u8, String> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lab", &mut script);
    out.line(String::from_utf8_lossy(&script).trim_end());
    Ok(0)
}

/// The manual page of `lab`, then those of its commands.
pub(crate) fn man(out: &mut Out) -> Result<u8, String> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    let each = std::iter::once(&command).chain(command.get_subcommands().filter(|c| c.get_name() != "help"));
    for page in each {
        let page = clap_mangen::Man::new(page.clone());
        page.render(&mut pages).map_err(|e| format!("cannot make the manual page: {e}"))?;
    }
    out.line(String::from_utf8_lossy(&pages).trim_end());
    Ok(0)
}
