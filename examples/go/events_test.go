package longwire

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	longwirev1 "longwire/v1"
)

var errBroken = status.Error(codes.Unavailable, "broken")

// stream tells its events one by one, and then ends with err, or is silent.
type stream[R any] struct {
	grpc.ClientStream
	ctx      context.Context
	events   []*longwirev1.JobEvent
	err      error
	response func([]*longwirev1.JobEvent) *R
}

func (s *stream[R]) Recv() (*R, error) {
	if len(s.events) > 0 {
		first := s.events[:1]
		s.events = s.events[1:]
		return s.response(first), nil
	}
	if s.err != nil {
		return nil, s.err
	}
	<-s.ctx.Done()
	return nil, status.FromContextError(s.ctx.Err()).Err()
}

// script is what one stream tells.
type script struct {
	events []*longwirev1.JobEvent
	err    error
}

// jobs is a server whose streams follow scripts, and then always break.
type jobs struct {
	longwirev1.JobServiceClient
	scripts  []script
	requests []proto.Message
}

func (j *jobs) next(request proto.Message) script {
	j.requests = append(j.requests, proto.Clone(request))
	if len(j.scripts) == 0 {
		return script{err: errBroken}
	}
	first := j.scripts[0]
	j.scripts = j.scripts[1:]
	return first
}

func (j *jobs) RunJob(
	ctx context.Context, request *longwirev1.RunJobRequest, _ ...grpc.CallOption,
) (grpc.ServerStreamingClient[longwirev1.RunJobResponse], error) {
	next := j.next(request)
	return &stream[longwirev1.RunJobResponse]{
		ctx: ctx, events: next.events, err: next.err,
		response: func(events []*longwirev1.JobEvent) *longwirev1.RunJobResponse {
			return &longwirev1.RunJobResponse{Events: events}
		},
	}, nil
}

func (j *jobs) WatchJob(
	ctx context.Context, request *longwirev1.WatchJobRequest, _ ...grpc.CallOption,
) (grpc.ServerStreamingClient[longwirev1.WatchJobResponse], error) {
	next := j.next(request)
	return &stream[longwirev1.WatchJobResponse]{
		ctx: ctx, events: next.events, err: next.err,
		response: func(events []*longwirev1.JobEvent) *longwirev1.WatchJobResponse {
			return &longwirev1.WatchJobResponse{Events: events}
		},
	}, nil
}

func accepted(sequence uint64) *longwirev1.JobEvent {
	return &longwirev1.JobEvent{Sequence: sequence, Event: &longwirev1.JobEvent_Accepted{
		Accepted: &longwirev1.JobAccepted{Job: &longwirev1.Job{JobId: "1"}}}}
}

func changed(sequence uint64) *longwirev1.JobEvent {
	return &longwirev1.JobEvent{Sequence: sequence, Event: &longwirev1.JobEvent_StatusChanged{}}
}

func heartbeat(sequence uint64) *longwirev1.JobEvent {
	return &longwirev1.JobEvent{Sequence: sequence, Event: &longwirev1.JobEvent_Heartbeat{
		Heartbeat: &longwirev1.Heartbeat{}}}
}

func finished(sequence uint64) *longwirev1.JobEvent {
	return &longwirev1.JobEvent{Sequence: sequence, Event: &longwirev1.JobEvent_Finished{
		Finished: &longwirev1.JobFinished{}}}
}

// told runs a job and gives the sequences of its changes of state, and the error.
func told(server *jobs) (sequences []uint64, err error) {
	client := &Client{jobs: server, link: &link{}}
	client.link.reached.Store(true)
	for event, err := range client.Run(context.Background(), &longwirev1.JobSpec{}) {
		if err != nil {
			return sequences, err
		}
		if event.GetHeartbeat() == nil {
			sequences = append(sequences, event.GetSequence())
		}
	}
	return sequences, nil
}

func TestAJobIsFollowedOverBrokenStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		unknown := &longwirev1.JobEvent{Sequence: 4}
		server := &jobs{scripts: []script{
			{err: errBroken},
			{[]*longwirev1.JobEvent{accepted(1), changed(2), heartbeat(2)}, errBroken},
			{nil, status.Error(codes.Canceled, "by a server that stops")},
			{[]*longwirev1.JobEvent{changed(2), changed(3), unknown, finished(5)}, nil},
		}}
		sequences, err := told(server)
		if err != nil || !slices.Equal(sequences, []uint64{1, 2, 3, 5}) {
			t.Errorf("%v, %v", sequences, err)
		}
		if !proto.Equal(server.requests[0], server.requests[1]) {
			t.Error("the request was repeated with another request_id")
		}
		resumed := &longwirev1.WatchJobRequest{JobId: "1", ResumeAfter: 2}
		for _, request := range server.requests[2:] {
			if !proto.Equal(request, resumed) {
				t.Error(request)
			}
		}
	})
}

func TestASilentStreamIsTakenForDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		sequences, err := told(&jobs{scripts: []script{
			{[]*longwirev1.JobEvent{accepted(1)}, nil},
			{[]*longwirev1.JobEvent{finished(2)}, nil},
		}})
		if err != nil || !slices.Equal(sequences, []uint64{1, 2}) {
			t.Errorf("%v, %v", sequences, err)
		}
		if waited := time.Since(begin); waited < silenceLimit || waited > silenceLimit+time.Second {
			t.Error(waited)
		}
	})
}

func TestAServerThatStaysAwayIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		_, err := told(&jobs{scripts: []script{{[]*longwirev1.JobEvent{accepted(1)}, errBroken}}})
		if status.Code(err) != codes.Unavailable || time.Since(begin) != patience {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

func TestARefusalIsToldAtOnce(t *testing.T) {
	server := &jobs{scripts: []script{{err: status.Error(codes.NotFound, "no")}}}
	if _, err := told(server); status.Code(err) != codes.NotFound || len(server.requests) != 1 {
		t.Errorf("%v after %d calls", err, len(server.requests))
	}
}
