//! Everything that can go wrong in a command.

use std::io;

use crate::call_error::CallError;
use crate::result::ResultError;

/// Why a command has failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line or the environment is wrong.
    #[error("{0}")]
    Usage(String),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The job was accepted, and failed later.
    #[error("job {job_id} failed: {reason}: {message}")]
    Job {
        /// The job.
        job_id: String,
        /// The name of an `ErrorReason` without its prefix, or the number of a newer one.
        reason: String,
        /// What went wrong, for people.
        message: String,
    },
    /// Somebody cancelled the job.
    #[error("the job was cancelled")]
    Cancelled,
    /// The result cannot be read.
    #[error(transparent)]
    Result(#[from] ResultError),
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}
