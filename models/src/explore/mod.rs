//! A world in which you are the scheduler: what can be seen at a moment, and each step that can be taken there.
//!
//! Nothing is simulated: to show a moment, the real core is run again from the start, step by step as it was chosen.

mod facts;
mod moment;
mod options;
pub mod packed;

pub use moment::{Broken, Fact, Moment, OptionView, StepView, TaskView, WaitView};

use hashbrown::HashMap;

use crate::player::{Play, Segment};
use crate::scenario::Scenario;
use crate::schedule::{Schedule, Turn};

/// How many steps a walk may have: no shortest counterexample has a tenth of that.
pub const LONGEST: usize = 500;

/// Walks through a scenario.
///
/// A way is told by numbers: at each moment the steps that can be taken are numbered from 0, in the same order each time.
///
/// ```
/// use turnstile_models::{explore::Explorer, scenario::Scenario};
///
/// let mut explorer = Explorer::new(&Scenario::default()).unwrap();
/// let start = explorer.moment(&[]).unwrap();
/// assert_eq!(start.channels[0].name.to_string(), "register");
/// let tasks: Vec<String> = start.options.iter().map(|option| option.task.to_string()).collect();
/// assert_eq!(tasks, ["hub", "connection 1", "connection 2"]);
///
/// let then = explorer.moment(&[2]).unwrap();
/// assert_eq!(then.steps[0].task.to_string(), "connection 2");
/// assert_eq!(explorer.moment(&[7]).unwrap_err(), "step 1: there is no option 7; there are 3, numbered from 0");
/// ```
pub struct Explorer {
    scenario: Scenario,
    play: Play<Scenario>,
    segments: Vec<Segment>,
    /// By the way to a moment: the steps that can be taken there.
    options: HashMap<Vec<u32>, Vec<options::Choice>>,
}

impl Explorer {
    /// A walk that is about to begin.
    ///
    /// # Errors
    /// Says why the scenario cannot be run.
    pub fn new(scenario: &Scenario) -> Result<Explorer, String> {
        scenario.validate()?;
        let mut play = Play::new(*scenario, None);
        play.view();
        Ok(Explorer { scenario: *scenario, play, segments: Vec::new(), options: HashMap::new() })
    }

    /// What can be seen after these steps.
    ///
    /// # Errors
    /// Says which step cannot be taken.
    pub fn moment(&mut self, at: &[u32]) -> Result<Moment, String> {
        let turns = self.turns(at)?;
        self.look(at, &turns)
    }

    /// The turns that these numbers stand for.
    ///
    /// # Errors
    /// Says which step cannot be taken.
    pub fn turns(&mut self, at: &[u32]) -> Result<Vec<Turn>, String> {
        if at.len() > LONGEST {
            return Err(format!("{} steps are more than {LONGEST}; go back, or begin again", at.len()));
        }
        let mut turns = Vec::new();
        for (index, number) in at.iter().enumerate() {
            let choices = self.choices(&at[..index], &turns)?;
            let Some(choice) = choices.get(*number as usize) else {
                let there_are = match choices.len() {
                    0 => "there is none: nothing can move any more".to_owned(),
                    1 => "there is 1, number 0".to_owned(),
                    many => format!("there are {many}, numbered from 0"),
                };
                return Err(format!("step {}: there is no option {number}; {there_are}", index + 1));
            };
            let turn = choice.turn.clone();
            turns.push(turn);
        }
        Ok(turns)
    }

    /// The turns that can be taken after these steps, by number.
    ///
    /// # Errors
    /// Says which step cannot be taken.
    pub fn options(&mut self, at: &[u32]) -> Result<Vec<Turn>, String> {
        let turns = self.turns(at)?;
        Ok(self.choices(at, &turns)?.iter().map(|choice| choice.turn.clone()).collect())
    }

    /// The numbers that these turns have, taken on from a way.
    ///
    /// # Errors
    /// Says which turn cannot be taken.
    pub fn numbers(&mut self, from: &[u32], schedule: &Schedule) -> Result<Vec<u32>, String> {
        let mut turns = self.turns(from)?;
        let mut at = from.to_vec();
        for turn in &schedule.turns {
            let choices = self.choices(&at, &turns)?;
            let number = choices.iter().position(|choice| choice.turn == *turn);
            let number =
                number.ok_or_else(|| format!("step {}: {} cannot move so here", at.len() + 1, turn.task))?;
            at.push(number as u32);
            turns.push(turn.clone());
        }
        Ok(at)
    }

    /// The steps that can be taken after these turns; `at` are their numbers.
    fn choices(&mut self, at: &[u32], turns: &[Turn]) -> Result<&[options::Choice], String> {
        if !self.options.contains_key(at) {
            // Each walk adds a few; somebody who plays all day should not fill the memory with them.
            if self.options.len() > 20_000 {
                self.options.clear();
            }
            let choices = self.find_choices(turns)?;
            self.options.insert(at.to_vec(), choices);
        }
        Ok(&self.options[at])
    }
}
