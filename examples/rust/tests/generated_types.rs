//! The generated types read and write what they know, and drop what they do not; messages by
//! name keep it. The files are the golden ones of the protocol.

use std::fs;
use std::path::Path;

use longwire_circuits::messages::{Messages, from_json, to_json};
use longwire_circuits::v1;
use prost::Message;
use prost_reflect::DynamicMessage;

/// A field of the number 1000, which no message has, with the varint 1.
const NEWER_FIELD: [u8; 3] = [0xC0, 0x3E, 1];

fn golden(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/wire/golden");
    fs::read(folder.join(format!("{name}.binpb"))).expect("the golden files are there")
}

fn assert_is_kept<M: Message + Default>(name: &str) {
    let bytes = golden(name);
    let message = M::decode(bytes.as_slice()).expect("it is a message of this type");
    assert_eq!(message.encode_to_vec(), bytes, "{name}");
}

#[test]
fn generated_types_write_the_bytes_that_they_have_read() {
    assert_is_kept::<v1::ListBackendsResponse>("ListBackendsResponse");
    assert_is_kept::<v1::RunJobRequest>("RunJobRequest");
    assert_is_kept::<v1::RunJobResponse>("RunJobResponse");
    assert_is_kept::<v1::JobEvent>("JobEvent.finished");
    assert_is_kept::<v1::JobEvent>("JobEvent.queue_position");
    assert_is_kept::<v1::SubmitJobResponse>("SubmitJobResponse");
    assert_is_kept::<v1::GetResultResponse>("GetResultResponse");
    assert_is_kept::<v1::Result>("Result");
    assert_is_kept::<v1::DataField>("DataField.memory");
    assert_is_kept::<v1::Value>("Value.quantum_object_value");
}

#[test]
fn generated_type_keeps_the_number_of_a_newer_state() {
    let status = v1::JobStatus {
        status: 99,
        ..Default::default()
    };
    let read = v1::JobStatus::decode(status.encode_to_vec().as_slice()).unwrap();
    assert_eq!(read.status, 99);
    // What the accessor makes of it; the number itself is in the field.
    assert_eq!(read.status(), v1::JobState::Unspecified);
}

#[test]
fn newer_field_is_dropped_by_a_generated_type_and_kept_by_name() {
    let known = v1::GetJobRequest {
        job_id: "a job".to_owned(),
    };
    let bytes = [known.encode_to_vec(), NEWER_FIELD.to_vec()].concat();

    let generated = v1::GetJobRequest::decode(bytes.as_slice()).unwrap();
    assert_eq!(generated.encode_to_vec(), known.encode_to_vec());

    let descriptor = Messages::new().unwrap().get("GetJobRequest").unwrap();
    let dynamic = DynamicMessage::decode(descriptor, bytes.as_slice()).unwrap();
    assert_eq!(dynamic.encode_to_vec(), bytes);
}

#[test]
fn negative_zero_is_kept_by_name_in_both_encodings() {
    let descriptor = Messages::new().unwrap().get("ComplexValue").unwrap();
    // The field 1, a double.
    let bytes = [&[9_u8][..], &(-0.0_f64).to_le_bytes()].concat();
    let message = DynamicMessage::decode(descriptor.clone(), bytes.as_slice()).unwrap();
    assert_eq!(message.encode_to_vec(), bytes);
    let again = from_json(descriptor, &to_json(&message).unwrap()).unwrap();
    assert_eq!(again.encode_to_vec(), bytes);
}
