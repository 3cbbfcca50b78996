//! The worlds that the page has asked about lately: a walk through each, and its graph, searched once, in the background.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::{Value, json};
use turnstile_models::engine::{Effort, Progress};
use turnstile_models::explore::Explorer;
use turnstile_models::scenario::Scenario;
use turnstile_models::{Limits, Outlook};

/// So many are kept.
const KEPT: usize = 4;

/// A world that was asked about.
pub(super) struct Place {
    pub(super) scenario: Scenario,
    explorer: Mutex<Explorer>,
    search: Mutex<Search>,
    /// Nobody wants it any more.
    forgotten: AtomicBool,
}

/// How its search stands.
#[derive(Clone)]
pub(super) enum Search {
    /// It has not begun.
    Idle,
    /// It goes on; so much was seen.
    Goes(Effort),
    /// It is over.
    Done(Arc<Outlook>),
    /// It broke.
    Broke,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress for Place {
    fn tell(&self, effort: &Effort) {
        *lock(&self.search) = Search::Goes(*effort);
    }

    fn enough(&self) -> bool {
        self.forgotten.load(Ordering::Relaxed)
    }
}

impl Place {
    /// The walk through it.
    pub(super) fn explorer(&self) -> MutexGuard<'_, Explorer> {
        lock(&self.explorer)
    }

    /// How its search stands; it begins with the first question.
    pub(super) fn search(self: &Arc<Place>, limits: &Limits) -> Search {
        let mut search = lock(&self.search);
        if let Search::Idle = &*search {
            *search = Search::Goes(Effort::default());
            let (place, limits) = (self.clone(), limits.clone());
            thread::spawn(move || place.run(&limits));
        }
        search.clone()
    }

    fn run(&self, limits: &Limits) {
        /// Says that it broke, unless it came to an end.
        struct Ends<'a>(&'a Place, Search);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                *lock(&self.0.search) = self.1.clone();
            }
        }
        let mut ends = Ends(self, Search::Broke);
        if let Ok(outlook) = Outlook::new(&self.scenario, limits, self) {
            ends.1 = Search::Done(Arc::new(outlook));
        }
    }
}

impl Search {
    /// The outlook, once the search is over.
    pub(super) fn outlook(&self) -> Option<&Outlook> {
        match self {
            Search::Done(outlook) => Some(outlook),
            _ => None,
        }
    }

    /// For the page.
    pub(super) fn json(&self) -> Value {
        let said = |is: &str, why: Option<&str>, effort: &Effort, properties: Value| {
            json!({
                "is": is,
                "why": why,
                "states": effort.states.unwrap_or_default(),
                "transitions": effort.transitions.unwrap_or_default(),
                "depth": effort.depth.unwrap_or_default(),
                "seconds": effort.time.as_secs_f64(),
                "properties": properties,
            })
        };
        match self {
            Search::Idle => said("searching", None, &Effort::default(), json!([])),
            Search::Goes(effort) => said("searching", None, effort, json!([])),
            Search::Done(outlook) => {
                let is = if outlook.stopped().is_some() { "stopped" } else { "complete" };
                said(is, outlook.stopped(), outlook.effort(), json!(outlook.rulings()))
            }
            Search::Broke => said(
                "stopped",
                Some("a fault of its own; the terminal says more"),
                &Effort::default(),
                json!([]),
            ),
        }
    }
}

/// All of them, the one that was asked about last comes last.
#[derive(Default)]
pub(super) struct Places(Mutex<Vec<Arc<Place>>>);

impl Places {
    /// The place for a world.
    ///
    /// # Errors
    /// Says why it cannot be run.
    pub(super) fn of(&self, scenario: &Scenario) -> Result<Arc<Place>, String> {
        let mut places = lock(&self.0);
        let known = places.iter().position(|place| place.scenario == *scenario);
        let place = match known {
            Some(at) => places.remove(at),
            None => Arc::new(Place {
                scenario: *scenario,
                explorer: Mutex::new(Explorer::new(scenario)?),
                search: Mutex::new(Search::Idle),
                forgotten: AtomicBool::new(false),
            }),
        };
        places.push(place.clone());
        if places.len() > KEPT {
            places.remove(0).forgotten.store(true, Ordering::Relaxed);
        }
        Ok(place)
    }
}
