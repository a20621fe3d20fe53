package longwire

import (
	"context"

	"github.com/google/uuid"

	longwirev1 "longwire/v1"
)

// Backends lists the backends of the server.
func (c *Client) Backends(ctx context.Context) ([]*longwirev1.Backend, error) {
	response, err := retried(ctx, c, func(*retrier) (*longwirev1.ListBackendsResponse, error) {
		return c.backends.ListBackends(ctx, &longwirev1.ListBackendsRequest{})
	})
	return response.GetBackends(), err
}

// Submit hands in a job and answers as soon as it is durable.
func (c *Client) Submit(ctx context.Context, spec *longwirev1.JobSpec) (*longwirev1.Job, error) {
	// The same id in every try: where the first one arrived and its answer was
	// lost, the next is answered with the same job.
	request := &longwirev1.SubmitJobRequest{Spec: spec, RequestId: uuid.NewString()}
	response, err := retried(ctx, c, func(*retrier) (*longwirev1.SubmitJobResponse, error) {
		return c.jobs.SubmitJob(ctx, request)
	})
	return response.GetJob(), err
}

// Cancel cancels a job. One that has ended already stays as it is.
func (c *Client) Cancel(ctx context.Context, jobID string) (*longwirev1.Job, error) {
	request := &longwirev1.CancelJobRequest{JobId: jobID}
	response, err := retried(ctx, c, func(*retrier) (*longwirev1.CancelJobResponse, error) {
		return c.jobs.CancelJob(ctx, request)
	})
	return response.GetJob(), err
}
