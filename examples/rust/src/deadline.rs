//! One point in time by which everything is to be over.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::call_error::CallError;

// The header grpc-timeout has room for eight digits; nobody waits longer than this.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

/// A deadline of all calls together, or none.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// So long from now; none where the time is not set, or beyond all clocks.
    #[must_use]
    pub fn after(time: Option<Duration>) -> Self {
        Self(time.and_then(|time| Instant::now().checked_add(time)))
    }

    /// The point in time.
    #[must_use]
    pub fn instant(self) -> Option<Instant> {
        self.0
    }

    /// A request that tells the server how much time is left for its call.
    #[must_use]
    pub fn request<T>(self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        if let Some(instant) = self.0 {
            let left = instant.saturating_duration_since(Instant::now());
            request.set_timeout(left.min(LONGEST_TIMEOUT));
        }
        request
    }

    /// Does the work until it is done or the deadline has passed. tonic's own time-out ends
    /// with the headers of a response: it would let a stream go on for ever.
    ///
    /// # Errors
    /// Those of the work, and DEADLINE_EXCEEDED.
    pub async fn bound<T, E: From<CallError>>(
        self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match self.0 {
            None => work.await,
            Some(instant) => match timeout_at(instant, work).await {
                Ok(result) => result,
                Err(_) => Err(CallError::deadline_exceeded(None).into()),
            },
        }
    }
}
