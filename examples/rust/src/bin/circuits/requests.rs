//! From the command line to the job that is asked for.

use std::fs;

use longwire_circuits::error::Error;
use longwire_circuits::v1::value::Kind;
use longwire_circuits::v1::{
    CountsFormat, JobSpec, Program, ProgramFormat, RunOptions, StructField, StructValue, Value,
};

use crate::arguments::Circuit;

/// What the server is asked to run.
///
/// # Errors
/// [`Error::Usage`]: the file cannot be read.
pub fn job_spec(circuit: Circuit) -> Result<JobSpec, Error> {
    let text = fs::read(&circuit.file).map_err(|error| {
        Error::Usage(format!(
            "{} cannot be read ({error}): name a file with a circuit in OpenQASM 3",
            circuit.file.display()
        ))
    })?;
    let program = Program {
        format: ProgramFormat::Openqasm3.into(),
        payloads: vec![text],
        ..Default::default()
    };
    // A field with presence is an `Option`: what is `None` takes the backend's default.
    let options = RunOptions {
        shots: Some(circuit.shots),
        memory: circuit.memory.then_some(true),
        seed_simulator: circuit.seed,
        backend_options: backend_options(circuit.options),
        counts_format: CountsFormat::Bitstrings.into(),
        save_statevector: circuit.statevector,
        ..Default::default()
    };
    Ok(JobSpec {
        backend_name: circuit.backend,
        program: Some(program),
        options: Some(options),
        name: circuit.name,
        ..Default::default()
    })
}

fn backend_options(options: Vec<(String, String)>) -> Option<StructValue> {
    let fields = options.into_iter().map(|(name, text)| StructField {
        name,
        value: Some(Value {
            kind: Some(Kind::StringValue(text)),
        }),
    });
    let fields: Vec<_> = fields.collect();
    (!fields.is_empty()).then(|| StructValue {
        fields,
        ..Default::default()
    })
}
