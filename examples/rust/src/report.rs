//! What the program prints. Rust's stdout sends each line on as it ends, also into a pipe.

use std::io::{self, Write};

use crate::call_error::CallError;
use crate::error::Error;
use crate::outcomes::{amplitudes, counts, shots};
use crate::v1::data_field::Data;
use crate::v1::{self, Backend, ErrorReason, JobState};

/// One line for each backend.
///
/// # Errors
/// The output cannot be written.
pub fn write_backends(out: &mut impl Write, backends: &[Backend]) -> io::Result<()> {
    for backend in backends {
        let status = backend.status.clone().unwrap_or_default();
        let condition = if status.operational {
            "operational"
        } else {
            "down"
        };
        writeln!(
            out,
            "{}\t{condition}\t{}\t{}",
            backend.name, status.pending_jobs, status.status_msg
        )?;
    }
    Ok(())
}

/// The data of each circuit; what this program does not know is left out.
///
/// # Errors
/// The data is malformed, or the output cannot be written.
pub fn write_result(out: &mut impl Write, result: &v1::Result) -> Result<(), Error> {
    let fields = result.results.iter().flat_map(|circuit| &circuit.data);
    for field in fields {
        match &field.data {
            Some(Data::Counts(data)) => {
                for (bits, count) in counts(data)? {
                    writeln!(out, "count {bits} {count}")?;
                }
            }
            Some(Data::Memory(data)) => {
                for bits in shots(data)? {
                    writeln!(out, "shot {bits}")?;
                }
            }
            Some(Data::Value(value)) => {
                let numbers = amplitudes(value)?.unwrap_or_default();
                for (index, (real, imag)) in numbers.iter().enumerate() {
                    // `{:?}` is the shortest decimal that reads as the same number.
                    writeln!(out, "amplitude {index} {real:?} {imag:?}")?;
                }
            }
            None => {}
        }
    }
    Ok(())
}

/// The name of a state; the number of one that is newer than this program.
#[must_use]
pub fn state_name(state: i32) -> String {
    name_of(
        JobState::try_from(state)
            .map(|state| state.as_str_name())
            .ok(),
        "JOB_STATE_",
        state,
    )
}

/// The name of a reason; the number of one that is newer than this program.
#[must_use]
pub fn reason_name(reason: i32) -> String {
    name_of(
        ErrorReason::try_from(reason)
            .map(|reason| reason.as_str_name())
            .ok(),
        "ERROR_REASON_",
        reason,
    )
}

fn name_of(name: Option<&str>, prefix: &str, number: i32) -> String {
    match name {
        Some(name) => name.strip_prefix(prefix).unwrap_or(name).to_owned(),
        None => number.to_string(),
    }
}

/// The error, with all that the server told of it.
///
/// # Errors
/// The output cannot be written.
pub fn write_error(out: &mut impl Write, error: &Error) -> io::Result<()> {
    writeln!(out, "error: {error}")?;
    if let Error::Call(failure) = error {
        write_details(out, failure)?;
    }
    Ok(())
}

fn write_details(out: &mut impl Write, failure: &CallError) -> io::Result<()> {
    for (key, value) in failure.metadata() {
        writeln!(out, "  {key}: {value}")?;
    }
    for violation in failure.field_violations() {
        writeln!(
            out,
            "  field {}: {}",
            violation.field, violation.description
        )?;
    }
    for violation in failure.quota_violations() {
        writeln!(
            out,
            "  quota {}: {}",
            violation.subject, violation.description
        )?;
    }
    if let Some(delay) = failure.retry_delay() {
        writeln!(out, "  retry after {:.3} s", delay.as_secs_f64())?;
    }
    Ok(())
}
