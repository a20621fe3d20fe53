//! What each command does.

use std::io::{self, Write};

use longwire_circuits::connection::Connection;
use longwire_circuits::deadline::Deadline;
use longwire_circuits::error::Error;
use longwire_circuits::job_updates::{JobUpdate, JobUpdates, state_of};
use longwire_circuits::report::{reason_name, state_name, write_backends, write_result};
use longwire_circuits::result::decode_result;
use longwire_circuits::settings::Settings;
use longwire_circuits::v1::{
    CancelJobRequest, JobFinished, JobState, ListBackendsRequest, RunJobRequest, SubmitJobRequest,
};
use uuid::Uuid;

use crate::arguments::Command;
use crate::requests::job_spec;

/// A command whose files are read, so that nothing is asked of a server in vain.
#[derive(Debug)]
pub enum Prepared {
    Backends,
    Run(RunJobRequest),
    Submit(SubmitJobRequest),
    Watch(String),
    Result(String),
    Cancel(String),
}

impl Prepared {
    /// # Errors
    /// [`Error::Usage`]: a file cannot be read.
    pub fn new(command: Command) -> Result<Self, Error> {
        // The same id in each repetition of the request: it is the same job.
        let request_id = Uuid::new_v4().to_string();
        Ok(match command {
            Command::Backends => Self::Backends,
            Command::Run(circuit) => Self::Run(RunJobRequest {
                spec: Some(job_spec(circuit)?),
                request_id,
                ..Default::default()
            }),
            Command::Submit(circuit) => Self::Submit(SubmitJobRequest {
                spec: Some(job_spec(circuit)?),
                request_id,
            }),
            Command::Watch(job) => Self::Watch(job.job_id),
            Command::Result(job) => Self::Result(job.job_id),
            Command::Cancel(job) => Self::Cancel(job.job_id),
        })
    }

    /// Connects and does it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run(self, settings: &Settings, deadline: Deadline) -> Result<(), Error> {
        let connection = Connection::open(settings, deadline).await?;
        match self {
            Self::Backends => backends(&connection).await,
            Self::Run(request) => follow(&connection, JobUpdates::run(&connection, request)).await,
            Self::Submit(request) => submit(&connection, request).await,
            Self::Watch(job_id) => {
                follow(&connection, JobUpdates::watch(&connection, &job_id)).await
            }
            Self::Result(job_id) => print_fetched_result(&connection, &job_id).await,
            Self::Cancel(job_id) => cancel(&connection, &job_id).await,
        }
    }
}

async fn backends(connection: &Connection) -> Result<(), Error> {
    let listed = connection
        .repeat(async || {
            let request = connection.deadline.request(ListBackendsRequest {});
            connection.backends().list_backends(request).await
        })
        .await?;
    write_backends(&mut io::stdout(), &listed.into_inner().backends)?;
    Ok(())
}

async fn submit(connection: &Connection, request: SubmitJobRequest) -> Result<(), Error> {
    let submitted = connection
        .repeat(async || {
            let request = connection.deadline.request(request.clone());
            connection.jobs().submit_job(request).await
        })
        .await?;
    let job = submitted.into_inner().job.unwrap_or_default();
    writeln!(io::stdout(), "job {}", job.job_id)?;
    Ok(())
}

async fn cancel(connection: &Connection, job_id: &str) -> Result<(), Error> {
    let cancelled = connection
        .repeat(async || {
            let request = connection.deadline.request(CancelJobRequest {
                job_id: job_id.to_owned(),
            });
            connection.jobs().cancel_job(request).await
        })
        .await?;
    let state = state_of(cancelled.into_inner().job.as_ref());
    writeln!(io::stdout(), "state {}", state_name(state))?;
    Ok(())
}

/// Prints what happens to a job until it is final, and its result.
async fn follow(connection: &Connection, mut updates: JobUpdates<'_>) -> Result<(), Error> {
    loop {
        match updates.next().await? {
            JobUpdate::Accepted(job_id) => writeln!(io::stdout(), "job {job_id}")?,
            JobUpdate::State(state) => writeln!(io::stdout(), "state {}", state_name(state))?,
            JobUpdate::Reconnecting(sequence) => {
                writeln!(io::stderr(), "reconnecting after sequence {sequence}")?;
            }
            JobUpdate::Finished(finished) => return finish(connection, *finished).await,
        }
    }
}

async fn finish(connection: &Connection, finished: JobFinished) -> Result<(), Error> {
    let job = finished.job.unwrap_or_default();
    match JobState::try_from(state_of(Some(&job))) {
        Ok(JobState::Done) => match &finished.result {
            Some(encoded) => write_result(&mut io::stdout(), &decode_result(encoded)?),
            // Too large for an event.
            None => print_fetched_result(connection, &job.job_id).await,
        },
        Ok(JobState::Cancelled) => Err(Error::Cancelled),
        // ERROR, or a final state that is newer than this program.
        _ => {
            let error = job.error.unwrap_or_default();
            Err(Error::Job {
                job_id: job.job_id,
                reason: reason_name(error.reason),
                message: error.message,
            })
        }
    }
}

async fn print_fetched_result(connection: &Connection, job_id: &str) -> Result<(), Error> {
    let encoded = connection.fetch_result(job_id).await?;
    write_result(&mut io::stdout(), &decode_result(&encoded)?)
}
