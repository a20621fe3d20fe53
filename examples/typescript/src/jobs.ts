// Jobs from submission to result, over connections that may break.

import { createClient, type CallOptions, type Client } from "@connectrpc/connect";
import { CallError, JobCancelledError, JobFailedError } from "./errors.js";
import { ErrorReason } from "./gen/longwire/v1/error_pb.js";
import type { JobEvent, JobFinished } from "./gen/longwire/v1/job_event_pb.js";
import { JobState, type Job } from "./gen/longwire/v1/job_pb.js";
import { JobService, type RunJobRequest } from "./gen/longwire/v1/job_service_pb.js";
import type { EncodedResult, Result } from "./gen/longwire/v1/result_pb.js";
import { decodeResult, ResultChunks } from "./results.js";
import { persist, type Endurance } from "./retries.js";
import { untilSilent } from "./streams.js";

/** What is told of a job on its way. */
export interface JobListener {
  accepted(jobId: string): void;
  state(state: JobState): void;
}

/** Follows one job, from stream to stream, until it is final. */
export class JobFollower {
  /** The highest sequence seen: where the next stream goes on. */
  sequence = 0n;
  private jobId: string | undefined;
  /** Whether the job belongs to the calls that follow it. */
  private owned = false;
  private lastState: JobState | undefined;
  private readonly client: Client<typeof JobService>;

  constructor(
    private readonly endurance: Endurance,
    private readonly listener: JobListener,
  ) {
    this.client = createClient(JobService, endurance.connection.transport);
  }

  /** Runs a job. The request has a request_id, so that it can be sent again. */
  run(request: RunJobRequest): Promise<JobFinished> {
    this.owned = request.cancelWithCall;
    return this.follow((options) => this.client.runJob(request, options));
  }

  /** Watches a job from its beginning. */
  watch(jobId: string): Promise<JobFinished> {
    this.jobId = jobId;
    return this.follow((options) => this.watchOn(jobId, options));
  }

  private follow(
    first: (options: CallOptions) => AsyncIterable<{ events: JobEvent[] }>,
  ): Promise<JobFinished> {
    return persist(this.endurance, async (heard) => {
      const jobId = this.jobId;
      const call =
        jobId === undefined ? first : (options: CallOptions) => this.watchOn(jobId, options);
      for await (const { events } of untilSilent(call, this.endurance.deadline.callOptions())) {
        heard();
        for (const event of events) {
          this.take(event);
          if (event.event.case === "finished") return event.event.value;
        }
      }
      throw new CallError("UNAVAILABLE", "the stream ended before the job did");
    });
  }

  private watchOn(jobId: string, options: CallOptions) {
    const request = { jobId, resumeAfter: this.sequence, cancelWithCall: this.owned };
    return this.client.watchJob(request, options);
  }

  private take({ sequence, event }: JobEvent): void {
    switch (event.case) {
      case "accepted":
        if (this.jobId === undefined) {
          this.jobId = event.value.job?.jobId ?? "";
          this.listener.accepted(this.jobId);
        }
        this.changed(sequence, event.value.job?.status?.status);
        break;
      case "statusChanged":
        this.changed(sequence, event.value.status);
        break;
      case "finished":
        this.changed(sequence, event.value.job?.status?.status);
        break;
      default:
        // Places in the queue, progress, signs of life, and kinds of events that
        // are newer than this program, which have no case.
        break;
    }
    if (sequence > this.sequence) this.sequence = sequence;
  }

  /** A change is told once, however many streams tell it. */
  private changed(sequence: bigint, state = JobState.UNSPECIFIED): void {
    if (sequence <= this.sequence && state === this.lastState) return;
    this.lastState = state;
    this.listener.state(state);
  }
}

/** The result of a job that is final. Throws where it has none. */
export async function resultOf(
  endurance: Endurance,
  { job, result }: JobFinished,
): Promise<Result> {
  const state = job?.status?.status;
  if (job === undefined || state === JobState.CANCELLED) {
    throw new JobCancelledError("the job was cancelled");
  }
  if (state !== JobState.DONE) {
    const reason = job.error?.reason ?? ErrorReason.UNSPECIFIED;
    const message = job.error?.message ?? job.status?.statusMsg ?? "";
    throw new JobFailedError(job.jobId, nameOf(ErrorReason, reason), message);
  }
  return decodeResult(result ?? (await fetchResult(endurance, job.jobId)));
}

/** A result in chunks. Whatever came of a stream that broke is thrown away. */
export function fetchResult(endurance: Endurance, jobId: string): Promise<EncodedResult> {
  const client = createClient(JobService, endurance.connection.transport);
  return persist(endurance, async (heard) => {
    const chunks = new ResultChunks();
    // No limit of silence: the server is silent while others' results fill its room.
    for await (const response of client.getResult({ jobId }, endurance.deadline.callOptions())) {
      heard();
      chunks.add(response);
    }
    return chunks.join();
  });
}

export function submit(endurance: Endurance, request: RunJobRequest): Promise<Job | undefined> {
  const client = createClient(JobService, endurance.connection.transport);
  const { spec, requestId } = request;
  return persist(endurance, async () => {
    const options = endurance.deadline.callOptions();
    return (await client.submitJob(spec ? { spec, requestId } : { requestId }, options)).job;
  });
}

export function cancel(endurance: Endurance, jobId: string): Promise<Job | undefined> {
  const client = createClient(JobService, endurance.connection.transport);
  return persist(endurance, async () => {
    return (await client.cancelJob({ jobId }, endurance.deadline.callOptions())).job;
  });
}

/** The name of an enum's value, or its number where it is newer than this program. */
export function nameOf(names: Readonly<Record<number, string>>, value: number): string {
  return names[value] ?? String(value);
}
