//! The gateway from outside: real sockets on loopback, clients that speak its wire protocol.

mod cli;
mod grafana;
mod handshakes;
mod incident;
mod limits;
mod messages;
mod metrics;
mod page;
mod sessions;
mod spans;
mod storm;
mod waits;
mod world;
