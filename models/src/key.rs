//! A replay key: a scenario, a property and a schedule in a line.
//!
//! A schedule is written as what it does otherwise than the *plain* one, in which each task goes on as long as it can and
//! then the next one comes; so a schedule with few preemptions has a short key, whatever its length.

use data_encoding::BASE32_NOPAD;
use turnstile::hub::{Design, Version};
use turnstile::policy::Policy;

use crate::player::{Play, mix};
use crate::property::Property;
use crate::scenario::{Peers, Platforms, Scenario};
use crate::schedule::{Pick, Schedule, Turn};

const PREFIX: &str = "ts2";

/// Writes a key.
///
/// # Errors
/// Says which step of the schedule cannot be taken.
pub fn write(scenario: &Scenario, property: Property, schedule: &Schedule) -> Result<String, String> {
    let position = |found: Option<usize>| found.expect("every value is in its list") as u64;
    let mut out = Vec::new();
    put(&mut out, position(Design::ALL.iter().position(|d| *d == scenario.design)));
    put(&mut out, position(Version::ALL.iter().position(|v| *v == scenario.version)));
    put(&mut out, position(Policy::ALL.iter().position(|p| *p == scenario.policy)));
    put(&mut out, flags(scenario));
    for number in [scenario.users, scenario.logins, scenario.capacity] {
        put(&mut out, u64::from(number));
    }
    if has_extras(scenario) {
        put(&mut out, position(Platforms::ALL.iter().position(|p| *p == scenario.platforms)));
        for number in [scenario.pushers, scenario.kickers, scenario.nodes, scenario.lanes] {
            put(&mut out, u64::from(number));
        }
    }
    put(&mut out, position(Property::ALL.iter().position(|p| *p == property)));

    let mut play = Play::new(*scenario, None);
    let (mut last, mut plainly) = (0, 0);
    for (index, turn) in schedule.turns.iter().enumerate() {
        let Some((seat, slot)) = play.find(turn.task) else {
            return Err(format!("step {}: {} cannot move here", index + 1, turn.task));
        };
        let expected = play.plain(last);
        let picks = play.step(slot, &turn.picks, None);
        // Among named things the first is none of them, with number 0.

        if expected == Some((seat, slot)) && picks.iter().all(|p| p.is_first()) {
            plainly += 1;
        } else {
            put(&mut out, plainly);
            put(&mut out, seat as u64);
            put(&mut out, picks.len() as u64);
            for pick in picks {
                put(&mut out, u64::from(pick.code()));
            }
            plainly = 0;
        }
        last = seat;
    }
    put(&mut out, plainly);
    let sum = mix(0, out.as_slice()).to_le_bytes();
    out.extend_from_slice(&sum[..4]);
    Ok(format!("{PREFIX}{}", BASE32_NOPAD.encode(&out).to_lowercase()))
}

const LEAVE: u64 = 1;
const ONE_PEER_TASK: u64 = 2;
const SAME_TOKEN: u64 = 4;
const WRITERS: u64 = 8;
const STOP: u64 = 16;
const EXTRAS: u64 = 32;

fn flags(scenario: &Scenario) -> u64 {
    let each = [
        (LEAVE, scenario.peers == Peers::Leave),
        (ONE_PEER_TASK, scenario.one_peer_task),
        (SAME_TOKEN, scenario.same_token),
        (WRITERS, scenario.writers),
        (STOP, scenario.stop),
        (EXTRAS, has_extras(scenario)),
    ];
    each.iter().filter(|(_, set)| *set).map(|(bit, _)| bit).sum()
}

/// Whether it has more than hub and connections.
fn has_extras(scenario: &Scenario) -> bool {
    let usual = Scenario::default();
    (scenario.platforms, scenario.pushers, scenario.kickers, scenario.nodes, scenario.lanes)
        != (usual.platforms, usual.pushers, usual.kickers, usual.nodes, usual.lanes)
}

