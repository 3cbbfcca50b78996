//! `lab findings`: every known failure of OpenIM's hub and of the post's fix, searched again, drawn, and written down.
//!
//! The facts of `docs/findings.md` come from here: tables, lengths, pictures, replay keys. Its prose does not.

mod known;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use clap::Parser;
use turnstile::hub::{Design, Version};
use turnstile::show;
use turnstile_models::scenario::Scenario;
use turnstile_models::{Counterexample, Engine, Limits, Property, Verdict, check, key, replay};

use crate::args::{self, Cli, Command};
use crate::output::{self, Out};
use crate::pictures::Drawn;
use crate::words;
use known::FINDINGS;

/// Whom a finding is asked of: OpenIM's own design, the post's fix, the fix as listed, and two of ours.
const DESIGNS: [Design; 5] =
    [Design::SingleSelect, Design::SplitLoops, Design::SplitLoopsShared, Design::LockedTable, Design::Lanes];

/// A search of up to so many states is made again even where a replay key is at hand.
const SMALL: u64 = 1500;

/// What a file of keys says where nothing fails.
const NO_KEY: &str = "-";

/// One cause, and the property that it breaks.
struct Finding {
    name: &'static str,
    /// What goes wrong, in a few words.
    title: &'static str,
    /// How bad it is, in a word or two.
    severity: &'static str,
    property: Property,
    rows: &'static [Row],
    pictures: &'static [Picture],
}

/// A version, a world as flags of `lab check`, and what is known of each of [`DESIGNS`] there.
struct Row {
    version: Version,
    world: &'static str,
    known: [Is; 5],
}

/// What is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Is {
    /// The shortest counterexample has so many steps.
    Fails(usize),
    /// The whole world was searched.
    Holds,
    /// Not searched to the end.
    Open,
}

/// A counterexample to draw.
struct Picture {
    file: &'static str,
    row: usize,
    design: Design,
}

/// What was found of a design in a row.
struct Found {
    is: Is,
    states: u64,
    counterexample: Option<Counterexample>,
}

/// What a file of keys says: by finding, version, world and design, states and key.
type Keys = BTreeMap<String, (u64, String)>;

pub(crate) fn run(out: &mut Out, args: &args::Findings) -> Result<u8, String> {
    let keys = args.keys.as_deref().map(read_keys).transpose()?.unwrap_or_default();
    fs::create_dir_all(&args.out).map_err(|e| format!("cannot make the folder {:?}: {e}", args.out))?;
    let mut page = args.page.as_deref().map(read).transpose()?;
    let (mut written, mut surprises) = (String::new(), 0);
    for finding in FINDINGS {
        let mut found = Vec::new();
        for row in finding.rows {
            for (design, known) in DESIGNS.into_iter().zip(row.known) {
                let place = place(finding, row, design);
                let one = look(finding, row, design, known, keys.get(&place))?;
                if one.is != known {
                    surprises += 1;
                    out.line(&format!("{place}: known is {}, found {}", says(known), says(one.is)));
                }
                let key = one.counterexample.as_ref().map_or(NO_KEY, |c| c.key.as_str());
                written += &format!("{place} | {} | {key}\n", one.states);
                found.push(one);
            }
        }
        let facts = facts(finding, &found, &args.out)?;
        page = page.map(|page| put(&page, finding.name, &facts)).transpose()?;
    }
    write(&args.out.join("keys.txt"), &written)?;
    if let (Some(page), Some(file)) = (page, &args.page) {
        write(file, &put(&page, "summary", &summary())?)?;
    }
    out.line(&format!("{} findings, {surprises} of their cells not as they are known", FINDINGS.len()));
    Ok(u8::from(surprises > 0))
}

fn place(finding: &Finding, row: &Row, design: Design) -> String {
    format!("{} | {} | {} | {}", finding.name, row.version.name(), row.world, design.name())
}

fn says(is: Is) -> String {
    match is {
        Is::Fails(steps) => format!("fails, {steps}"),
        Is::Holds => "holds".to_owned(),
        Is::Open => "open".to_owned(),
    }
}

