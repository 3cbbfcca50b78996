//! The page for one world, in a folder: for a web server, or none.

use std::fs;
use std::path::Path;

use serde_json::json;
use turnstile_models::explore::packed::{TooLarge, pack};
use turnstile_models::scenario::Scenario;
use turnstile_models::{Limits, Outlook};

use super::graphs::Search;
use super::{assets, worlds};
use crate::bar::Bar;
use crate::output::Out;
use crate::words;

/// What loads the data, in the document.
const DATA: &str = "<script src=\"data.js\"></script>";

pub(super) fn run(
    out: &mut Out,
    scenario: &Scenario,
    limits: &Limits,
    folder: &Path,
    most: usize,
) -> Result<u8, String> {
    let bar = Bar::new(words::world(scenario), false);
    let outlook = Outlook::new(scenario, limits, &bar)?;
    drop(bar);
    let smaller = "take fewer users, logins or tasks, or a smaller capacity";
    if let Some(why) = outlook.stopped() {
        let states = words::thousands(outlook.graph().len() as u64);
        return Err(format!(
            "cannot export {}: {why} stopped the search at {states} states; {smaller}",
            words::world(scenario)
        ));
    }
    let mut data = pack(scenario, &outlook, most).map_err(|TooLarge { states, most }| {
        format!(
            "cannot export {}: it has {} states, an export holds {}; {smaller}, or allow more with --states",
            words::world(scenario),
            words::thousands(states as u64),
            words::thousands(most as u64),
        )
    })?;
    data["settings"] = worlds::settings(scenario, true);
    data["world"] = json!(words::world(scenario));
    let states = outlook.graph().len();
    data["search"] = Search::Done(outlook.into()).json();
    let data = format!("window.TURNSTILE = {data};\n");
    let write = |name: &str, text: &str| {
        let file = folder.join(name);
        fs::write(&file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))
    };
    fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
    for asset in &assets::ALL {
        write(asset.name, &asset.text.replace(assets::DATA_PLACE, DATA))?;
    }
    write("data.js", &data)?;
    out.line(&format!(
        "{}: {} states, {} KiB",
        words::world(scenario),
        words::thousands(states as u64),
        data.len().div_ceil(1024)
    ));
    out.line(&format!("open {}", folder.join(assets::DOCUMENT).display()));
    Ok(0)
}