/// Reads a key.
///
/// # Errors
/// Says what is wrong with it.
pub fn read(key: &str) -> Result<(Scenario, Property, Schedule), String> {
    let body = key.trim().strip_prefix(PREFIX).ok_or_else(|| format!("a replay key starts with {PREFIX}"))?;
    let bytes = BASE32_NOPAD
        .decode(body.to_uppercase().as_bytes())
        .map_err(|_| "the replay key has a character that no key has, or lost its end".to_owned())?;
    let (body, sum) = bytes.split_at_checked(bytes.len().saturating_sub(4)).unwrap_or_default();
    if mix(0, body).to_le_bytes()[..4] != *sum {
        return Err("the replay key is damaged: its checksum does not match".to_owned());
    }
    let mut rest = body;
    let mut take = || get(&mut rest).ok_or_else(|| "the replay key ends too early".to_owned());
    let foreign = || "the replay key is of another version of this program".to_owned();
    let small = |n: u64| u32::try_from(n).map_err(|_| foreign());
    let design = *Design::ALL.get(take()? as usize).ok_or_else(foreign)?;
    let version = *Version::ALL.get(take()? as usize).ok_or_else(foreign)?;
    let policy = *Policy::ALL.get(take()? as usize).ok_or_else(foreign)?;
    let flags = take()?;
    let (users, logins, capacity) = (small(take()?)?, small(take()?)?, small(take()?)?);
    let usual = Scenario::default();
    let (mut platforms, mut extras) =
        (usual.platforms, [usual.pushers, usual.kickers, usual.nodes, usual.lanes]);
    if flags & EXTRAS != 0 {
        platforms = *Platforms::ALL.get(take()? as usize).ok_or_else(foreign)?;
        for extra in &mut extras {
            *extra = small(take()?)?;
        }
    }
    let [pushers, kickers, nodes, lanes] = extras;
    let property = *Property::ALL.get(take()? as usize).ok_or_else(foreign)?;
    let scenario = Scenario {
        design,
        version,
        policy,
        users,
        logins,
        capacity,
        peers: if flags & LEAVE != 0 { Peers::Leave } else { Peers::Stay },
        platforms,
        same_token: flags & SAME_TOKEN != 0,
        pushers,
        kickers,
        nodes,
        writers: flags & WRITERS != 0,
        stop: flags & STOP != 0,
        lanes,
        one_peer_task: flags & ONE_PEER_TASK != 0,
    };
    scenario.validate()?;
    property.validate(&scenario)?;
    let schedule = read_schedule(&scenario, rest)?;
    Ok((scenario, property, schedule))
}

fn read_schedule(scenario: &Scenario, mut rest: &[u8]) -> Result<Schedule, String> {
    let mut play = Play::new(*scenario, None);
    let mut schedule = Schedule::default();
    let mut last = 0;
    let mut step = |play: &mut Play<Scenario>, wanted: Option<usize>, picks: &[Pick]| -> Result<(), String> {
        let chosen = match wanted {
            None => play.plain(last),
            Some(seat) => play.at(seat),
        };
        let number = schedule.len() + 1;
        let (seat, slot) = chosen.ok_or_else(|| {
            format!("the replay key does not fit this program: step {number} cannot be taken")
        })?;
        let picks = play.step(slot, picks, None);
        schedule.turns.push(Turn { task: play.name(slot), picks });
        last = seat;
        Ok(())
    };
    let short = || "the replay key ends too early".to_owned();
    loop {
        for _ in 0..get(&mut rest).ok_or_else(short)? {
            step(&mut play, None, &[])?;
        }
        if rest.is_empty() {
            return Ok(schedule);
        }
        let seat = get(&mut rest).ok_or_else(short)? as usize;
        let count = get(&mut rest).ok_or_else(short)? as usize;
        let mut picks = Vec::new();
        for _ in 0..count {
            picks.push(Pick::decode(get(&mut rest).ok_or_else(short)? as u32));
        }
        step(&mut play, Some(seat), &picks)?;
    }
}

/// Writes a number in groups of seven bits, low ones first.
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn get(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (byte, others) = rest.split_first()?;
        *rest = others;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
