//! Why a call failed, in a form from which a program can decide.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, ErrorInfo, FieldViolation, QuotaViolation, StatusExt};

use crate::v1::ErrorReason;

const DOMAIN: &str = "longwire";

/// A call that was refused, or did not reach the server.
#[derive(Debug, Clone)]
pub struct CallError {
    /// The status of the call.
    pub code: Code,
    /// What is wrong, for people: it changes, so decide by the reason.
    pub message: String,
    details: Box<ErrorDetails>,
}

impl CallError {
    /// A failure that was found on this side.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: Box::default(),
        }
    }

    /// The deadline has passed, after this failure where there was one.
    #[must_use]
    pub fn deadline_exceeded(last: Option<&Self>) -> Self {
        let message = match last {
            None => "the deadline has passed".to_owned(),
            Some(last) => format!("the deadline has passed; before that: {last}"),
        };
        Self::new(Code::DeadlineExceeded, message)
    }

    /// The name of an [`ErrorReason`] without its prefix, where the server gave one. It may
    /// be newer than this program.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        Some(self.info()?.reason.as_str())
    }

    /// The reason as a value to match on; none for one that this program does not know,
    /// which is then to be treated by the status.
    #[must_use]
    pub fn known_reason(&self) -> Option<ErrorReason> {
        ErrorReason::from_str_name(&format!("ERROR_REASON_{}", self.reason()?))
    }

    /// What the server told beside the reason, by name.
    #[must_use]
    pub fn metadata(&self) -> BTreeMap<&str, &str> {
        let entries = self.info().into_iter().flat_map(|info| &info.metadata);
        entries
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect()
    }

    /// The fields of the request that are at fault.
    #[must_use]
    pub fn field_violations(&self) -> &[FieldViolation] {
        self.details
            .bad_request()
            .map_or(&[], |bad| &bad.field_violations)
    }

    /// The limits that were reached.
    #[must_use]
    pub fn quota_violations(&self) -> &[QuotaViolation] {
        self.details
            .quota_failure()
            .map_or(&[], |failure| &failure.violations)
    }

    /// How long to wait before the call is made again, where the server says so.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        self.details.retry_info()?.retry_delay
    }

    /// What something in between calls its reason is none of the server's.
    fn info(&self) -> Option<&ErrorInfo> {
        self.details
            .error_info()
            .filter(|info| info.domain == DOMAIN)
    }

    /// Whether the same call may succeed later: the server is away, or the connection broke.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self.code, Code::Unavailable | Code::Cancelled)
    }
}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        if is_without_answer(&status) {
            return Self::new(Code::Unavailable, whole_message(&status));
        }
        Self {
            code: status.code(),
            message: status.message().to_owned(),
            details: Box::new(status.get_error_details()),
        }
    }
}

impl From<tonic::transport::Error> for CallError {
    fn from(error: tonic::transport::Error) -> Self {
        Self::new(Code::Unavailable, chain(&error))
    }
}

impl fmt::Display for CallError {
    /// One line: the status, the reason and the message.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason().map(|reason| format!(" {reason}"));
        let name = status_name(self.code);
        write!(
            formatter,
            "{name}{}: {}",
            reason.unwrap_or_default(),
            self.message
        )
    }
}

impl StdError for CallError {}

/// The name of a status as gRPC writes it.
#[must_use]
pub fn status_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Whether the call ended without the server's own status. tonic reports a connection that
/// was reset, and a stream that was, as UNKNOWN, or as INTERNAL in the middle of a message,
/// where other libraries of gRPC say UNAVAILABLE and CANCELLED. The server's own INTERNAL
/// and UNKNOWN come with details.
fn is_without_answer(status: &Status) -> bool {
    match status.code() {
        Code::Unknown => status.details().is_empty(),
        Code::Internal => status.message().starts_with("Unexpected EOF"),
        Code::Unavailable => status.source().is_some(),
        _ => false,
    }
}

/// The message with the causes below it: tonic's own is often just "transport error".
fn whole_message(status: &Status) -> String {
    match status.source() {
        Some(source) => chain(source),
        None => status.message().to_owned(),
    }
}

fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        // Many repeat the cause in their own words.
        if !causes.iter().any(|earlier| earlier.contains(&text)) {
            causes.push(text);
        }
        next = cause.source();
    }
    causes.join(": ")
}
