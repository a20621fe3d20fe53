package longwire

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	longwirev1 "longwire/v1"
)

func TestTheDetailsOfAnErrorAreDecoded(t *testing.T) {
	told, err := status.New(codes.ResourceExhausted, "too many").WithDetails(
		&errdetails.ErrorInfo{Domain: "longwire", Reason: "LIMIT_EXCEEDED", Metadata: map[string]string{"limit": "quotas.shots"}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "spec", Description: "large"}}},
		&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: "quotas.shots", Description: "over"}}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(250 * time.Millisecond)},
	)
	if err != nil {
		t.Fatal(err)
	}
	decoded := errorOf(told.Err())
	if decoded.Error() != "RESOURCE_EXHAUSTED LIMIT_EXCEEDED: too many" {
		t.Error(decoded)
	}
	if decoded.Metadata["limit"] != "quotas.shots" || *decoded.RetryAfter != 250*time.Millisecond {
		t.Errorf("%+v", decoded)
	}
	if decoded.Fields[0] != (Violation{"spec", "large"}) || decoded.Quotas[0] != (Violation{"quotas.shots", "over"}) {
		t.Errorf("%+v", decoded)
	}
	if status.Code(errors.Unwrap(decoded)) != codes.ResourceExhausted {
		t.Error("gRPC's own error is lost")
	}
}

func TestAReasonOfAnotherDomainIsNotLongwires(t *testing.T) {
	told, err := status.New(codes.NotFound, "no").WithDetails(
		&errdetails.ErrorInfo{Domain: "example.org", Reason: "ELSEWHERE"})
	if err != nil {
		t.Fatal(err)
	}
	if decoded := errorOf(told.Err()); decoded.Error() != "NOT_FOUND: no" {
		t.Error(decoded)
	}
}

func TestAJobEndsWithTheErrorThatFitsItsState(t *testing.T) {
	job := func(state longwirev1.JobState) *longwirev1.Job {
		return &longwirev1.Job{
			JobId:  "1",
			Status: &longwirev1.JobStatus{Status: state},
			Error:  &longwirev1.JobError{Reason: 4242, Message: "new"},
		}
	}
	if err := FinalError(job(longwirev1.JobState_JOB_STATE_DONE)); err != nil {
		t.Error(err)
	}
	if err := FinalError(job(longwirev1.JobState_JOB_STATE_CANCELLED)); err != ErrCancelled {
		t.Error(err)
	}
	var failed *JobError
	err := FinalError(job(longwirev1.JobState_JOB_STATE_ERROR))
	if !errors.As(err, &failed) || err.Error() != "job 1 failed: 4242: new" {
		t.Error(err)
	}
	if err := FinalError(job(99)); err == nil {
		t.Error("a state that is not known is no success")
	}
}
