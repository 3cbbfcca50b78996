//! Letting others go first.

use std::future::poll_fn;
use std::task::Poll;

/// Comes back to the scheduler once, able to go on.
///
/// Not `yield_now`: tokio's wakes the task a little later, so that for a moment it would seem to rest; and shuttle's says
/// that the task cannot get on, which some schedulers punish.
pub(crate) async fn pause() {
    let mut paused = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
