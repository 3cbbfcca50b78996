//! What the servers are asked to do, and what is read off.

use std::cell::{Cell, RefCell};
use std::io::{Error, ErrorKind, Result, Write};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use futures_util::{StreamExt, TryStreamExt, stream};
use hdrhistogram::Histogram;
use tokio::net::TcpStream;
use turnstile::gateway::wire::envelope::KICK_ONLINE_MSG;

use crate::client::{Ask, BINARY, CODEC, Client, Prepared, due};
use crate::server::{CHURNERS, NAIVE, People, Server};

/// How many clients come and go at once.
const COMERS: usize = 8;
/// How many clients send to one another, in pairs.
const TALKERS: usize = 8;
/// How many clients send to one another, in pairs, at a rate.
const TIMED: usize = 64;
/// Messages/s that are sent at a rate.
const RATE: f64 = 20_000.0;
/// What a server that is slower gets, of what it can take.
const SHARE: f64 = 0.7;
/// How long no message may arrive while some are missing.
const SILENCE: Duration = Duration::from_secs(3);
/// How long a load may take beyond its time until it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// Something that a server is asked to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// To connect, to ask once, and to close, over and over.
    Cycle(Ask),
    /// To log in, which kicks the session before, over and over.
    Churn,
    /// To ask, with so many requests under way on each connection.
    Echo(Ask, usize),
    /// To send messages at a rate, whatever comes back.
    Rate(Ask),
    /// To connect and be silent.
    Idle,
}

/// One line of the table.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    /// Whether more is better; if nothing is said, neither is.
    pub(crate) more_is_better: Option<bool>,
}

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) time: Duration,
    pub(crate) idle: usize,
}

impl Load {
    pub(crate) const ALL: [Load; 12] = [
        Load::Cycle(Ask::Foreground),
        Load::Cycle(Ask::Store),
        Load::Churn,
        Load::Echo(Ask::Foreground, 1),
        Load::Echo(Ask::Foreground, 16),
        Load::Echo(Ask::PassOn, 1),
        Load::Echo(Ask::PassOn, 16),
        Load::Echo(Ask::Store, 1),
        Load::Echo(Ask::Store, 16),
        Load::Rate(Ask::PassOn),
        Load::Rate(Ask::Store),
        Load::Idle,
    ];

    /// What it is called.
    pub(crate) fn name(self) -> String {
        let what = |ask| match ask {
            Ask::Foreground => "request",
            Ask::PassOn => "message",
            Ask::Store => "stored message",
        };
        match self {
            Load::Cycle(ask) => format!("connect, {}, reply, close", what(ask)),
            Load::Churn => "login that kicks".to_owned(),
            Load::Echo(ask, window) => format!("{}, window {window}", what(ask)),
            Load::Rate(ask) => format!("{} at a rate", what(ask)),
            Load::Idle => "idle connection".to_owned(),
        }
    }

    /// What is read off.
    pub(crate) fn rows(self) -> Vec<Row> {
        let name = self.name();
        let row =
            |what: &str, unit, more_is_better| Row { name: format!("{name}{what}"), unit, more_is_better };
        let (cpu, per_second) = (row(": server CPU", "µs", Some(false)), row("", "/s", Some(true)));
        match self {
            Load::Cycle(_) | Load::Churn | Load::Echo(..) => vec![cpu, per_second],
            Load::Rate(_) => vec![
                row("", "/s", None),
                row(": server CPU", "% of a core", Some(false)),
                row(": p50", "µs", Some(false)),
                row(": p99", "µs", Some(false)),
                row(": p99.9", "µs", Some(false)),
            ],
            Load::Idle => vec![row(": resident", "KiB", Some(false))],
        }
    }

    /// Whether a server does such a thing.
    pub(crate) fn fits(self, server: &Server) -> bool {
        let stores =
            matches!(self, Load::Cycle(Ask::Store) | Load::Echo(Ask::Store, _) | Load::Rate(Ask::Store));
        !stores || server.name != NAIVE
    }

    /// Does it, and reads off a value for each row. `most` is what the server can take of that, messages/s.
    pub(crate) async fn run(
        self,
        server: &Server,
        people: &People,
        plan: Plan,
        most: f64,
    ) -> Result<Vec<f64>> {
        let run = async {
            match self {
                Load::Cycle(ask) => cycle(server, people, plan.time, ask).await,
                Load::Churn => churn(server, people, plan.time).await,
                Load::Echo(ask, window) => echo(server, people, plan.time, ask, window).await,
                Load::Rate(ask) => rate(server, people, plan.time * 2, ask, most).await,
                Load::Idle => idle(server, people, plan.idle).await,
            }
        };
        match tokio::time::timeout(plan.time * 2 + PATIENCE, run).await {
            Ok(values) => values,
            Err(_) => Err(Error::new(ErrorKind::TimedOut, "it is stuck")),
        }
    }
}

