package main

import (
	"context"
	"errors"
	"iter"

	"longwire"
	longwirev1 "longwire/v1"
)

func listBackends(ctx context.Context, client *longwire.Client, out *printer) error {
	backends, err := client.Backends(ctx)
	if err != nil {
		return err
	}
	for _, backend := range backends {
		health := "down"
		if backend.GetStatus().GetOperational() {
			health = "operational"
		}
		out.line("%s\t%s\t%d\t%s", backend.GetName(), health,
			backend.GetStatus().GetPendingJobs(), backend.GetStatus().GetStatusMsg())
	}
	return nil
}

func submit(ctx context.Context, client *longwire.Client, out *printer, spec *longwirev1.JobSpec) error {
	job, err := client.Submit(ctx, spec)
	if err != nil {
		return err
	}
	out.line("job %s", job.GetJobId())
	return nil
}

func runJob(ctx context.Context, client *longwire.Client, out *printer, spec *longwirev1.JobSpec) error {
	return follow(ctx, client, out, client.Run(ctx, spec))
}

func watchJob(ctx context.Context, client *longwire.Client, out *printer, jobID string) error {
	return follow(ctx, client, out, client.Watch(ctx, jobID))
}

// follow prints the states of a job as they are told, and then its result.
func follow(
	ctx context.Context, client *longwire.Client, out *printer,
	events iter.Seq2[*longwirev1.JobEvent, error],
) error {
	for event, err := range events {
		if err != nil {
			return err
		}
		switch kind := event.GetEvent().(type) {
		case *longwirev1.JobEvent_Accepted:
			out.line("job %s", kind.Accepted.GetJob().GetJobId())
			out.state(kind.Accepted.GetJob().GetStatus())
		case *longwirev1.JobEvent_StatusChanged:
			out.state(kind.StatusChanged)
		case *longwirev1.JobEvent_Finished:
			out.state(kind.Finished.GetJob().GetStatus())
			result, err := client.ResultOf(ctx, kind.Finished)
			if err != nil {
				return err
			}
			return out.result(result)
		}
	}
	return errors.New("the events ended before the job")
}

func printResult(ctx context.Context, client *longwire.Client, out *printer, jobID string) error {
	result, err := client.Result(ctx, jobID)
	if err != nil {
		return err
	}
	return out.result(result)
}

func cancelJob(ctx context.Context, client *longwire.Client, out *printer, jobID string) error {
	job, err := client.Cancel(ctx, jobID)
	if err != nil {
		return err
	}
	out.state(job.GetStatus())
	return nil
}
