//! `lab pictures`: every picture in the documentation that the engines and the core determine, drawn anew or compared.

use std::fs;
use std::path::{Path, PathBuf};

use turnstile::hub::{Design, Version};
use turnstile::show;
use turnstile_models::scenario::{Peers, Scenario};
use turnstile_models::{Counterexample, Engine, Limits, Property, check, picture};

use crate::args;
use crate::commands::explained;
use crate::findings;
use crate::output::{self, Out};
use crate::words;

/// A file, under the folder of the documentation, and what is to be in it.
pub(crate) type Drawn = (PathBuf, String);

pub(crate) fn run(out: &mut Out, args: &args::Pictures) -> Result<u8, String> {
    let mut stale = 0;
    let drawn = all(&args.docs)?;
    let count = drawn.len();
    for (file, text) in drawn {
        let path = args.docs.join(&file);
        if fs::read_to_string(&path).is_ok_and(|kept| kept == text) {
            continue;
        }
        stale += 1;
        if args.check {
            out.line(&format!("{} is stale: lab pictures --docs {}", path.display(), args.docs.display()));
            continue;
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|e| format!("cannot make the folder {folder:?}: {e}"))?;
        fs::write(&path, text).map_err(|e| format!("cannot write {path:?}: {e}"))?;
        out.line(&format!("wrote {}", path.display()));
    }
    out.line(&format!("{count} files, {stale} of them {}", if args.check { "stale" } else { "written" }));
    Ok(u8::from(args.check && stale > 0))
}

fn all(docs: &Path) -> Result<Vec<Drawn>, String> {
    let mut drawn = Vec::new();
    let mut put = |name: &str, text: String| drawn.push((Path::new("pictures").join(name), text));
    for (name, text) in explained(&fails(&Scenario::default(), Property::NoDeadlock)?, true)? {
        put(&name, text);
    }
    let ghost = Scenario { version: Version::Main, logins: 1, ..Scenario::default() };
    let hang = Scenario { version: Version::Main, ..Scenario::default() };
    for (name, scenario, property) in
        [("hang", hang, Property::NoDeadlock), ("ghost", ghost, Property::NoGhost)]
    {
        let counterexample = fails(&scenario, property)?;
        let title = format!("{}: {}", words::world(&scenario), property.name());
        put(&format!("{name}-spacetime.svg"), show::svg(&output::story(&title, &counterexample)));
        put(&format!("{name}-shiviz.log"), picture::shiviz(&counterexample.trace));
    }
    for design in [Design::SingleSelect, Design::SplitLoops, Design::Lanes] {
        let scenario = Scenario {
            design,
            version: Version::Main,
            capacity: 0,
            peers: Peers::Stay,
            ..Scenario::default()
        };
        let picture = picture::states(&words::world(&scenario), &scenario, &Limits::default())?;
        put(&format!("states-{}.svg", design.name()), picture);
    }
    drawn.extend(findings::pictures(docs)?);
    Ok(drawn)
}

fn fails(scenario: &Scenario, property: Property) -> Result<Counterexample, String> {
    let verdict = check(scenario, property, Engine::Exhaustive, &Limits::default(), &())?;
    let found = verdict.counterexample().cloned();
    found.ok_or_else(|| format!("{} does not break {}", words::world(scenario), property.name()))
}
