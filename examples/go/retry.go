package longwire

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
)

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
	// How long a server that was there may be away, and one that never was.
	patience      = 60 * time.Second
	firstPatience = 5 * time.Second
)

// retrier decides whether a call that broke is made again, and when.
type retrier struct {
	client *Client
	pause  time.Duration
	// When a response came last; before the first, when the command began.
	heardAt time.Time
}

func (c *Client) newRetrier() *retrier {
	return &retrier{client: c, pause: firstPause, heardAt: time.Now()}
}

// heard notes that a response has come.
func (r *retrier) heard() {
	r.pause = firstPause
	r.heardAt = time.Now()
}

// again waits until the call is to be made once more, and answers nil. Where it
// is not to be made, the answer is what the caller is told.
func (r *retrier) again(ctx context.Context, sequence uint64, err error) error {
	failure := errorOf(err)
	if failure.Status != codes.Unavailable && failure.Status != codes.Canceled {
		return failure
	}
	if ctx.Err() != nil {
		return endOf(ctx, failure)
	}
	left := firstPatience
	if r.client.link.reached.Load() {
		left = patience
	}
	left -= time.Since(r.heardAt)
	// The last pause is cut short, for one try at the very end.
	pause := min(time.Duration(float64(r.pause)*(0.5+rand.Float64())), left)
	if failure.RetryAfter != nil {
		pause = max(pause, *failure.RetryAfter)
	}
	if left <= 0 || pause > left {
		return failure
	}
	r.pause = min(2*r.pause, lastPause)
	select {
	case <-ctx.Done():
		return endOf(ctx, failure)
	case <-time.After(pause):
	}
	if r.client.onRetry != nil {
		r.client.onRetry(sequence, failure)
	}
	return nil
}

// endOf is the error of a caller who waits no longer, and says how the last try
// ended.
func endOf(ctx context.Context, last *Error) error {
	end := errorOf(ctx.Err())
	end.Message += "; the last try: " + last.Error()
	return end
}

// retried makes a call until it is answered. A call that is not safe to repeat
// must carry a request_id.
func retried[T any](ctx context.Context, c *Client, call func(r *retrier) (T, error)) (T, error) {
	r := c.newRetrier()
	for {
		answer, err := call(r)
		if err == nil {
			return answer, nil
		}
		if err := r.again(ctx, 0, err); err != nil {
			return answer, err
		}
	}
}
