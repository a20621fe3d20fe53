//! What a refused call tells, to programs and to people.

use std::collections::HashMap;
use std::time::Duration;

use longwire_circuits::call_error::CallError;
use longwire_circuits::error::Error;
use longwire_circuits::report::{reason_name, state_name, write_error};
use longwire_circuits::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

fn refused(domain: &str) -> CallError {
    let metadata = HashMap::from([
        ("maximum".to_owned(), "3".to_owned()),
        ("limit".to_owned(), "quotas.unfinished_jobs".to_owned()),
    ]);
    let mut details = ErrorDetails::with_error_info("LIMIT_EXCEEDED", domain, metadata);
    details
        .add_bad_request_violation("spec.name", "it is too long")
        .add_quota_failure_violation("quotas.unfinished_jobs", "3 jobs wait or run")
        .set_retry_info(Some(Duration::from_millis(250)));
    Status::with_error_details(Code::ResourceExhausted, "too many jobs", details).into()
}

fn printed(error: &Error) -> String {
    let mut out = Vec::new();
    write_error(&mut out, error).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn refused_call_has_its_reason_and_all_details() {
    let failure = refused("longwire");
    assert_eq!(failure.known_reason(), Some(ErrorReason::LimitExceeded));
    assert_eq!(failure.retry_delay(), Some(Duration::from_millis(250)));
    assert!(!failure.is_passing());
    assert_eq!(
        printed(&failure.into()),
        "error: RESOURCE_EXHAUSTED LIMIT_EXCEEDED: too many jobs
  limit: quotas.unfinished_jobs
  maximum: 3
  field spec.name: it is too long
  quota quotas.unfinished_jobs: 3 jobs wait or run
  retry after 0.250 s
"
    );
}

#[test]
fn reason_of_another_domain_is_not_told() {
    let failure = refused("example.org");
    assert_eq!(failure.reason(), None);
    let first_line = printed(&failure.into());
    assert!(first_line.starts_with("error: RESOURCE_EXHAUSTED: too many jobs\n"));
}

#[test]
fn call_without_a_status_of_the_server_may_be_made_again() {
    let failure = CallError::from(Status::unknown("the connection was reset"));
    assert_eq!(failure.code, Code::Unavailable);
    assert!(failure.is_passing());
}

#[test]
fn newer_enum_values_are_told_by_their_numbers() {
    assert_eq!(state_name(2), "QUEUED");
    assert_eq!(state_name(99), "99");
    assert_eq!(reason_name(19), "SERVER_STOPPED");
    assert_eq!(reason_name(99), "99");
}
