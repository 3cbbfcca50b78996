//! `lab explore`: a page on this machine on which one is the scheduler, or an export of it for one world.

mod assets;
mod export;
mod graphs;
mod serve;
mod worlds;

use turnstile_models::Limits;

use crate::args::Explore;
use crate::output::Out;

/// Exit code 0.
pub(crate) fn run(out: &mut Out, args: &Explore) -> Result<u8, String> {
    let scenario = args.world.scenario();
    worlds::validate(&scenario)?;
    let limits = Limits {
        budget: args.budget,
        memory: usize::try_from(args.memory << 20).unwrap_or(usize::MAX),
        ..Limits::default()
    };
    match &args.export {
        Some(folder) => export::run(out, &scenario, &limits, folder, args.states),
        None => serve::run(out, &scenario, limits, args.port, !args.no_open),
    }
}
