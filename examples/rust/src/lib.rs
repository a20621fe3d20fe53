//! A client of Longwire, made from its .proto files alone.
//!
//! [`v1`] is generated. The rest shows how the calls work together: a connection, what to do
//! when it breaks, the events of a job, and the data of a result.

pub mod call_error;
pub mod connection;
pub mod deadline;
pub mod error;
pub mod job_updates;
pub mod messages;
pub mod outcomes;
pub mod patience;
pub mod report;
pub mod result;
pub mod settings;

/// The messages and clients of the package `longwire.v1`.
pub mod v1 {
    #![allow(clippy::all)]
    tonic::include_proto!("longwire.v1");
}
