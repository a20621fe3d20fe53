//! What happens to a job, over as many calls as it takes.
//!
//! It begins with RunJob or WatchJob. When the stream breaks, RunJob is repeated with the same
//! request_id as long as the job was not accepted; after that WatchJob resumes behind the last
//! change of state that was seen.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::timeout;
use tonic::{Code, Status, Streaming};

use crate::call_error::CallError;
use crate::connection::Connection;
use crate::patience::{ABSENCE, Patience};
use crate::v1::job_event::Event;
use crate::v1::{
    Job, JobEvent, JobFinished, JobState, RunJobRequest, RunJobResponse, WatchJobRequest,
    WatchJobResponse,
};

// Heartbeats come every 15 s. Something in between may keep the connection up although the
// server behind it is gone, which pings do not notice.
const LONGEST_SILENCE: Duration = Duration::from_secs(50);

/// What is new of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum JobUpdate {
    /// It is recorded, under this id.
    Accepted(String),
    /// It is in another state, the number of a `JobState`. Each change is told once.
    State(i32),
    /// It is final, and nothing follows.
    Finished(Box<JobFinished>),
    /// The stream broke, and is begun anew after this sequence.
    Reconnecting(u64),
}

/// The updates of one job.
#[derive(Debug)]
pub struct JobUpdates<'a> {
    connection: &'a Connection,
    source: Source,
    // Whether the job belongs to the calls that follow it.
    is_owned: bool,
    /// The highest of a state that was told.
    sequence: u64,
    /// Whether that state is final.
    is_final: bool,
    stream: Option<EventStream>,
    pending: VecDeque<JobUpdate>,
    patience: Patience,
}

/// Which call tells of the job.
#[derive(Debug)]
enum Source {
    /// RunJob with this request: whether the job exists is not known yet.
    Run(Box<RunJobRequest>),
    /// WatchJob of this job.
    Watch(String),
}

#[derive(Debug)]
enum EventStream {
    Run(Streaming<RunJobResponse>),
    Watch(Streaming<WatchJobResponse>),
}

impl<'a> JobUpdates<'a> {
    /// Submits a job and tells of it. The request needs a `request_id`: without one, a
    /// repeated request would be a second job. With a deadline, the job belongs to the calls
    /// that follow it, and ends with them.
    #[must_use]
    pub fn run(connection: &'a Connection, mut request: RunJobRequest) -> Self {
        let is_owned = connection.deadline.instant().is_some();
        request.cancel_with_call = is_owned;
        Self::new(connection, Source::Run(Box::new(request)), is_owned)
    }

    /// Tells of a job from its beginning.
    #[must_use]
    pub fn watch(connection: &'a Connection, job_id: &str) -> Self {
        Self::new(connection, Source::Watch(job_id.to_owned()), false)
    }

    fn new(connection: &'a Connection, source: Source, is_owned: bool) -> Self {
        Self {
            connection,
            source,
            is_owned,
            sequence: 0,
            is_final: false,
            stream: None,
            pending: VecDeque::new(),
            patience: Patience::new(ABSENCE, connection.deadline),
        }
    }

    /// Waits for the next update.
    ///
    /// # Errors
    /// The last failure, where it makes no sense to go on.
    pub async fn next(&mut self) -> Result<JobUpdate, CallError> {
        loop {
            if let Some(update) = self.pending.pop_front() {
                return Ok(update);
            }
            match self.receive().await {
                Ok(events) => {
                    self.patience.renew();
                    for event in events {
                        self.take(event);
                    }
                }
                Err(failure) => {
                    // Dropping a stream cancels its call.
                    self.stream = None;
                    self.patience.pause(failure).await?;
                    return Ok(JobUpdate::Reconnecting(self.resume_after()));
                }
            }
        }
    }

    async fn receive(&mut self) -> Result<Vec<JobEvent>, CallError> {
        let received = timeout(LONGEST_SILENCE, async {
            let resume_after = self.resume_after();
            let stream = match &mut self.stream {
                Some(stream) => stream,
                none => none.insert(
                    open(self.connection, &self.source, resume_after, self.is_owned).await?,
                ),
            };
            stream.next().await
        });
        match received.await {
            Ok(Ok(events)) => Ok(events),
            Ok(Err(status)) => Err(status.into()),
            Err(_) => {
                let seconds = LONGEST_SILENCE.as_secs();
                let message = format!("nothing came for {seconds} s");
                Err(CallError::new(Code::Unavailable, message))
            }
        }
    }

    /// Keeps what an event tells that is new.
    fn take(&mut self, event: JobEvent) {
        match event.event {
            Some(Event::Accepted(accepted)) => {
                self.source = Source::Watch(event.job_id.clone());
                self.pending.push_back(JobUpdate::Accepted(event.job_id));
                let job = accepted.job.unwrap_or_default();
                // Where RunJob was repeated, the record is newer than the event.
                self.take_state(event.sequence.max(job.sequence), state_of(Some(&job)));
            }
            Some(Event::StatusChanged(status)) => self.take_state(event.sequence, status.status),
            Some(Event::Finished(finished)) => {
                self.take_state(event.sequence, state_of(finished.job.as_ref()));
                let update = JobUpdate::Finished(Box::new(finished));
                self.pending.push_back(update);
            }
            // Signs of life, and kinds that are newer than this program.
            _ => {}
        }
    }

    fn take_state(&mut self, sequence: u64, state: i32) {
        if sequence > self.sequence {
            self.sequence = sequence;
            self.is_final = is_final(state);
            self.pending.push_back(JobUpdate::State(state));
        }
    }

    /// Behind what the next stream is to begin. The last event is awaited still, though an
    /// accepted event may have told the final state before it.
    fn resume_after(&self) -> u64 {
        self.sequence - u64::from(self.is_final)
    }
}

impl EventStream {
    async fn next(&mut self) -> Result<Vec<JobEvent>, Status> {
        let events = match self {
            Self::Run(stream) => stream.message().await?.map(|response| response.events),
            Self::Watch(stream) => stream.message().await?.map(|response| response.events),
        };
        // Its last event is the end of the job; nobody reads on after that.
        events.ok_or_else(|| Status::unavailable("the stream ended before the job"))
    }
}

async fn open(
    connection: &Connection,
    source: &Source,
    resume_after: u64,
    is_owned: bool,
) -> Result<EventStream, Status> {
    let mut jobs = connection.jobs();
    match source {
        Source::Run(request) => {
            let request = connection.deadline.request(request.as_ref().clone());
            let response = jobs.run_job(request).await?;
            Ok(EventStream::Run(response.into_inner()))
        }
        Source::Watch(job_id) => {
            let request = connection.deadline.request(WatchJobRequest {
                job_id: job_id.clone(),
                resume_after,
                cancel_with_call: is_owned,
                // Fields that a newer contract adds keep their defaults.
                ..Default::default()
            });
            let response = jobs.watch_job(request).await?;
            Ok(EventStream::Watch(response.into_inner()))
        }
    }
}

fn is_final(state: i32) -> bool {
    use JobState::{Cancelled, Done, Error};
    matches!(JobState::try_from(state), Ok(Cancelled | Done | Error))
}

/// The number of a job's state.
#[must_use]
pub fn state_of(job: Option<&Job>) -> i32 {
    job.and_then(|job| job.status.as_ref())
        .map_or(0, |status| status.status)
}
