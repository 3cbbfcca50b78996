//! A whole small world in one file: each state with all that can be seen in it, for a page that has no server.

use std::collections::VecDeque;

use hashbrown::HashMap;
use serde_json::{Map, Value, json};

use super::Explorer;
use crate::outlook::Outlook;
use crate::scenario::Scenario;
use crate::schedule::Turn;

/// What there was no room for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLarge {
    /// How many states the world has.
    pub states: usize,
    /// How many an export holds.
    pub most: usize,
}

/// Values that are the same are kept once; each is known by its number.
///
/// A number, a text, a truth or nothing stands for itself; a list is `["[", numbers...]`, an object `["{", key, number, ...]`.
#[derive(Default)]
struct Pool {
    numbers: HashMap<String, usize>,
    values: Vec<Value>,
}

impl Pool {
    fn add(&mut self, value: Value) -> usize {
        let flat = match value {
            Value::Array(items) => {
                let items = items.into_iter().map(|item| json!(self.add(item))).collect::<Vec<_>>();
                Value::Array(std::iter::once(json!("[")).chain(items).collect())
            }
            Value::Object(fields) => {
                let fields = fields.into_iter().flat_map(|(key, value)| [json!(key), json!(self.add(value))]);
                let fields = fields.collect::<Vec<_>>();
                Value::Array(std::iter::once(json!("{")).chain(fields).collect())
            }
            scalar => scalar,
        };
        let text = flat.to_string();
        if let Some(number) = self.numbers.get(&text) {
            return *number;
        }
        self.values.push(flat);
        self.numbers.insert(text, self.values.len() - 1);
        self.values.len() - 1
    }
}

/// All states of a world, by their numbers from 0 in the order of their distance from the first.
///
/// The object has `pool`, the values; and `states`, each an object of numbers in the pool but for `to`: `moment` is what can be seen there,
/// `future` what can still happen, `steps` what each option does, `to` the state that it leads to, `futures` what can still happen then.
///
/// # Errors
/// Says that the world has more states than an export holds.
pub fn pack(scenario: &Scenario, outlook: &Outlook, most: usize) -> Result<Value, TooLarge> {
    let states = outlook.graph().len();
    if states > most {
        return Err(TooLarge { states, most });
    }
    let mut explorer = Explorer::new(scenario).expect("a scenario that was searched can be run");
    let mut pool = Pool::default();
    // By state of the graph: its number in the export.
    let mut numbers: HashMap<u32, usize> = HashMap::from_iter([(outlook.start(), 0)]);
    let mut count = 1;
    let mut open: VecDeque<(Option<u32>, Vec<u32>, Vec<Turn>)> =
        VecDeque::from([(Some(outlook.start()), Vec::new(), Vec::new())]);
    let mut packed = Vec::new();
    while let Some((state, at, turns)) = open.pop_front() {
        let moment = explorer.look(&at, &turns).expect("a way of the graph can be taken");
        let Value::Object(mut seen) = json!(moment) else { unreachable!("a moment is an object") };
        // Those are of the way that led there, and not of the state.
        for field in ["at", "steps", "key"] {
            seen.remove(field);
        }
        let (mut steps, mut to, mut futures) = (Vec::new(), Vec::new(), Vec::new());
        for option in &moment.options {
            let turn = explorer.choices(&at, &turns).expect("they were just found")[option.option as usize]
                .turn
                .clone();
            let step =
                state.and_then(|state| outlook.graph().find(state, &turn)).expect("the graph is complete");
            let (longer, further) = (with(&at, option.option), with(&turns, turn));
            let after = explorer.look(&longer, &further).expect("an option can be taken");
            steps.push(pool.add(json!(after.steps.last())));
            futures.push(pool.add(json!(outlook.future_after(&step))));
            // Where the program breaks, each way to it is an end of its own.
            let known = if step.to == 0 { None } else { numbers.get(&step.to).copied() };
            to.push(known.unwrap_or_else(|| {
                if step.to != 0 {
                    numbers.insert(step.to, count);
                }
                open.push_back((Some(step.to).filter(|to| *to != 0), longer, further));
                count += 1;
                count - 1
            }));
        }
        let future = state.map(|state| outlook.future(state));
        packed.push(json!({
            "moment": pool.add(Value::Object(seen)),
            "future": pool.add(json!(future)),
            "steps": steps,
            "to": to,
            "futures": futures,
        }));
    }
    let mut all = Map::new();
    all.insert("pool".to_owned(), Value::Array(pool.values));
    all.insert("states".to_owned(), Value::Array(packed));
    Ok(Value::Object(all))
}

fn with<T: Clone>(list: &[T], last: T) -> Vec<T> {
    let mut longer = list.to_vec();
    longer.push(last);
    longer
}
