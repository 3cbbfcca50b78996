//! The laboratory's tests, in one program: each would be linked with all of the engines, which takes longer than to run it.

mod book;
mod claims;
mod conformance;
mod exhaustive;
mod explore;
mod findings;
mod go;
mod lab;
mod progress;
mod properties;
mod reported;
mod spin;
mod table;
mod verdicts;
mod zoo;
