package longwire

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	longwirev1 "longwire/v1"
)

// The server sends a heartbeat after 15 s without news.
const silenceLimit = 50 * time.Second

var (
	errSilent = &Error{Status: codes.Unavailable, Message: "nothing came for 50 s"}
	errEnded  = &Error{Status: codes.Unavailable, Message: "the stream ended before the job"}
)

// Run submits a job and gives its events until it is final. Broken connections
// are made good: every change of state is told, and none twice. An error is the
// last thing told. Whoever stops listening does not cancel the job, unless the
// context has a deadline: then the job belongs to the call, and ends with it.
func (c *Client) Run(ctx context.Context, spec *longwirev1.JobSpec) iter.Seq2[*longwirev1.JobEvent, error] {
	_, isBounded := ctx.Deadline()
	request := &longwirev1.RunJobRequest{
		Spec: spec, RequestId: uuid.NewString(), CancelWithCall: isBounded,
	}
	return func(yield func(*longwirev1.JobEvent, error) bool) {
		(&follower{client: c, request: request}).follow(ctx, yield)
	}
}

// Watch gives the events of a job from its beginning until it is final, as Run.
func (c *Client) Watch(ctx context.Context, jobID string) iter.Seq2[*longwirev1.JobEvent, error] {
	return func(yield func(*longwirev1.JobEvent, error) bool) {
		(&follower{client: c, jobID: jobID}).follow(ctx, yield)
	}
}

// follower follows one job over as many streams as it takes.
type follower struct {
	client *Client
	// What submits the job, sent until it is accepted.
	request *longwirev1.RunJobRequest
	// The job, as soon as it is known.
	jobID string
	// The highest sequence seen, from which a new stream goes on.
	seen uint64
	// The sequence of the last change of state that was told.
	told uint64
}

func (f *follower) follow(ctx context.Context, yield func(*longwirev1.JobEvent, error) bool) {
	r := f.client.newRetrier()
	for {
		ended, err := f.stream(ctx, r, yield)
		if ended {
			return
		}
		if err := r.again(ctx, f.seen, err); err != nil {
			yield(nil, err)
			return
		}
	}
}

// stream follows the job over one stream: until its last event was told or
// nobody listens, or with an error until the stream breaks.
func (f *follower) stream(
	ctx context.Context, r *retrier, yield func(*longwirev1.JobEvent, error) bool,
) (ended bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(silenceLimit, func() { cancel(errSilent) })
	defer silence.Stop()
	receive, err := f.open(ctx)
	for err == nil {
		var events []*longwirev1.JobEvent
		if events, err = receive(); err != nil {
			break
		}
		silence.Reset(silenceLimit)
		r.heard()
		for _, event := range events {
			if f.note(event) && !yield(event, nil) || event.GetFinished() != nil {
				return true, nil
			}
		}
	}
	switch {
	case errors.Is(context.Cause(ctx), errSilent):
		return false, errSilent
	case errors.Is(err, io.EOF):
		return false, errEnded
	}
	return false, err
}

// open submits the job, or goes on where the last stream broke.
func (f *follower) open(ctx context.Context) (func() ([]*longwirev1.JobEvent, error), error) {
	if f.jobID == "" {
		stream, err := f.client.jobs.RunJob(ctx, f.request)
		if err != nil {
			return nil, err
		}
		return events(stream.Recv), nil
	}
	request := &longwirev1.WatchJobRequest{
		JobId: f.jobID, ResumeAfter: f.seen, CancelWithCall: f.request.GetCancelWithCall(),
	}
	stream, err := f.client.jobs.WatchJob(ctx, request)
	if err != nil {
		return nil, err
	}
	return events(stream.Recv), nil
}

// events makes the responses of RunJob and of WatchJob alike.
func events[R interface {
	GetEvents() []*longwirev1.JobEvent
}](receive func() (R, error)) func() ([]*longwirev1.JobEvent, error) {
	return func() ([]*longwirev1.JobEvent, error) {
		response, err := receive()
		return response.GetEvents(), err
	}
}

// note remembers how far the job is, and says whether the event is news.
func (f *follower) note(event *longwirev1.JobEvent) bool {
	f.seen = max(f.seen, event.GetSequence())
	switch kind := event.GetEvent().(type) {
	case *longwirev1.JobEvent_Accepted:
		f.jobID = kind.Accepted.GetJob().GetJobId()
	case *longwirev1.JobEvent_StatusChanged:
		if event.GetSequence() <= f.told {
			return false
		}
	case *longwirev1.JobEvent_Finished:
	case nil:
		// Of a kind that is newer than this program.
		return false
	default:
		// Queue positions and signs of life carry the sequence of an earlier change.
		return true
	}
	f.told = event.GetSequence()
	return true
}
