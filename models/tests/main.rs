//! The laboratory's tests, in one program: each would be linked with all of the engines, which takes longer than to run it.

mod book;
mod claims;
mod conformance;
mod exercises;
mod exhaustive;
mod explore;
mod findings;
mod go;
mod lab;
mod library;
mod progress;
mod properties;
mod reported;
mod spin;
mod table;
mod verdicts;
mod zoo;
