//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

// What is told beside an error: all that can be written.
const USAGE: &str = "circuits [--deadline SECONDS] COMMAND
       COMMAND is one of backends, run, submit, watch, result, cancel";
const CIRCUIT_USAGE: &str = "circuits [--deadline SECONDS] run|submit FILE [--backend NAME]
       [--shots N] [--seed N] [--memory] [--statevector] [--name NAME]
       [--option NAME=TEXT]...";
const JOB_USAGE: &str = "circuits [--deadline SECONDS] watch|result|cancel JOB_ID";

/// Runs OpenQASM 3 circuits on a Longwire server.
///
/// The server is at LONGWIRE_ADDRESS (HOST:PORT); LONGWIRE_CA names the PEM file of its
/// authority, LONGWIRE_TOKEN is the caller's token.
#[derive(Debug, Parser)]
#[command(name = "circuits", override_usage = USAGE)]
#[command(arg_required_else_help = false, disable_help_subcommand = true)]
pub struct Arguments {
    /// How long the command may take with all its calls
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub deadline: Option<Duration>,
    /// What is done
    #[command(subcommand)]
    pub command: Command,
}

/// What is done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the backends: name, condition, pending jobs, and its condition in a sentence
    Backends,
    /// Run a circuit, tell how its job goes on, and print the result
    #[command(override_usage = CIRCUIT_USAGE)]
    Run(Circuit),
    /// Submit a circuit and print the id of its job
    #[command(override_usage = CIRCUIT_USAGE)]
    Submit(Circuit),
    /// Tell how a job goes on from its beginning, and print the result
    #[command(override_usage = JOB_USAGE)]
    Watch(Job),
    /// Print the result of a finished job
    #[command(override_usage = JOB_USAGE)]
    Result(Job),
    /// Cancel a job
    #[command(override_usage = JOB_USAGE)]
    Cancel(Job),
}

/// A job of the server.
#[derive(Debug, Args)]
pub struct Job {
    /// The job, as `run` and `submit` print it
    pub job_id: String,
}

/// A circuit and how it is to be run.
#[derive(Debug, Args)]
pub struct Circuit {
    /// A file with the circuit in OpenQASM 3
    pub file: PathBuf,
    /// The backend that runs it
    #[arg(long, value_name = "NAME", default_value = "aer_simulator")]
    pub backend: String,
    /// How often it is run
    #[arg(long, value_name = "N", default_value = "1024", value_parser = whole_number)]
    pub shots: u64,
    /// Seed of the simulator
    #[arg(long, value_name = "N", value_parser = whole_number)]
    pub seed: Option<u64>,
    /// Return the outcome of every shot
    #[arg(long)]
    pub memory: bool,
    /// Return the state at the end of the circuit
    #[arg(long)]
    pub statevector: bool,
    /// A name for the job
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub name: String,
    /// An option of this backend alone, once for each
    #[arg(long = "option", value_name = "NAME=TEXT", value_parser = named_text)]
    pub options: Vec<(String, String)>,
}

fn whole_number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| "write a whole number, as in 1024".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok().filter(|seconds| *seconds > 0.0);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "write a number of seconds above 0, as in 2.5".to_owned())
}

fn named_text(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, text)) if !name.is_empty() => Ok((name.to_owned(), text.to_owned())),
        _ => Err("write NAME=TEXT, as in method=statevector".to_owned()),
    }
}
