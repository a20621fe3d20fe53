// What can go wrong, as types from which a caller can decide.

import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.js";

/** One field of a request that is wrong, or one quota that was exceeded. */
export interface Violation {
  readonly subject: string;
  readonly description: string;
}

interface CallErrorDetails {
  readonly reason?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly fieldViolations?: readonly Violation[];
  readonly quotaViolations?: readonly Violation[];
  readonly retryDelayMs?: number | undefined;
}

/** A call that was refused, or that never got an answer. */
export class CallError extends Error {
  override readonly name = "CallError";
  /** An ErrorReason without its prefix; undefined where the server gave none. */
  readonly reason: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly fieldViolations: readonly Violation[];
  readonly quotaViolations: readonly Violation[];
  /** How long the server asks callers to wait; undefined where it does not. */
  readonly retryDelayMs: number | undefined;

  constructor(
    /** The status in the form of gRPC, such as RESOURCE_EXHAUSTED. */
    readonly status: string,
    message: string,
    details: CallErrorDetails = {},
  ) {
    super(message);
    this.reason = details.reason;
    this.metadata = details.metadata ?? {};
    this.fieldViolations = details.fieldViolations ?? [];
    this.quotaViolations = details.quotaViolations ?? [];
    this.retryDelayMs = details.retryDelayMs;
  }

  /**
   * Whether the same call may succeed when it is made again. This program never
   * cancels a call that it still wants, so CANCELLED comes from what lies between.
   */
  get isBrokenConnection(): boolean {
    return this.status === "UNAVAILABLE" || this.status === "CANCELLED";
  }

  static from(error: unknown): CallError {
    if (error instanceof CallError) return error;
    const failure = ConnectError.from(error);
    if (isBrokenStream(failure)) {
      return new CallError("UNAVAILABLE", `the connection broke: ${failure.rawMessage}`);
    }
    const info = failure.findDetails(ErrorInfoSchema).find((each) => each.domain === "longwire");
    const delay = failure.findDetails(RetryInfoSchema)[0]?.retryDelay;
    return new CallError(statusName(failure.code), failure.rawMessage, {
      reason: info?.reason,
      metadata: info?.metadata ?? {},
      fieldViolations: failure
        .findDetails(BadRequestSchema)
        .flatMap((each) => each.fieldViolations)
        .map(({ field, description }) => ({ subject: field, description })),
      quotaViolations: failure.findDetails(QuotaFailureSchema).flatMap((each) => each.violations),
      retryDelayMs: delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6,
    });
  }
}

/** A job that was accepted and then failed. */
export class JobFailedError extends Error {
  override readonly name = "JobFailedError";

  constructor(
    readonly jobId: string,
    /** An ErrorReason without its prefix, or the number of one that is newer than this program. */
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** A job that somebody cancelled. */
export class JobCancelledError extends Error {
  override readonly name = "JobCancelledError";
}

/** A result that cannot be what the server sent. */
export class ResultError extends Error {
  override readonly name = "ResultError";
}

/** A command line or a setting that says nothing that can be done. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Whether a stream ended without a status of the server. connect-node reports
 * that as ABORTED (reset by the other side) or INTERNAL (of Node's HTTP/2, or a
 * stream without trailers), which would mean something else had a server said it.
 */
function isBrokenStream(failure: ConnectError): boolean {
  if (failure.metadata.has("grpc-status")) return false;
  if (failure.code === Code.Aborted) return true;
  return (
    failure.code === Code.Internal &&
    (failure.cause !== undefined || /missing status|http\/2 stream closed/.test(failure.rawMessage))
  );
}

function statusName(code: Code): string {
  if (code === Code.Canceled) return "CANCELLED";
  return Code[code].replace(/(?<=[a-z])[A-Z]/g, "_$&").toUpperCase();
}
