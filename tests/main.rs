//! What can be tested without a server, in one program: to link it once is quicker.

mod queues;
mod show;
mod store;
mod store_alike;
mod sync;
mod tidy;
mod wire;
