//! dcrdata: the event loop sends to itself, and to a helper that sends to it.

use turnstile::sync::{Case, Channel, Channels, Chosen, Shared, Spec};
use turnstile::{Name, Runtime, Task};

use super::{Expected, Kernel, Variant, search};
use crate::model::Model;

pub(super) const KERNEL: Kernel = Kernel {
    name: "dcrdata-431",
    system: "dcrdata (Go), block explorer",
    links: &["https://github.com/decred/dcrdata/pull/431", "https://github.com/decred/dcrdata/pull/434"],
    happened: "When its buffer of transactions is full, the websocket loop sends on `sendBufferChan`, capacity 1, to have it flushed: \
               by itself. A ticker sends there as well, and takes from the loop on `bufferTickerChan`.",
    fix: "The two sends go into a goroutine, and both channels get a capacity of 5 (#431). #434 has callers give up on a stuck hub \
          after 10 s.",
    simplified: "The buffer of transactions is full with one, not five; two transactions, two ticks, no clients, no shutdown. The \
                 fix keeps the old capacities: it is the goroutine that mends.",
    teaches: "A channel of capacity 1 to oneself works until somebody else has put something in. Raising it to 5 would have \
              hidden that; the goroutine pays with the order of the sends.",
    variants: &[
        Variant {
            name: "bug",
            about: "sends in the loop",
            expected: Expected::Deadlocks(
                "run waits to send on sendBufferChan (1/1 full), which only run drains",
            ),
            search: |limits| search(&Dcrdata431::Bug, limits),
        },
        Variant {
            name: "bug, no ticks",
            about: "nobody else sends there",
            expected: Expected::Holds,
            search: |limits| search(&Dcrdata431::WithoutTicks, limits),
        },
        Variant {
            name: "fix",
            about: "#431: go func",
            expected: Expected::Holds,
            search: |limits| search(&Dcrdata431::Fix, limits),
        },
    ],
};

/// Who has the buffer flushed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dcrdata431 {
    /// The loop itself.
    Bug,
    /// The same, while the ticker is silent.
    WithoutTicks,
    /// A goroutine.
    Fix,
}

const HUB_RELAY: Channel = Channel(0);
const NEW_TX_CHAN: Channel = Channel(1);
const SEND_BUFFER_CHAN: Channel = Channel(2);
const BUFFER_TICKER_CHAN: Channel = Channel(3);
const TICKS: Channel = Channel(4);

/// How many transactions come, and how many ticks.
const OF_EACH: u32 = 2;
/// `newTxBufferSize`.
const BUFFER: usize = 1;

impl Model for Dcrdata431 {
    type World<R: Runtime> = ();
    type Outcome = ();

    fn start<R: Runtime>(&self, runtime: &R) {
        let (run, periodic, variant) = (Name::one("run"), Name::one("periodicBufferSend"), *self);
        let channels: Channels<R, u32> = Channels::new(
            runtime,
            Name::one("the hub's channels"),
            [
                Spec::new(Name::one("HubRelay"), 0).drained_by([run]),
                Spec::new(Name::one("NewTxChan"), 0).drained_by([run]),
                Spec::new(Name::one("sendBufferChan"), 1).drained_by([run]),
                Spec::new(Name::one("bufferTickerChan"), 0).drained_by([periodic]),
                Spec::new(Name::one("ticker.C"), 1).drained_by([periodic]),
            ],
        );
        let buffer = Shared::new(runtime, Name::one("newTxBuffer"), Vec::new());

        let monitor = channels.clone();
        Task::spawn(runtime, Name::one("mempool monitor"), async move |me| {
            for tx in 1..=OF_EACH {
                monitor.send(&me, HUB_RELAY, tx).await.expect("never closed");
                monitor.send(&me, NEW_TX_CHAN, tx).await.expect("never closed");
            }
        });
        if variant != Dcrdata431::WithoutTicks {
            let ticker = channels.clone();
            Task::spawn(runtime, Name::one("ticker"), async move |me| {
                for _ in 0..OF_EACH {
                    // A tick that nobody has taken yet is not sent twice.
                    ticker.select_or_default(&me, vec![Case::Send(TICKS.0, 0)]).await;
                }
            });
        }
        let mine = channels.clone();
        Task::spawn(runtime, periodic, async move |me| {
            loop {
                me.rest();
                let cases = vec![Case::Receive(TICKS.0), Case::Receive(BUFFER_TICKER_CHAN.0)];
                if let Chosen::Received { case: 0, .. } = mine.select(&me, cases).await {
                    mine.send(&me, SEND_BUFFER_CHAN, 0).await.expect("never closed");
                }
            }
        });
        Task::spawn(runtime, run, async move |me| {
            loop {
                me.rest();
                let cases = vec![Case::Receive(HUB_RELAY.0), Case::Receive(SEND_BUFFER_CHAN.0)];
                if let Chosen::Received { case: 1, .. } = channels.select(&me, cases).await {
                    buffer.step(&me, "flush the buffer", Vec::clear).await;
                    continue;
                }
                let tx = channels.receive(&me, NEW_TX_CHAN).await.expect("never closed");
                let len = buffer.with(|buffer| {
                    buffer.push(tx);
                    buffer.len()
                });
                match variant {
                    Dcrdata431::Bug | Dcrdata431::WithoutTicks if len == BUFFER => {
                        flush(&me, &channels).await
                    }
                    Dcrdata431::Fix if len >= BUFFER => {
                        let channels = channels.clone();
                        Task::spawn(&me.runtime, Name::of("MaybeSendTxns", tx), async move |me| {
                            flush(&me, &channels).await;
                        });
                    }
                    _ => {}
                }
            }
        });
    }

    fn look<R: Runtime>(&self, (): &()) {}
}

/// Has the ticker begin anew and the buffer flushed.
async fn flush<R: Runtime>(me: &Task<R>, channels: &Channels<R, u32>) {
    channels.send(me, BUFFER_TICKER_CHAN, 0).await.expect("never closed");
    channels.send(me, SEND_BUFFER_CHAN, 0).await.expect("never closed");
}
