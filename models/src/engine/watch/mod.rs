//! What the engines that run the core on somebody else's scheduler keep of one execution: how each task stands, and the
//! turns in the order in which they were taken.
//!
//! From the first follows when the world has come to rest and when a knot is tied. So a deadlock comes back as a value:
//! no scheduler ever gets to see one, since the execution is over, and torn down, before.

mod knots;
mod tracked;

use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use hashbrown::HashMap;
use turnstile::Name;
use turnstile::waits::{Knot, Wait};

use self::tracked::Bell;
pub(crate) use self::tracked::Tracked;
use super::Quest;
use crate::player::Breach;
use crate::schedule::{Pick, Schedule, Turn};

/// The number of a task in the table, in the order of their start.
type Seat = usize;

thread_local! {
    /// The task that is being polled on this thread. A runtime's access to a cell does not say whose it is.
    static CURRENT: Cell<Option<Seat>> = const { Cell::new(None) };
}

/// How to watch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// What is asked.
    pub(crate) quest: Quest,
    /// True if an execution goes on after a knot or a crash, until it has come to rest. loom must see what the other
    /// tasks would have done, or it would not know which other orders to try.
    pub(crate) goes_on: bool,
    /// After so many turns an execution is cut off.
    pub(crate) most_turns: usize,
}

/// The watch over one execution. A handle; clones are the same watch.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Watched>);

struct Watched {
    habits: Habits,
    /// Set once the execution is over: then every task ends at its next turn or wait.
    over: AtomicBool,
    table: Mutex<Table>,
}

/// Something that was seen in an execution, after so many turns.
#[derive(Clone)]
pub(crate) struct Sight {
    pub(crate) what: What,
    pub(crate) turns: usize,
}

/// What was seen.
#[derive(Clone, PartialEq)]
pub(crate) enum What {
    /// A knot was tied.
    Knot(Knot),
    /// A rule was broken.
    Breach(Breach),
    /// The program broke.
    Crash(String),
}

#[derive(Default)]
struct Table {
    tasks: Vec<Entry>,
    // Only looked up, never walked.
    seats: HashMap<Name, Seat>,
    /// How many tasks can go on; and one more until the model has started.
    able: usize,
    /// How many tasks have not ended.
    left: usize,
    /// The tasks that are parked in the midst of work.
    working: BTreeSet<Seat>,
    turns: Vec<Turn>,
    sights: Vec<Sight>,
    crashed: bool,
    settled: bool,
    cut: Option<String>,
    panic: Option<Box<dyn Any + Send>>,
    main: Option<Waker>,
}

struct Entry {
    name: Name,
    stands: Stands,
    /// True if it was woken since its poll began.
    woken: bool,
    /// What it waits for, if it is parked.
    wait: Option<Wait>,
    /// How often it was polled: what stands the same at two moments has stood so all the time in between.
    polls: u64,
    /// Its current turn.
    turn: Option<usize>,
    /// True if it has come to a turn of which nothing could be seen yet.
    due: bool,
    /// True if it is polled again after it was parked, and has not yet accessed a cell since.
    resumed: bool,
    /// True if it ever waited for several things at once: what woke it is then not known.
    several: bool,
    /// True if the program broke in it.
    broken: bool,
    bell: Option<Arc<Bell>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Able,
    Parked,
    Done,
}

