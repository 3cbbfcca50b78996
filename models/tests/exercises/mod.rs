//! The exercises of the course, with their solutions: what is wrong fails, what is mended holds. The course shows these very files.

mod counter;
mod ghost;
mod lock;
mod loops;
mod room;
mod wakeup;
mod workers;
