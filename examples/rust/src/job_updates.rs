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
    Job, JobEvent, JobFinished, RunJobRequest, RunJobResponse, WatchJobRequest, WatchJobResponse,
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
    /// The highest that was seen.
    sequence: u64,
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
    /// repeated request would be a second job.
    #[must_use]
    pub fn run(connection: &'a Connection, request: RunJobRequest) -> Self {
        Self::new(connection, Source::Run(Box::new(request)))
    }

    /// Tells of a job from its beginning.
    #[must_use]
    pub fn watch(connection: &'a Connection, job_id: &str) -> Self {
        Self::new(connection, Source::Watch(job_id.to_owned()))
    }

    fn new(connection: &'a Connection, source: Source) -> Self {
        Self {
            connection,
            source,
            sequence: 0,
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
                    return Ok(JobUpdate::Reconnecting(self.sequence));
                }
            }
        }
    }

    async fn receive(&mut self) -> Result<Vec<JobEvent>, CallError> {
        let received = timeout(LONGEST_SILENCE, async {
            let stream = match &mut self.stream {
                Some(stream) => stream,
                none => none.insert(open(self.connection, &self.source, self.sequence).await?),
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
        let is_new = event.sequence > self.sequence;
        self.sequence = self.sequence.max(event.sequence);
        match event.event {
            Some(Event::Accepted(accepted)) => {
                self.source = Source::Watch(event.job_id.clone());
                self.pending.push_back(JobUpdate::Accepted(event.job_id));
                self.take_state(is_new, state_of(accepted.job.as_ref()));
            }
            Some(Event::StatusChanged(status)) => self.take_state(is_new, status.status),
            Some(Event::Finished(finished)) => {
                self.take_state(is_new, state_of(finished.job.as_ref()));
                self.pending
                    .push_back(JobUpdate::Finished(Box::new(finished)));
            }
            // Signs of life, and kinds that are newer than this program.
            _ => {}
        }
    }

    fn take_state(&mut self, is_new: bool, state: i32) {
        if is_new {
            self.pending.push_back(JobUpdate::State(state));
        }
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
    sequence: u64,
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
                resume_after: sequence,
                pub_results: false,
            });
            let response = jobs.watch_job(request).await?;
            Ok(EventStream::Watch(response.into_inner()))
        }
    }
}

/// The number of a job's state.
#[must_use]
pub fn state_of(job: Option<&Job>) -> i32 {
    job.and_then(|job| job.status.as_ref())
        .map_or(0, |status| status.status)
}
