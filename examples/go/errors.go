package longwire

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	longwirev1 "longwire/v1"
)

// errorDomain is the domain of the ErrorInfo whose reasons are Longwire's.
const errorDomain = "longwire"

// ErrCancelled is how a job ends that somebody cancelled.
var ErrCancelled = errors.New("the job was cancelled")

// Error is a call that was refused, or that did not reach the server. Decide by
// Reason, and by Status where there is none; messages are for people and change.
type Error struct {
	Status codes.Code
	// Reason is the name of an ErrorReason without its prefix, such as
	// JOB_NOT_FOUND. Empty where the error is not the server's own.
	Reason  string
	Message string
	// Metadata is what belongs to the reason: the name of a limit, for example.
	Metadata map[string]string
	// Fields are the fields of the request that are at fault.
	Fields []Violation
	// Quotas are the limits that were exceeded.
	Quotas []Violation
	// RetryAfter is how long to wait before a new try; nil where the server does
	// not say that one helps.
	RetryAfter *time.Duration

	cause error
}

// Violation is one thing at fault: the path of a field, or the subject of a quota.
type Violation struct {
	Subject     string
	Description string
}

// StatusName is the status as gRPC writes it, for example RESOURCE_EXHAUSTED.
func (e *Error) StatusName() string {
	if name, known := code.Code_name[int32(e.Status)]; known {
		return name
	}
	return strconv.FormatUint(uint64(e.Status), 10)
}

func (e *Error) Error() string {
	if e.Reason == "" {
		return e.StatusName() + ": " + e.Message
	}
	return e.StatusName() + " " + e.Reason + ": " + e.Message
}

// Unwrap gives gRPC's own error.
func (e *Error) Unwrap() error {
	return e.cause
}

// errorOf decodes what a call ended with. The details come as google.rpc.Status
// in the trailer grpc-status-details-bin, which gRPC has read already.
func errorOf(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	told := statusOf(err)
	e := &Error{Status: told.Code(), Message: told.Message(), cause: err}
	for _, detail := range told.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == errorDomain {
				e.Reason = detail.GetReason()
				e.Metadata = detail.GetMetadata()
			}
		case *errdetails.BadRequest:
			for _, each := range detail.GetFieldViolations() {
				e.Fields = append(e.Fields, Violation{each.GetField(), each.GetDescription()})
			}
		case *errdetails.QuotaFailure:
			for _, each := range detail.GetViolations() {
				e.Quotas = append(e.Quotas, Violation{each.GetSubject(), each.GetDescription()})
			}
		case *errdetails.RetryInfo:
			delay := detail.GetRetryDelay().AsDuration()
			e.RetryAfter = &delay
		}
	}
	return e
}

// statusOf is the status of an error, also of one of a context.
func statusOf(err error) *status.Status {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return status.FromContextError(err)
	}
	return status.Convert(err)
}

// JobError is a job that was accepted and then failed.
type JobError struct {
	JobID string
	// Reason is the name of an ErrorReason without its prefix, or the number of
	// one that is newer than this program: treat that as EXECUTION_FAILED.
	Reason  string
	Message string
}

func (e *JobError) Error() string {
	return fmt.Sprintf("job %s failed: %s: %s", e.JobID, e.Reason, e.Message)
}

// FinalError says how a job ended: nil where it is DONE, ErrCancelled or a *JobError.
func FinalError(job *longwirev1.Job) error {
	switch state := job.GetStatus().GetStatus(); state {
	case longwirev1.JobState_JOB_STATE_DONE:
		return nil
	case longwirev1.JobState_JOB_STATE_CANCELLED:
		return ErrCancelled
	case longwirev1.JobState_JOB_STATE_ERROR:
		reason := job.GetError().GetReason().String()
		return &JobError{
			JobID:   job.GetJobId(),
			Reason:  strings.TrimPrefix(reason, "ERROR_REASON_"),
			Message: job.GetError().GetMessage(),
		}
	default:
		return fmt.Errorf("job %s ended in a state that is not known here: %s",
			job.GetJobId(), StateName(state))
	}
}

// StateName is the name of a state without its prefix, or its number where it is
// newer than this program.
func StateName(state longwirev1.JobState) string {
	return strings.TrimPrefix(state.String(), "JOB_STATE_")
}