/// Processor time of each operation, and operations/s.
async fn per_operation(server: &Server, run: impl Future<Output = Result<u64>>) -> Result<Vec<f64>> {
    let (cpu, start) = (server.cpu()?, Instant::now());
    let done = run.await? as f64;
    let (time, used) = (start.elapsed(), server.cpu()? - cpu);
    Ok(vec![used.as_secs_f64() * 1e6 / done, done / time.as_secs_f64()])
}

/// No two messages of a run have the same.
fn new_id() -> u64 {
    static IDS: AtomicU64 = AtomicU64::new(0);
    IDS.fetch_add(1, Ordering::Relaxed)
}

async fn cycle(server: &Server, people: &People, time: Duration, ask: Ask) -> Result<Vec<f64>> {
    let end = Instant::now() + time;
    let comer = async |(user, query): &(String, String), peer: &str| {
        let mut request = Prepared::new(ask, user, peer);
        let mut done = 0;
        while Instant::now() < end {
            let mut client = Client::connect(server.address, query).await?;
            client.send(request.next(new_id(), 0)).await?;
            while due(client.next().await?.1).is_some() {}
            client.close().await?;
            done += 1;
        }
        Ok::<u64, Error>(done)
    };
    // To nobody who is here: what is counted is the way to the store and back.
    let comers = people.idle[..COMERS].iter().map(|who| comer(who, "somebody"));
    per_operation(server, async { Ok(try_join_all(comers).await?.iter().sum()) }).await
}

async fn churn(server: &Server, people: &People, time: Duration) -> Result<Vec<f64>> {
    let end = Instant::now() + time;
    let first = server.login();
    let churner = async |queries: &[String]| {
        let mut before: Option<Client> = None;
        let mut done = 0;
        for query in queries {
            if Instant::now() >= end {
                break;
            }
            let newcomer = Client::connect(server.address, query).await?;
            if let Some(mut kicked) = before.replace(newcomer) {
                let (opcode, said) = kicked.next().await?;
                let told = opcode == BINARY
                    && CODEC
                        .decode_response(said, 1 << 20)
                        .is_ok_and(|r| r.req_identifier == KICK_ONLINE_MSG);
                if !told {
                    return Err(Error::other("a session was closed and not told that it was kicked"));
                }
                kicked.ended().await?;
            }
            done += 1;
        }
        if let Some(last) = before {
            last.close().await?;
        }
        Ok::<usize, Error>(done)
    };
    let run = async {
        let all = try_join_all(people.churners.iter().map(|queries| churner(&queries[first..]))).await?;
        server.logins.store(first + all.iter().max().unwrap_or(&0), Ordering::Relaxed);
        Ok(all.iter().sum::<usize>() as u64)
    };
    debug_assert_eq!(people.churners.len(), CHURNERS);
    per_operation(server, run).await
}

