//! Reads messages and writes them again, in both encodings, for a test to compare.
//!
//! `conformance INPUT_DIR OUTPUT_DIR`: each file NAME.binpb is a message of the type that NAME
//! begins with, up to the first point. Written are NAME.binpb, NAME.json, and, where there is a
//! NAME.json to read, NAME.from_json.binpb.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use longwire_circuits::messages::{Messages, from_json, to_json};
use prost::Message;
use prost_reflect::DynamicMessage;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [input_dir, output_dir] = arguments.as_slice() else {
        eprintln!("error: write two folders: conformance INPUT_DIR OUTPUT_DIR");
        return ExitCode::from(2);
    };
    match convert_all(input_dir, output_dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn convert_all(input_dir: &Path, output_dir: &Path) -> Result<(), Box<dyn Error>> {
    let messages = Messages::new()?;
    fs::create_dir_all(output_dir)?;
    for entry in fs::read_dir(input_dir)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "binpb")
        {
            convert(&messages, &path, output_dir)
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

fn convert(messages: &Messages, path: &Path, output_dir: &Path) -> Result<(), Box<dyn Error>> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let type_name = name.split('.').next().unwrap_or_default();
    let descriptor = messages
        .get(type_name)
        .ok_or_else(|| format!("there is no message {type_name}"))?;

    let message = DynamicMessage::decode(descriptor.clone(), fs::read(path)?.as_slice())?;
    let write = |suffix: &str, bytes: Vec<u8>| {
        fs::write(output_dir.join(format!("{name}.{suffix}")), bytes)
    };
    write("binpb", message.encode_to_vec())?;
    write("json", to_json(&message)?.into_bytes())?;

    let json_path = path.with_file_name(format!("{name}.json"));
    if json_path.exists() {
        let message = from_json(descriptor, &fs::read_to_string(json_path)?)?;
        write("from_json.binpb", message.encode_to_vec())?;
    }
    Ok(())
}
