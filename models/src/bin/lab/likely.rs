//! `lab likely`: how soon the hub hangs.

use std::fs;
use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use turnstile_models::likely::{self, Point, Row, World, chart, real};

use crate::args;
use crate::output::Out;
use crate::words;

pub(crate) fn run(out: &mut Out, args: &args::Likely) -> Result<u8, String> {
    let deadline = Instant::now() + args.budget;
    let told = Duration::from_micros(args.service_us);
    // Where both are to be compared, the simulated calls take as long as the real ones do.
    let service = if args.real > 0 { real::measured(told)? } else { told };
    let worlds = worlds(args, service)?;
    let threads = match args.threads {
        Some(threads) => threads as usize,
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let bar = bar(worlds.len() as u64 * args.runs, args.json);
    let mut simulated = Vec::new();
    for world in &worlds {
        bar.set_message(say(world));
        let one = || bar.inc(1);
        simulated.push(likely::measure(world, args.runs, args.seed, threads, deadline, &one));
    }
    bar.finish_and_clear();
    let real = really(args, told, &simulated, deadline)?;
    let whole = simulated.iter().all(|point| point.runs == args.runs)
        && real.iter().all(|point| point.runs == args.real);
    let rows: Vec<Row> = rows(&simulated, &real);
    if let Some(path) = &args.csv {
        write(path, &csv(&rows))?;
    }
    if let Some(path) = &args.svg {
        write(path, &chart::draw(&simulated, &real)?)?;
    }
    if args.json {
        out.json(
            &json!({ "seed": args.seed, "runs": args.runs, "told_us": args.service_us, "points": rows }),
        );
    } else {
        text(out, args, service, &simulated, &real);
    }
    // Fewer runs than asked for are no answer to what was asked.
    Ok(if whole { 0 } else { 2 })
}

fn worlds(args: &args::Likely, service: Duration) -> Result<Vec<World>, String> {
    let mut worlds = Vec::new();
    for accounts in &args.accounts {
        for load in &args.load {
            if !(0.01..=100.0).contains(load) {
                return Err(format!("--load is {load}; it can be 0.01 to 100"));
            }
            for capacity in &args.capacity {
                let world = World {
                    design: args.design.0,
                    version: args.version.0,
                    capacity: *capacity,
                    accounts: *accounts,
                    service,
                    horizon: args.horizon,
                    ..World::default()
                };
                let world = world.at_load(*load);
                world.validate()?;
                worlds.push(world);
            }
        }
    }
    Ok(worlds)
}

/// The real gateway, in the worlds of which half the simulated runs hang in time.
fn really(
    args: &args::Likely,
    told: Duration,
    simulated: &[Point],
    deadline: Instant,
) -> Result<Vec<Point>, String> {
    let soon = |point: &&Point| point.median().middle.is_some_and(|time| time * 2 <= args.patience);
    let chosen: Vec<&Point> = simulated.iter().filter(soon).filter(|_| args.real > 0).collect();
    let bar = bar(chosen.len() as u64 * args.real, args.json);
    let mut points = Vec::new();
    for point in chosen {
        let world = World { horizon: args.patience, ..point.world };
        bar.set_message(format!("{}, the gateway", say(&world)));
        points.push(real::measure(&world, told, args.real, deadline, &|| bar.inc(1))?);
    }
    bar.finish_and_clear();
    Ok(points)
}

fn bar(runs: u64, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}  {elapsed}").expect("a constant template");
    let bar = ProgressBar::new(runs).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn say(world: &World) -> String {
    format!("capacity {}, load {:.2}, {} accounts", world.capacity, world.load(), world.accounts)
}

fn rows(simulated: &[Point], real: &[Point]) -> Vec<Row> {
    let simulated = simulated.iter().map(|point| point.row("simulated"));
    simulated.chain(real.iter().map(|point| point.row("gateway"))).collect()
}

fn csv(rows: &[Row]) -> String {
    let mut lines = Vec::new();
    for row in rows {
        let Value::Object(fields) = json!(row) else { continue };
        if lines.is_empty() {
            lines.push(fields.keys().cloned().collect::<Vec<_>>().join(","));
        }
        let value = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        lines.push(fields.values().map(value).collect::<Vec<_>>().join(","));
    }
    lines.join("\n") + "\n"
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|why| format!("cannot write {}: {why}", path.display()))
}

fn text(out: &mut Out, args: &args::Likely, service: Duration, simulated: &[Point], real: &[Point]) {
    out.heading(&format!(
        "How soon does it hang? {} ({}), {} runs of each on a virtual clock, seed {}",
        args.design.0.name(),
        args.version.0.name(),
        words::thousands(args.runs),
        args.seed
    ));
    out.aside(&format!(
        "each call that the loop makes takes {:.2} ms; the longest run is {}",
        service.as_secs_f64() * 1000.0,
        time(args.horizon)
    ));
    out.line("");
    out.heading("accounts  capacity   load  logins/s  hang within it            half of them within (95 %)");
    for point in simulated {
        row(out, point);
    }
    if !real.is_empty() {
        out.line("");
        out.heading(&format!("The gateway, on this machine; the longest run is {}", time(args.patience)));
        for point in real {
            row(out, point);
        }
    }
}

fn row(out: &mut Out, point: &Point) {
    let (low, _, high) = point.share();
    let median = point.median();
    let known = |it: Option<Duration>| it.map_or_else(|| "later".to_owned(), time);
    let half = match median.middle {
        Some(middle) => format!("{:>8}  ({} to {})", time(middle), known(median.low), known(median.high)),
        None => "   later".to_owned(),
    };
    let World { accounts, capacity, rate, .. } = point.world;
    let hang = format!("{}/{} ({:.0} to {:.0} %)", point.hung.len(), point.runs, 100.0 * low, 100.0 * high);
    let broke = if point.broke > 0 { format!("; {} broke", point.broke) } else { String::new() };
    out.line(&format!(
        "{accounts:>8}  {capacity:>8}  {:>5.2}  {rate:>8.1}  {hang:<24}  {half}{broke}",
        point.world.load()
    ));
}

fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.1} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}
