//! stripe-cli: the writer puts a message back into the channel that it alone reads, and what each fix left.

use turnstile::sync::{Case, Channel, Channels, Chosen, Flag, Signal, Spec, WaitGroup};
use turnstile::{Name, Runtime, Task};

use super::{Expected, Kernel, Variant, search};
use crate::model::Model;

pub(super) const KERNEL: Kernel = Kernel {
    name: "stripe-cli-1221",
    system: "Stripe CLI (Go), `stripe listen`",
    links: &[
        "https://github.com/stripe/stripe-cli/pull/1221",
        "https://github.com/stripe/stripe-cli/pull/1232",
        "https://github.com/stripe/stripe-cli/pull/1242",
    ],
    happened: "When a write fails, writePump puts the message back on `send` for the next connection: an unbuffered channel that \
               only writePump receives from.",
    fix: "#1221 gave `send` a buffer of 10. What was left hung as well: a pump waits to report on `notifyClose` to Run, who has begun \
          to reset the connection and waits for the pumps to end (there writePump, here readPump, which takes fewer steps). #1232 \
          gave that a buffer, too, and an escape.",
    simplified: "One reset, one break of the network. One task is the pump of both connections in turn. `send` holds one, there \
                 10, so «busy» is one message more than it holds, besides the one in hand. Pings, dialling and stopping are left out.",
    teaches: "The first fix moved the hang to the line after the one it mended, and its buffer only set the load that it takes: \
              «busy» hangs as before. Putting back what one has in hand needs no channel.",
    variants: &[
        Variant {
            name: "bug",
            about: "send holds 0",
            expected: Expected::Deadlocks(
                "writePump waits to send on send (unbuffered), which only writePump drains",
            ),
            search: |limits| search(&StripeCli1221::Bug, limits),
        },
        Variant {
            name: "first fix",
            about: "#1221: send holds some",
            expected: Expected::Deadlocks(
                "Run waits for wg, which readPump owes; \
                 readPump waits to send on notifyClose (unbuffered), which only Run drains",
            ),
            search: |limits| search(&StripeCli1221::FirstFix, limits),
        },
        Variant {
            name: "second fix",
            about: "#1232: so does notifyClose",
            expected: Expected::Holds,
            search: |limits| search(&StripeCli1221::SecondFix, limits),
        },
        Variant {
            name: "second fix, busy",
            about: "more than send holds",
            expected: Expected::Deadlocks(
                "writePump waits to send on send (1/1 full), which only writePump drains",
            ),
            search: |limits| search(&StripeCli1221::Busy, limits),
        },
    ],
};

/// Which release, and how much there is to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StripeCli1221 {
    /// No buffers.
    Bug,
    /// `send` is buffered.
    FirstFix,
    /// So is `notifyClose`, and who sends there may give up.
    SecondFix,
    /// The second fix, with more to send than `send` holds.
    Busy,
}

const SEND: Channel = Channel(0);
const NOTIFY_CLOSE: Channel = Channel(1);
const STOP_READ: Channel = Channel(2);
const STOP_WRITE: Channel = Channel(3);
const RECONNECT: Channel = Channel(4);

/// What the three goroutines of a client share.
struct Client<R: Runtime> {
    variant: StripeCli1221,
    channels: Channels<R, ()>,
    wg: WaitGroup<R>,
    /// Raised once the first connection is closed or broken, and the same as a flag: what a read and a write find.
    lost: Signal<R>,
    failing: Flag<R>,
    reconnected: Signal<R>,
}

impl<R: Runtime> Clone for Client<R> {
    fn clone(&self) -> Self {
        Client {
            variant: self.variant,
            channels: self.channels.clone(),
            wg: self.wg.clone(),
            lost: self.lost.clone(),
            failing: self.failing.clone(),
            reconnected: self.reconnected.clone(),
        }
    }
}

impl<R: Runtime> Client<R> {
    /// The connection is lost, within the current step.
    fn lose(&self, me: &Task<R>) {
        self.failing.store(me, true);
        self.lost.raise(me);
    }

