//! The seam on a virtual clock.

use std::future::{Future, ready};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use turnstile::runtime::{State, Wakes};
use turnstile::waits::Wait;
use turnstile::{Name, Runtime};

use super::Clock;

/// A cell on a virtual clock.
pub struct Cell<T>(Mutex<T>);

impl<T> Cell<T> {
    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runtime for Clock {
    type Cell<T: State> = Arc<Cell<T>>;

    fn cell<T: State>(&self, _name: Name, value: T) -> Arc<Cell<T>> {
        Arc::new(Cell(Mutex::new(value)))
    }

    fn with<T: State, O: Hash>(&self, cell: &Arc<Cell<T>>, act: impl FnOnce(&mut T, &mut Wakes) -> O) -> O {
        let mut wakes = Wakes::new();
        let result = act(&mut cell.lock(), &mut wakes);
        wakes.into_iter().for_each(Waker::wake);
        result
    }

    fn peek<T: State, O>(&self, cell: &Arc<Cell<T>>, look: impl FnOnce(&T) -> O) -> O {
        look(&cell.lock())
    }

    fn turn(&self, _who: Name) -> impl Future<Output = ()> + Send {
        ready(())
    }

    fn whim(&self, _who: Name) -> impl Future<Output = bool> + Send {
        ready(true)
    }

    fn choose(&self, _who: Name, among: usize) -> usize {
        self.inner().random.usize(..among)
    }

    async fn call_service(&self, _who: Name, _service: &'static str) {
        if !self.0.service.is_zero() {
            self.sleep(self.0.service).await;
        }
    }

    fn spawn(&self, who: Name, task: impl Future<Output = ()> + Send + 'static) {
        self.start(who, Box::pin(task));
    }

    fn waits(&self, who: Name, wait: Wait) {
        self.set_wait(who, Some(wait));
    }

    fn resumes(&self, who: Name) {
        self.set_wait(who, None);
    }

    fn crash(&self, who: Name, why: &str) {
        self.inner().crash.get_or_insert_with(|| format!("{who}: {why}"));
    }
}