/// Users in pairs, connected, each with whom it sends to.
async fn pairs(server: &Server, people: &People, count: usize) -> Result<Vec<(Client, String, String)>> {
    let mut pairs = Vec::new();
    for (n, (user, query)) in people.idle[..count].iter().enumerate() {
        let client = Client::connect(server.address, query).await?;
        pairs.push((client, user.clone(), people.idle[n ^ 1].0.clone()));
    }
    // Who was answered can be reached: the first frame says only that the token is good.
    for (client, user, peer) in &mut pairs {
        client.send(Prepared::new(Ask::Foreground, user, peer).next(new_id(), 0)).await?;
        client.next().await?;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(pairs)
}

async fn echo(server: &Server, people: &People, time: Duration, ask: Ask, window: usize) -> Result<Vec<f64>> {
    let pairs = pairs(server, people, TALKERS).await?;
    let end = Instant::now() + time;
    let talk = async |(mut client, user, peer): (Client, String, String)| {
        let mut request = Prepared::new(ask, &user, &peer);
        let (mut open, mut done) = (0, 0);
        let mut frames = Vec::new();
        loop {
            if Instant::now() < end {
                while open < window {
                    frames.extend_from_slice(request.next(new_id(), 0));
                    open += 1;
                }
                client.send(&frames).await?;
                frames.clear();
            } else if open == 0 {
                return Ok::<_, Error>((client, done));
            }
            // All that is here already, then on with as many as were answered.
            loop {
                let (opcode, said) = client.next().await?;
                if opcode != BINARY {
                    return Err(Error::other("the server closes"));
                }
                if due(said).is_none() {
                    (open, done) = (open - 1, done + 1);
                }
                if !client.has_next() {
                    break;
                }
            }
        }
    };
    let mut clients = Vec::new();
    let run = async {
        let all = try_join_all(pairs.into_iter().map(talk)).await?;
        let done = all.iter().map(|(_, done)| *done).sum();
        clients.extend(all.into_iter().map(|(client, _)| client));
        Ok(done)
    };
    let values = per_operation(server, run).await?;
    try_join_all(clients.into_iter().map(Client::close)).await?;
    Ok(values)
}

/// Open loop: each message has a time at which it is due, and its delay is counted from then until its receiver has it, however
/// late it was sent.
async fn rate(server: &Server, people: &People, time: Duration, ask: Ask, most: f64) -> Result<Vec<f64>> {
    let rate = if most * SHARE >= RATE { RATE } else { (most * SHARE / 1000.0).floor().max(1.0) * 1000.0 };
    let pairs = pairs(server, people, TIMED).await?;
    let (mut readers, mut writers) = (Vec::new(), Vec::new());
    for (client, user, peer) in pairs {
        let (reader, writer) = client.split()?;
        readers.push(reader);
        writers.push((writer, Prepared::new(ask, &user, &peer)));
    }
    let began = Instant::now();
    let delays =
        Rc::new(RefCell::new(Histogram::<u64>::new_with_bounds(1, 60_000_000, 3).map_err(Error::other)?));
    let received = Rc::new(Cell::new(0_u64));
    let listen = async |mut reader: Client| {
        loop {
            let (opcode, said) = reader.next().await?;
            if opcode != BINARY {
                return Err::<(), _>(Error::other("the server closes"));
            }
            if let Some(due) = due(said) {
                let delay = (began.elapsed().as_nanos() as u64).saturating_sub(due) / 1000;
                delays.borrow_mut().saturating_record(delay);
                received.set(received.get() + 1);
            }
        }
    };
    let cpu = server.cpu()?;
    let count = (rate * time.as_secs_f64()) as u64;
    let sender = tokio::task::spawn_blocking(move || send(writers, began, rate, count));
    let all_sent = async {
        sender.await.map_err(Error::other)??;
        let sent = began.elapsed();
        let (mut here, mut since) = (received.get(), Instant::now());
        while here < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if received.get() > here {
                (here, since) = (received.get(), Instant::now());
            } else if since.elapsed() > SILENCE {
                return Err(Error::other(format!("{} of {count} messages did not arrive", count - here)));
            }
        }
        Ok::<Duration, Error>(sent)
    };
    let sent = tokio::select! {
        sent = all_sent => sent?,
        ended = try_join_all(readers.into_iter().map(listen)) => {
            ended?;
            return Err(Error::other("the server closes"));
        }
    };
    let (all, used) = (began.elapsed(), server.cpu()? - cpu);
    let delays = delays.borrow();
    let percentile = |p| delays.value_at_quantile(p) as f64;
    Ok(vec![
        count as f64 / sent.as_secs_f64(),
        100.0 * used.as_secs_f64() / all.as_secs_f64(),
        percentile(0.5),
        percentile(0.99),
        percentile(0.999),
    ])
}

/// Sends each message when it is due, or as soon as it can.
fn send(
    mut writers: Vec<(std::net::TcpStream, Prepared)>,
    began: Instant,
    rate: f64,
    count: u64,
) -> Result<()> {
    let among = writers.len();
    for n in 0..count {
        let due = Duration::from_secs_f64(n as f64 / rate);
        loop {
            let now = began.elapsed();
            if now >= due {
                break;
            }
            std::thread::sleep(due - now);
        }
        let (writer, message) = &mut writers[n as usize % among];
        let mut rest = message.next(new_id(), due.as_nanos() as u64);
        while !rest.is_empty() {
            match writer.write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(why) if why.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_micros(100));
                }
                Err(why) => return Err(why),
            }
        }
    }
    Ok(())
}

async fn idle(server: &Server, people: &People, count: usize) -> Result<Vec<f64>> {
    // What the first ones cost, as what is made once, is not the others'.
    let connect = async |(_, query): &(String, String)| {
        Ok::<TcpStream, Error>(Client::connect(server.address, query).await?.into_stream())
    };
    let (first, rest) = people.idle[..count].split_at(count / 100);
    let first = try_join_all(first.iter().map(connect)).await?;
    let before = server.resident()?;
    let rest: Vec<TcpStream> = stream::iter(rest).map(connect).buffer_unordered(64).try_collect().await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let each = (server.resident()? - before) / rest.len() as f64;
    join_all(first.into_iter().chain(rest).map(async |stream| drop(stream))).await;
    Ok(vec![each])
}
