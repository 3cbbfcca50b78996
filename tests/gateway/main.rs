//! The gateway from outside: real sockets on loopback, clients that speak its wire protocol.

mod cli;
mod handshakes;
mod limits;
mod messages;
mod page;
mod sessions;
mod storm;
mod world;