impl Watch {
    /// A watch over an execution that is about to begin.
    pub(crate) fn new(habits: Habits) -> Watch {
        // The main task counts as able until the model has started: no rest before that.
        let table = Table { able: 1, ..Table::default() };
        Watch(Arc::new(Watched { habits, over: AtomicBool::new(false), table: Mutex::new(table) }))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True once nothing counts any more.
    pub(crate) fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Acquire)
    }

    /// Comes to a turn that is recorded here and now: where a step is not interrupted, this is its place in the order.
    pub(crate) async fn pass(&self, who: Name) {
        poll_fn(|_| if self.may_go(who, false) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// Comes to a turn that is recorded when the step first [enters](Watch::enters) a cell: other tasks may go before.
    pub(crate) async fn come(&self, who: Name) {
        poll_fn(|_| if self.may_go(who, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// False if the task is to end instead.
    fn may_go(&self, who: Name, due: bool) -> bool {
        if self.is_over() {
            return false;
        }
        let mut table = self.table();
        let Some(seat) = table.seats.get(&who).copied() else { return false };
        table.record_due(seat);
        if table.tasks[seat].broken {
            return false;
        }
        table.tasks[seat].resumed = false;
        table.tasks[seat].due = due;
        if !due {
            table.record(seat);
        }
        if table.turns.len() > self.0.habits.most_turns {
            let why = format!("an execution of more than {} steps", self.0.habits.most_turns);
            drop(table);
            self.cut(why);
            return false;
        }
        true
    }

    /// The current task has locked a cell.
    pub(crate) fn enters(&self) {
        let Some(seat) = CURRENT.get() else { return };
        if !self.is_over() {
            self.table().record_due(seat);
        }
    }

    /// True, once, for the first access of a task that goes on after a wait: it takes what it was woken for.
    pub(crate) fn resumed(&self) -> bool {
        let Some(seat) = CURRENT.get() else { return false };
        let task = &mut self.table().tasks[seat];
        std::mem::take(&mut task.resumed) && !task.several
    }

    /// A task has picked by index.
    pub(crate) fn picks(&self, who: Name, pick: usize) {
        self.notes_pick(who, Pick::Index(pick as u32));
    }

    /// A task has picked one of several named things.
    pub(crate) fn picks_named(&self, who: Name, pick: Name) {
        self.notes_pick(who, Pick::Named(pick.number()));
    }

    fn notes_pick(&self, who: Name, pick: Pick) {
        if self.is_over() {
            return;
        }
        let mut table = self.table();
        let Some(seat) = table.seats.get(&who).copied() else { return };
        table.record_due(seat);
        if let Some(turn) = table.tasks[seat].turn {
            table.turns[turn].picks.push(pick);
        }
    }

    /// A task is about to wait, unless it is over before it parks.
    pub(crate) fn waits(&self, who: Name, wait: Wait) {
        self.set_wait(who, Some(wait));
    }

    /// A task's wait is over.
    pub(crate) fn resumes(&self, who: Name) {
        self.set_wait(who, None);
    }

    fn set_wait(&self, who: Name, wait: Option<Wait>) {
        if self.is_over() {
            return;
        }
        let mut table = self.table();
        let Some(seat) = table.seats.get(&who).copied() else { return };
        table.tasks[seat].several |= wait.is_some() && table.tasks[seat].wait.is_some();
        let old = std::mem::replace(&mut table.tasks[seat].wait, wait);
        // Dropped after unlocking: it may be the last to hold what it waits for.
        drop(table);
        drop(old);
    }

    /// A step breaks a rule.
    pub(crate) fn breach(&self, who: Name, rule: &'static str, what: impl FnOnce() -> String) {
        if self.0.habits.quest != Quest::Breaches || self.is_over() {
            return;
        }
        // Before the table is locked: it may look at cells.
        let what = what();
        let mut table = self.table();
        if let Some(seat) = table.seats.get(&who).copied() {
            table.record_due(seat);
        }
        if !table.crashed && !table.settled {
            let turns = table.turns.len();
            table.sights.push(Sight { what: What::Breach(Breach { step: turns, rule, what }), turns });
        }
    }

    /// The program breaks.
    pub(crate) fn crash(&self, who: Name, why: &str) {
        if self.is_over() {
            return;
        }
        let mut table = self.table();
        if let Some(seat) = table.seats.get(&who).copied() {
            table.tasks[seat].broken = true;
        }
        if !std::mem::replace(&mut table.crashed, true) && !table.settled {
            let turns = table.turns.len();
            table.sights.push(Sight { what: What::Crash(format!("{who}: {why}")), turns });
            drop(table);
            self.settle_unless_it_goes_on();
        }
    }

    /// The execution is cut off: what it would have come to is not known.
    pub(crate) fn cut(&self, why: String) {
        let mut table = self.table();
        if !table.settled {
            table.cut = Some(why);
            drop(table);
            self.settle(true);
        }
    }

    /// The current task, for an engine that switches tasks in the midst of a poll.
    pub(crate) fn current() -> Option<usize> {
        CURRENT.get()
    }

    /// Takes up where [`current`](Watch::current) left off.
    pub(crate) fn go_on(current: Option<usize>) {
        CURRENT.set(current);
    }

    /// The model has started.
    pub(crate) fn started(&self) {
        let mut table = self.table();
        table.able -= 1;
        let rests = table.able == 0 && !table.settled;
        drop(table);
        if rests {
            self.settle(false);
        }
    }

    fn settle_unless_it_goes_on(&self) {
        if !self.0.habits.goes_on {
            self.settle(true);
        }
    }

    /// What is asked is answered: the main task takes over. Unless it has yet to look at the world, that is all.
    fn settle(&self, over: bool) {
        let mut table = self.table();
        if std::mem::replace(&mut table.settled, true) {
            return;
        }
        let main = table.main.take();
        drop(table);
        if over {
            self.tear_down();
        }
        if let Some(main) = main {
            main.wake();
        }
    }

    /// Waits until the execution has come to rest, or to something that ends it.
    pub(crate) async fn settled(&self) {
        self.main_waits(|table| table.settled).await;
    }

    /// Ends all tasks: each drops what it is doing.
    pub(crate) fn tear_down(&self) {
        self.0.over.store(true, Ordering::Release);
        let bells: Vec<Arc<Bell>> = self.table().tasks.iter().filter_map(|task| task.bell.clone()).collect();
        bells.iter().for_each(|bell| bell.ring());
    }

    /// Waits until all tasks have ended.
    pub(crate) async fn cleared(&self) {
        self.main_waits(|table| table.left == 0).await;
    }

    async fn main_waits(&self, until: impl Fn(&Table) -> bool) {
        poll_fn(|cx| {
            let mut table = self.table();
            if until(&table) {
                return Poll::Ready(());
            }
            table.main = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// What was seen so far.
    pub(crate) fn sights(&self) -> Vec<Sight> {
        self.table().sights.clone()
    }

    /// Why the execution was cut off, if it was.
    pub(crate) fn why_cut(&self) -> Option<String> {
        self.table().cut.clone()
    }

    /// Goes on with the panic of a task, if one did panic.
    pub(crate) fn rethrow(&self) {
        let panic = self.table().panic.take();
        if let Some(panic) = panic {
            std::panic::resume_unwind(panic);
        }
    }

    /// The first so many turns.
    pub(crate) fn schedule(&self, turns: usize) -> Schedule {
        Schedule { turns: self.table().turns[..turns].to_vec() }
    }

    /// How many turns there were.
    pub(crate) fn turns(&self) -> usize {
        self.table().turns.len()
    }
}

impl Table {
    fn record(&mut self, seat: Seat) {
        let task = &mut self.tasks[seat];
        task.turn = Some(self.turns.len());
        self.turns.push(Turn { task: task.name, picks: Vec::new() });
    }

    fn record_due(&mut self, seat: Seat) {
        if std::mem::take(&mut self.tasks[seat].due) {
            self.record(seat);
        }
    }
}
