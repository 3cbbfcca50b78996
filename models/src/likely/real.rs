//! The same question to the real gateway: on loopback, in real time, under the storm.

use std::sync::Arc;
use std::time::{Duration, Instant};

use turnstile::gateway::config::Config;
use turnstile::gateway::store::memory::Memory;
use turnstile::gateway::wire::Secret;
use turnstile::gateway::{Count, Gateway, Running};
use turnstile::storm::{self, Plan, Target};

use super::{Point, World};

/// How often is looked whether it hangs.
const LOOK: Duration = Duration::from_millis(20);
/// How many sleeps are measured.
const SLEEPS: u32 = 50;

/// How long a call to a service really takes when it is to take `service`: the timer has a granularity of a millisecond.
pub fn measured(service: Duration) -> Result<Duration, String> {
    let tokio = tokio()?;
    Ok(tokio.block_on(async {
        let began = Instant::now();
        for _ in 0..SLEEPS {
            tokio::time::sleep(service).await;
        }
        began.elapsed() / SLEEPS
    }))
}

/// Runs the gateway of a world so many times, each until it hangs or the world's horizon has gone by, in real time.
///
/// The gateway is told that a call to a service takes `told`; the world says how long it then takes here, which is
/// [more](measured). The world's session length plays no part: a session is as long as the client's messages take. Logins come in
/// even steps.
///
/// # Errors
/// If a gateway or its clients cannot be started.
pub fn measure(
    world: &World,
    told: Duration,
    runs: u64,
    deadline: Instant,
    each: &dyn Fn(),
) -> Result<Point, String> {
    let mut point = Point { world: *world, runs: 0, hung: Vec::new(), broke: 0, logins: 0 };
    while point.runs < runs && Instant::now() < deadline {
        let tokio = tokio()?;
        let ran = tokio.block_on(run(world, told));
        // What hangs is not waited for.
        tokio.shutdown_background();
        let (hung, broke, logins) = ran?;
        point.runs += 1;
        point.hung.extend(hung);
        point.broke += u64::from(broke && hung.is_none());
        point.logins += logins;
        each();
    }
    point.hung.sort_unstable();
    Ok(point)
}

fn tokio() -> Result<tokio::runtime::Runtime, String> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|why| format!("tokio does not start: {why}"))
}

/// After what time it hung, if it did; whether it broke; how many sessions there were.
async fn run(world: &World, told: Duration) -> Result<(Option<Duration>, bool, u64), String> {
    let free = "127.0.0.1:0".parse().expect("it is an address");
    let secret = format!("{:032x}", fastrand::u128(..));
    let config = Config {
        listen: free,
        api: free,
        admin_page: free,
        design: world.design,
        version: world.version,
        capacity: world.capacity,
        service_us: told.as_micros() as u64,
        ..Config::default()
    };
    let started = Gateway::start(config, Arc::new(Memory::default()), Secret::from(secret.clone())).await;
    let Running { gateway, listen, api, .. } = &started.map_err(|why| why.to_string())?;
    let (ws, api) = (format!("ws://{listen}"), format!("http://{api}"));
    let target = Target::find(&ws, &api, None, Secret::from(secret), false).await?;
    let plan = Plan {
        users: u64::from(world.accounts),
        rate: Some(world.rate),
        history: false,
        time: world.horizon,
        ..Plan::default()
    };
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let hangs = async {
        let mut began = None;
        loop {
            tokio::time::sleep(LOOK).await;
            if began.is_none() && gateway.connections() > 0 {
                began = Some(Instant::now());
            }
            if let (Some(began), Some(lasts)) = (began, gateway.glance().knot_lasts()) {
                return began.elapsed().saturating_sub(lasts);
            }
        }
    };
    let (hung, stopped) = tokio::select! {
        hung = hangs => (Some(hung), false),
        report = storm::run(plan, target, stopped, |_| {}) => (None, report?.stall.is_some()),
    };
    // What has stopped without a deadlock is broken in another way.
    Ok((hung, stopped || gateway.crash().is_some(), gateway.counts().get(Count::Registered)))
}