/// The scenario that `lab check` would make of a row.
fn scenario(row: &Row, design: Design) -> Scenario {
    let command =
        format!("lab check --version {} --design {} {}", row.version.name(), design.name(), row.world);
    match Cli::try_parse_from(command.split_whitespace()).map(|cli| cli.command) {
        Ok(Some(Command::Check(check))) => check.world.scenario(),
        _ => unreachable!("the worlds of the findings are written as flags of `lab check`"),
    }
}

/// Searches; or plays the key, where there is one and the search would be long.
fn look(
    finding: &Finding,
    row: &Row,
    design: Design,
    known: Is,
    kept: Option<&(u64, String)>,
) -> Result<Found, String> {
    let (scenario, property) = (scenario(row, design), finding.property);
    if known == Is::Open {
        return Ok(Found { is: Is::Open, states: 0, counterexample: None });
    }
    if let Some((states, text)) = kept.filter(|(states, _)| *states > SMALL) {
        if text == NO_KEY {
            return Ok(Found { is: Is::Holds, states: *states, counterexample: None });
        }
        let (world, claim, schedule) = key::read(text)?;
        if (world, claim) != (scenario, property) {
            return Err(format!("the key for {} is of another world", place(finding, row, design)));
        }
        let counterexample = replay(&scenario, property, &schedule)?;
        let is = Is::Fails(schedule.len());
        return Ok(Found { is, states: *states, counterexample: Some(counterexample) });
    }
    let limits = Limits { budget: Duration::from_secs(900), memory: 4 << 30, ..Limits::default() };
    let verdict = check(&scenario, property, Engine::Exhaustive, &limits, &())?;
    let is = match &verdict {
        Verdict::Holds(_) => Is::Holds,
        Verdict::Fails(_, counterexample) => Is::Fails(counterexample.schedule.len()),
        Verdict::Unknown(..) => Is::Open,
    };
    let states = verdict.search().effort.states.unwrap_or_default();
    Ok(Found { is, states, counterexample: verdict.counterexample().cloned() })
}

/// The table of a finding, and its pictures, which are written to the folder.
fn facts(finding: &Finding, found: &[Found], folder: &Path) -> Result<String, String> {
    let mut text = format!(
        "Property `{}`: {}. Each cell is the command `lab check --property {0} --version VERSION --design DESIGN FLAGS`; the \
         number is the length of the shortest counterexample.\n\n| version | world | flags |",
        finding.property.name(),
        finding.property.about()
    );
    let list = |each: &dyn Fn(usize) -> String| (0..DESIGNS.len()).map(each).collect::<String>();
    text += &list(&|at| format!(" `{}` |", DESIGNS[at].name()));
    text += "\n|---|---|---|---|---|---|---|---|\n";
    for (row, found) in finding.rows.iter().zip(found.chunks(DESIGNS.len())) {
        let flags = if row.world.is_empty() { String::new() } else { format!("`{}`", row.world) };
        let world = words::size(&scenario(row, Design::SingleSelect));
        let cells = list(&|at| match found[at].is {
            Is::Fails(steps) => format!(" **fails**, {steps} |"),
            other => format!(" {} |", says(other)),
        });
        text += &format!("| {} | {world} | {flags} |{cells}\n", row.version.name());
    }
    for picture in finding.pictures {
        let design = DESIGNS.iter().position(|d| *d == picture.design).expect("it is one of them");
        let found = &found[picture.row * DESIGNS.len() + design];
        let Some(counterexample) = &found.counterexample else {
            return Err(format!("nothing to draw for {}", picture.file));
        };
        let world = words::world(&counterexample.scenario);
        for (file, text) in drawn(picture, counterexample) {
            write(&folder.join(file), &text)?;
        }
        let at = format!("findings/{}", picture.file);
        text += &format!(
            "\n![{}: {} steps]({at}.svg)\n\n*{world}: {} steps, {}. [As text]({at}.txt); step by step:* `lab replay {}`\n",
            picture.file,
            counterexample.schedule.len(),
            counterexample.schedule.len(),
            counterexample.broken,
            counterexample.key
        );
    }
    Ok(text)
}

/// A counterexample as a picture and as text, by the names of their files.
fn drawn(picture: &Picture, counterexample: &Counterexample) -> [(String, String); 2] {
    let title = format!("{}: {}", words::world(&counterexample.scenario), counterexample.property.name());
    let story = output::story(&title, counterexample);
    [
        (format!("{}.svg", picture.file), show::svg(&story)),
        (format!("{}.txt", picture.file), show::text(&story, show::Paint::Plain)),
    ]
}

