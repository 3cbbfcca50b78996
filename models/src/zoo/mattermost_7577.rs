//! mattermost: on stopping, the hub closes its connections and waits for them, and each unregisters with the hub first.

use turnstile::sync::{Case, Channel, Channels, Chosen, Shared, Signal, Spec, WaitGroup};
use turnstile::{Name, Runtime, Task};

use super::{Expected, Kernel, Variant, search};
use crate::model::Model;

pub(super) const KERNEL: Kernel = Kernel {
    name: "mattermost-7577",
    system: "Mattermost (Go), team chat",
    links: &[
        "https://github.com/mattermost/mattermost/pull/7577",
        "https://github.com/mattermost/mattermost/pull/9863",
        "https://github.com/mattermost/mattermost/pull/10081",
    ],
    happened: "On stop the hub closes each WebConn and waits for its pump, and the pump's last act is to unregister with that hub.",
    fix: "Unregister selects between the send and `stop`, which is closed before the hub begins to stop (#7577). A year later #9863 \
          tidied that to `didStop`, which the hub closes when it has stopped: the same cycle again, until #10081 put `stop` back.",
    simplified: "One hub, two connections. Of the hub's channels only `unregister`, `stop` and `didStop`; the connections are \
                 registered from the start. A WebConn's read and write pump are one task.",
    teaches: "An escape helps only if it opens before the wait it is to end: `stop` says «I want to», `didStop` says «I have».",
    variants: &[
        Variant {
            name: "bug",
            about: "unregister <- c",
            expected: Expected::Deadlocks(
                "WebConn 1 waits to send on unregister (unbuffered), which only hub drains; \
                 hub waits for pumpFinished 1, which WebConn 1 owes",
            ),
            search: |limits| search(&Mattermost7577::Bug, limits),
        },
        Variant {
            name: "fix",
            about: "#7577: or <-stop",
            expected: Expected::Holds,
            search: |limits| search(&Mattermost7577::Fix, limits),
        },
        Variant {
            name: "regression",
            about: "#9863: or <-didStop",
            expected: Expected::Deadlocks(
                "hub waits for pumpFinished 1, which WebConn 1 owes; \
                 WebConn 1 waits for work on unregister or didStop",
            ),
            search: |limits| search(&Mattermost7577::Regression, limits),
        },
    ],
};

/// How a connection unregisters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mattermost7577 {
    /// It sends on `unregister`.
    Bug,
    /// Or it sees `stop`.
    Fix,
    /// Or it sees `didStop`.
    Regression,
}

const UNREGISTER: Channel = Channel(0);
const STOP: Channel = Channel(1);
const DID_STOP: Channel = Channel(2);
const CONNECTIONS: u32 = 2;

impl Model for Mattermost7577 {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let hub = Name::one("hub");
        let together = match self {
            Mattermost7577::Regression => Name::one("unregister or didStop"),
            _ => Name::one("unregister or stop"),
        };
        let channels: Channels<R, u32> = Channels::new(
            runtime,
            together,
            [
                Spec::new(Name::one("unregister"), 0).drained_by([hub]),
                Spec::new(Name::one("stop"), 0),
                Spec::new(Name::one("didStop"), 0),
            ],
        );
        let sockets: Vec<Signal<R>> =
            (1..=CONNECTIONS).map(|n| Signal::new(runtime, Name::of("close of socket", n))).collect();
        let finished: Vec<WaitGroup<R>> = (1..=CONNECTIONS)
            .map(|n| WaitGroup::new(runtime, Name::of("pumpFinished", n), [Name::of("WebConn", n)]))
            .collect();
        let registered =
            Shared::new(runtime, Name::one("connections"), (1..=CONNECTIONS).collect::<Vec<_>>());

        for n in 1..=CONNECTIONS {
            let (variant, channels) = (*self, channels.clone());
            let (socket, finished) = (sockets[n as usize - 1].clone(), finished[n as usize - 1].clone());
            Task::spawn(runtime, Name::of("WebConn", n), async move |me| {
                if socket.whim_before(&me).await {
                    me.note(|| "the peer leaves".to_owned());
                }
                let escape = match variant {
                    Mattermost7577::Bug => None,
                    Mattermost7577::Fix => Some(STOP),
                    Mattermost7577::Regression => Some(DID_STOP),
                };
                let cases = std::iter::once(Case::Send(UNREGISTER.0, n))
                    .chain(escape.map(|escape| Case::Receive(escape.0)));
                channels.select(&me, cases.collect()).await;
                finished.done(&me);
            });
        }

        let stopper = channels.clone();
        Task::spawn(runtime, hub, async move |me| {
            loop {
                me.rest();
                match channels.select(&me, vec![Case::Receive(UNREGISTER.0), Case::Receive(STOP.0)]).await {
                    Chosen::Received { value: Some(gone), .. } => {
                        registered.with(|all| all.retain(|n| *n != gone));
                    }
                    _ => break,
                }
            }
            for n in registered.with(|all| all.clone()) {
                me.turn().await;
                sockets[n as usize - 1].raise(&me);
                finished[n as usize - 1].wait(&me).await;
            }
            channels.close(&me, DID_STOP).await.expect("closed once");
        });
        Task::spawn(runtime, Name::one("Stop"), async move |me| {
            stopper.close(&me, STOP).await.expect("closed once");
            stopper.receive(&me, DID_STOP).await;
        });
    }

    fn look<R: Runtime>(&self, (): &()) {}
}
