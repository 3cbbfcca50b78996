//! Wakers of tasks on a virtual clock.

use std::sync::{Arc, PoisonError, Weak};
use std::task::{Wake, Waker};

use super::{Seat, Shared};

struct Bell {
    clock: Weak<Shared>,
    seat: Seat,
}

/// Wakes the task at a seat.
pub(super) fn bell(clock: &Arc<Shared>, seat: Seat) -> Waker {
    Waker::from(Arc::new(Bell { clock: Arc::downgrade(clock), seat }))
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(clock) = self.clock.upgrade() {
            clock.inner.lock().unwrap_or_else(PoisonError::into_inner).wake(self.seat);
        }
    }
}