    /// A pump reports that it cannot go on.
    async fn report(&self, me: &Task<R>, stop: Channel) {
        let send = Case::Send(NOTIFY_CLOSE.0, ());
        let cases = match self.variant {
            StripeCli1221::Bug | StripeCli1221::FirstFix => vec![send],
            StripeCli1221::SecondFix | StripeCli1221::Busy => vec![send, Case::Receive(stop.0)],
        };
        self.channels.select(me, cases).await;
    }

    async fn run(self, me: Task<R>) {
        self.channels.select(&me, vec![Case::Receive(NOTIFY_CLOSE.0), Case::Receive(RECONNECT.0)]).await;
        self.channels.close(&me, STOP_READ).await.expect("closed once");
        self.channels.close(&me, STOP_WRITE).await.expect("closed once");
        me.turn().await;
        self.lose(&me);
        self.wg.wait(&me).await;
        me.turn().await;
        self.reconnected.raise(&me);
    }

    async fn read_pump(self, me: Task<R>) {
        self.lost.wait(&me).await;
        let stopped = self.channels.select_or_default(&me, vec![Case::Receive(STOP_READ.0)]).await;
        if stopped == Chosen::Default {
            self.report(&me, STOP_READ).await;
        }
        self.wg.done(&me);
    }

    async fn write_pump(self, me: Task<R>) {
        // Not at rest at the top of this loop: that is only said of the second connection.
        while let Chosen::Received { case: 0, .. } =
            self.channels.select(&me, vec![Case::Receive(SEND.0), Case::Receive(STOP_WRITE.0)]).await
        {
            if self.failing.load(&me).await {
                me.note(|| "the write fails".to_owned());
                self.channels.send(&me, SEND, ()).await.expect("never closed");
                self.report(&me, STOP_WRITE).await;
                break;
            }
        }
        self.wg.done(&me);
        self.reconnected.wait(&me).await;
        loop {
            me.rest();
            self.channels.receive(&me, SEND).await;
        }
    }
}

impl Model for StripeCli1221 {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let [run, read, write] = ["Run", "readPump", "writePump"].map(Name::one);
        let (send, notify, messages) = match self {
            StripeCli1221::Bug => (0, 0, 1),
            StripeCli1221::FirstFix => (1, 0, 1),
            StripeCli1221::SecondFix => (1, 1, 1),
            StripeCli1221::Busy => (1, 1, 2),
        };
        let client = Client {
            variant: *self,
            channels: Channels::new(
                runtime,
                Name::one("the client's channels"),
                [
                    Spec::new(Name::one("send"), send).drained_by([write]),
                    Spec::new(Name::one("notifyClose"), notify).drained_by([run]),
                    Spec::new(Name::one("stopReadPump"), 0),
                    Spec::new(Name::one("stopWritePump"), 0),
                    Spec::new(Name::one("ReconnectInterval"), 1),
                ],
            ),
            wg: WaitGroup::new(runtime, Name::one("wg"), [read, write]),
            lost: Signal::new(runtime, Name::one("loss of the connection")),
            failing: Flag::new(runtime, Name::one("connection lost")),
            reconnected: Signal::new(runtime, Name::one("the next connection")),
        };
        for n in 1..=messages {
            let client = client.clone();
            Task::spawn(runtime, Name::of("SendMessage", n), async move |me| {
                client.channels.send(&me, SEND, ()).await.expect("never closed");
            });
        }
        let (timer, network) = (client.clone(), client.clone());
        Task::spawn(runtime, Name::one("timer"), async move |me| {
            timer.channels.send(&me, RECONNECT, ()).await.expect("never closed");
        });
        Task::spawn(runtime, Name::one("network"), async move |me| {
            if me.whim().await {
                network.lose(&me);
            }
        });
        Task::spawn(runtime, run, |me| client.clone().run(me));
        Task::spawn(runtime, read, |me| client.clone().read_pump(me));
        Task::spawn(runtime, write, |me| client.clone().write_pump(me));
    }

    fn look<R: Runtime>(&self, (): &()) {}
}
