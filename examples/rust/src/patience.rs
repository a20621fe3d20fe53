//! How often and for how long a call is made again.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::call_error::CallError;
use crate::deadline::Deadline;

/// For how long a server is waited for that was there before.
pub const ABSENCE: Duration = Duration::from_secs(60);
/// For how long one is waited for that nobody has seen yet: the address may be wrong.
pub const FIRST_CONTACT: Duration = Duration::from_secs(5);

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What is left of the patience with a server that does not answer.
#[derive(Debug)]
pub struct Patience {
    limit: Duration,
    deadline: Deadline,
    last_response: Instant,
    next_pause: Duration,
}

impl Patience {
    /// Patience that ends after so long without a response, or at the deadline.
    #[must_use]
    pub fn new(limit: Duration, deadline: Deadline) -> Self {
        Self {
            limit,
            deadline,
            last_response: Instant::now(),
            next_pause: SHORTEST_PAUSE,
        }
    }

    /// Begins anew, because a response has come.
    pub fn renew(&mut self) {
        self.last_response = Instant::now();
        self.next_pause = SHORTEST_PAUSE;
    }

    /// Pauses before the call is made again that has failed.
    ///
    /// # Errors
    /// The failure, where another call would not help or patience is at its end.
    pub async fn pause(&mut self, failure: CallError) -> Result<(), CallError> {
        let now = Instant::now();
        let left = (self.last_response + self.limit).saturating_duration_since(now);
        let demanded = failure.retry_delay().unwrap_or_default();
        if !failure.is_passing() || left.is_zero() || demanded > left {
            return Err(failure);
        }
        // Clients that lost the same server do not come back all at once.
        let pause = self.next_pause.mul_f64(0.5 + fastrand::f64());
        self.next_pause = (self.next_pause * 2).min(LONGEST_PAUSE);
        // The last attempt is made when patience ends, not a pause before.
        let until = now + pause.min(left).max(demanded);
        match self.deadline.instant() {
            Some(deadline) if deadline <= until => {
                sleep_until(deadline).await;
                Err(CallError::deadline_exceeded(Some(&failure)))
            }
            _ => {
                sleep_until(until).await;
                Ok(())
            }
        }
    }
}