/// The pictures of the findings, from the keys that are kept: nothing is searched again.
pub(crate) fn pictures(docs: &Path) -> Result<Vec<Drawn>, String> {
    let file = docs.join("findings/keys.txt");
    let keys = read_keys(&file)?;
    let mut all = Vec::new();
    for finding in FINDINGS {
        for picture in finding.pictures {
            let place = place(finding, &finding.rows[picture.row], picture.design);
            let (_, text) = keys.get(&place).ok_or_else(|| format!("{file:?} has no key for {place}"))?;
            let (scenario, property, schedule) = key::read(text)?;
            let counterexample = replay(&scenario, property, &schedule)?;
            let files = drawn(picture, &counterexample).into_iter();
            all.extend(files.map(|(name, text)| (Path::new("findings").join(name), text)));
        }
    }
    Ok(all)
}

/// One line for each finding: where it is, in OpenIM's design, in the post's fix, and in ours.
fn summary() -> String {
    let mut text = String::from(
        "| finding | property | severity | v3.5.1 | v3.8.3 | main | the post's fix | `locked-table`, `lanes` |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for finding in FINDINGS {
        let cells = |version: Version, designs: &[Design]| -> Vec<Is> {
            let rows = finding.rows.iter().filter(|row| row.version == version);
            let all = rows.flat_map(|row| DESIGNS.into_iter().zip(row.known));
            all.filter(|(design, _)| designs.contains(design)).map(|(_, is)| is).collect()
        };
        let [old, mid, new] =
            Version::PUBLISHED.map(|version| word(&cells(version, &[Design::SingleSelect])));
        // The versions of each word, in order.
        let at = |designs: &[Design]| {
            let words = Version::PUBLISHED.map(|version| (version, word(&cells(version, designs))));
            if words.iter().all(|(_, word)| *word == words[0].1) {
                return words[0].1.to_owned();
            }
            let one = |(version, word): (Version, &str)| format!("{}: {word}", version.name());
            words.map(one).join(", ")
        };
        let (fix, listed) = (at(&[Design::SplitLoops]), at(&[Design::SplitLoopsShared]));
        let fix = if fix == listed { fix } else { format!("{fix}; as listed: {listed}") };
        text += &format!(
            "| [{}](#{}) | `{}` | {} | {old} | {mid} | {new} | {fix} | {} |\n",
            finding.title,
            finding.name,
            finding.property.name(),
            finding.severity,
            at(&[Design::LockedTable, Design::Lanes])
        );
    }
    text
}

/// What some cells come to: one that fails is enough, and one that is open keeps the others from holding.
fn word(cells: &[Is]) -> &'static str {
    if cells.iter().any(|is| matches!(is, Is::Fails(_))) {
        "**fails**"
    } else if cells.is_empty() {
        "not asked"
    } else if cells.contains(&Is::Open) {
        "open"
    } else {
        "holds"
    }
}

/// A page with the text between the markers of a name replaced.
fn put(page: &str, name: &str, text: &str) -> Result<String, String> {
    let (start, end) = (format!("<!-- findings: {name} -->\n"), "<!-- end -->");
    let lacks = || format!("the page lacks the markers of {name:?}");
    let (before, rest) = page.split_once(&start).ok_or_else(lacks)?;
    let (_, after) = rest.split_once(end).ok_or_else(lacks)?;
    Ok(format!("{before}{start}{text}{end}{after}"))
}

fn read_keys(path: &Path) -> Result<Keys, String> {
    let mut keys = Keys::new();
    for line in read(path)?.lines() {
        let bad = || format!("{path:?} has a line that is no key: {line:?}");
        let (rest, key) = line.rsplit_once(" | ").ok_or_else(bad)?;
        let (place, states) = rest.rsplit_once(" | ").ok_or_else(bad)?;
        keys.insert(place.to_owned(), (states.parse().map_err(|_| bad())?, key.to_owned()));
    }
    Ok(keys)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("cannot read {path:?}: {e}"))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| format!("cannot write {path:?}: {e}"))
}
