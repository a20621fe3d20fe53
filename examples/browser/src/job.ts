// One job from submission to result, over connections that may break.

import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { CallError, JobFailedError } from "./errors";
import { ErrorReason } from "./gen/longwire/v1/error_pb";
import type { JobEvent, JobFinished } from "./gen/longwire/v1/job_event_pb";
import { JobState } from "./gen/longwire/v1/job_pb";
import { RunJobRequestSchema } from "./gen/longwire/v1/job_service_pb";
import { CountsFormat, ProgramFormat } from "./gen/longwire/v1/program_pb";
import type { Result } from "./gen/longwire/v1/result_pb";
import { decodeResult, fetchResult } from "./result";
import { Backoff } from "./retries";
import type { Server } from "./server";
import { untilSilent } from "./streams";

export interface CircuitRun {
  readonly program: string;
  readonly backend: string;
  readonly shots: bigint;
  /** Of the simulator's random numbers: the same seed gives the same counts. */
  readonly seed: bigint | undefined;
}

/** What is told of a job on its way. */
export interface JobListener {
  accepted(jobId: string): void;
  state(name: string): void;
}

/** Runs a program and follows its job. Undefined where somebody cancelled it. */
export async function run(
  server: Server,
  circuit: CircuitRun,
  listener: JobListener,
): Promise<Result | undefined> {
  const { job, result } = await new Follower(server, circuit, listener).follow();
  const state = job?.status?.status;
  if (job === undefined || state === JobState.CANCELLED) return undefined;
  if (state !== JobState.DONE) {
    const reason = job.error?.reason ?? ErrorReason.UNSPECIFIED;
    throw new JobFailedError(nameOf(ErrorReason, reason), job.error?.message ?? "");
  }
  return decodeResult(result ?? (await fetchResult(server, job.jobId)));
}

/** The name of an enum's value, or its number where it is newer than this page. */
function nameOf(names: Readonly<Record<number, string>>, value: number): string {
  return names[value] ?? String(value);
}

class Follower {
  private jobId: string | undefined;
  private sequence = 0n;
  private lastState: JobState | undefined;
  private readonly backoff = new Backoff();
  // The same request_id makes every further sending the same job.
  private readonly requestId = crypto.randomUUID();

  constructor(
    private readonly server: Server,
    private readonly circuit: CircuitRun,
    private readonly listener: JobListener,
  ) {}

  async follow(): Promise<JobFinished> {
    for (;;) {
      try {
        return await this.readStream();
      } catch (error) {
        const failure = CallError.from(error);
        if (!failure.isBrokenConnection) throw failure;
        await this.backoff.pause(failure);
      }
    }
  }

  private async readStream(): Promise<JobFinished> {
    for await (const { events } of untilSilent((signal) => this.open(signal))) {
      this.backoff.reset();
      for (const event of events) {
        this.take(event);
        if (event.event.case === "finished") return event.event.value;
      }
    }
    throw new CallError(Code.Unavailable, "the stream ended before the job did");
  }

  private open(signal: AbortSignal): AsyncIterable<{ events: JobEvent[] }> {
    const { jobs } = this.server;
    return this.jobId === undefined
      ? jobs.runJob(this.request(), { signal })
      : jobs.watchJob({ jobId: this.jobId, resumeAfter: this.sequence }, { signal });
  }

  private request() {
    const { program, backend, shots, seed } = this.circuit;
    return create(RunJobRequestSchema, {
      requestId: this.requestId,
      spec: {
        backendName: backend,
        program: {
          format: ProgramFormat.OPENQASM3,
          payloads: [new TextEncoder().encode(program)],
        },
        options: {
          shots,
          countsFormat: CountsFormat.BITSTRINGS,
          ...(seed === undefined ? {} : { seedSimulator: seed }),
        },
      },
    });
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
        // are newer than this page, which have no case.
        break;
    }
    if (sequence > this.sequence) this.sequence = sequence;
  }

  /** A change is told once, however many streams tell it. */
  private changed(sequence: bigint, state = JobState.UNSPECIFIED): void {
    if (sequence <= this.sequence && state === this.lastState) return;
    this.lastState = state;
    this.listener.state(nameOf(JobState, state));
  }
}
