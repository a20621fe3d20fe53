//! Runs OpenQASM 3 circuits on a Longwire server: the commands are those of `--help`.

mod arguments;
mod commands;
mod requests;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use longwire_circuits::deadline::Deadline;
use longwire_circuits::error::Error;
use longwire_circuits::report::write_error;
use longwire_circuits::settings::Settings;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    // Ends the program itself, with code 2, where the command line is wrong.
    let arguments = Arguments::parse();
    let Err(error) = run(arguments) else {
        return ExitCode::SUCCESS;
    };
    // Where not even this can be written, the code says it.
    let _ = write_error(&mut io::stderr(), &error);
    match error {
        Error::Usage(_) => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}

fn run(arguments: Arguments) -> Result<(), Error> {
    let settings = Settings::from_environment()?;
    let command = commands::Prepared::new(arguments.command)?;
    // One thread is enough for one job.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let deadline = Deadline::after(arguments.deadline);
        deadline.bound(command.run(&settings, deadline)).await
    })
}
