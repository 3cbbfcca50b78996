//! kubestellar's console: handlers send to a hub that has ended.

use turnstile::sync::{Case, Channel, Channels, Chosen, Spec};
use turnstile::{Name, Runtime, Task};

use super::{Expected, Kernel, Variant, search};
use crate::model::Model;

pub(super) const KERNEL: Kernel = Kernel {
    name: "kubestellar-console-6479",
    system: "KubeStellar Console (Go), cluster dashboard",
    links: &[
        "https://github.com/kubestellar/console/issues/6479",
        "https://github.com/kubestellar/console/pull/6514",
    ],
    happened: "Close ends the hub's loop; handlers that have yet to register or unregister wait for ever to send to it.",
    fix: "Each of the two sends selects on `done` as well.",
    simplified: "Two connections. Reading and writing are left out.",
    teaches: "No cycle at all: the only one who could help has gone. A loop that may end owes an answer to all who may still \
              send to it.",
    variants: &[
        Variant {
            name: "bug",
            about: "register <- c",
            expected: Expected::Deadlocks(
                "HandleConnection 1 waits to send on register (unbuffered), which only Run drains; Run has ended",
            ),
            search: |limits| search(&Kubestellar6479::Bug, limits),
        },
        Variant {
            name: "fix",
            about: "#6514: or <-done",
            expected: Expected::Holds,
            search: |limits| search(&Kubestellar6479::Fix, limits),
        },
    ],
};

/// How a handler registers and unregisters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kubestellar6479 {
    /// It sends.
    Bug,
    /// Or it sees that the hub is done.
    Fix,
}

const REGISTER: Channel = Channel(0);
const UNREGISTER: Channel = Channel(1);
const DONE: Channel = Channel(2);
const CONNECTIONS: u32 = 2;

impl Model for Kubestellar6479 {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let run = Name::one("Run");
        // Nobody looks at who it is.
        let channels: Channels<R, ()> = Channels::new(
            runtime,
            Name::one("the hub's channels"),
            [
                Spec::new(Name::one("register"), 0).drained_by([run]),
                Spec::new(Name::one("unregister"), 0).drained_by([run]),
                Spec::new(Name::one("done"), 0),
            ],
        );
        for n in 1..=CONNECTIONS {
            let (channels, variant) = (channels.clone(), *self);
            Task::spawn(runtime, Name::of("HandleConnection", n), async move |me| {
                for channel in [REGISTER, UNREGISTER] {
                    let send = Case::Send(channel.0, ());
                    let cases = match variant {
                        Kubestellar6479::Bug => vec![send],
                        Kubestellar6479::Fix => vec![send, Case::Receive(DONE.0)],
                    };
                    channels.select(&me, cases).await;
                }
            });
        }
        let closer = channels.clone();
        Task::spawn(runtime, run, async move |me| {
            loop {
                me.rest();
                let cases = [REGISTER, UNREGISTER, DONE].map(|channel| Case::Receive(channel.0));
                if let Chosen::Received { value: None, .. } = channels.select(&me, cases.to_vec()).await {
                    return;
                }
            }
        });
        Task::spawn(runtime, Name::one("Close"), async move |me| {
            closer.close(&me, DONE).await.expect("closed once");
        });
    }

    fn look<R: Runtime>(&self, (): &()) {}
}
