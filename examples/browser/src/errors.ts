// What can go wrong, as types from which the page can decide.

import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb";

/** A call that was refused, or that never got an answer. */
export class CallError extends Error {
  override readonly name = "CallError";

  constructor(
    readonly code: Code,
    message: string,
    /** An ErrorReason without its prefix; undefined where the server gave none. */
    readonly reason?: string,
    /** What else the server said, for people. */
    readonly details: readonly string[] = [],
    /** How long the server asks callers to wait. */
    readonly retryDelayMs = 0,
  ) {
    super(message);
  }

  /** Whether the same call may succeed when it is made again. */
  get isBrokenConnection(): boolean {
    return this.code === Code.Unavailable || this.code === Code.Canceled;
  }

  static from(error: unknown): CallError {
    if (error instanceof CallError) return error;
    const failure = ConnectError.from(error);
    if (isBrokenStream(failure)) {
      return new CallError(Code.Unavailable, "the server cannot be reached, or refuses this page");
    }
    const info = failure.findDetails(ErrorInfoSchema).find((each) => each.domain === "longwire");
    const delay = failure.findDetails(RetryInfoSchema)[0]?.retryDelay;
    const delayMs = delay === undefined ? 0 : Number(delay.seconds) * 1000 + delay.nanos / 1e6;
    const details = [
      ...Object.entries(info?.metadata ?? {})
        .map(([key, value]) => `${key}: ${value}`)
        .sort(),
      ...failure
        .findDetails(BadRequestSchema)
        .flatMap((each) => each.fieldViolations)
        .map(({ field, description }) => `field ${field}: ${description}`),
      ...failure
        .findDetails(QuotaFailureSchema)
        .flatMap((each) => each.violations)
        .map(({ subject, description }) => `quota ${subject}: ${description}`),
      ...(delay === undefined ? [] : [`retry after ${(delayMs / 1000).toFixed(3)} s`]),
    ];
    return new CallError(failure.code, failure.rawMessage, info?.reason, details, delayMs);
  }
}

/** A job that was accepted and then failed. */
export class JobFailedError extends Error {
  override readonly name = "JobFailedError";

  constructor(
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** An error in one line: status and reason come first, since programs decide by them. */
export function titleOf(error: Error): string {
  if (error instanceof JobFailedError) return `The job failed: ${error.reason}: ${error.message}`;
  if (!(error instanceof CallError)) return error.message;
  return `${[statusName(error.code), error.reason].filter(Boolean).join(" ")}: ${error.message}`;
}

/**
 * Whether an answer never came, or ended early: fetch throws a TypeError, and the
 * library a text, where a server would have said a status in its trailers.
 */
function isBrokenStream({ cause, rawMessage }: ConnectError): boolean {
  return cause instanceof TypeError || rawMessage === "missing trailer";
}

/** The code in the form of gRPC, such as RESOURCE_EXHAUSTED. */
function statusName(code: Code): string {
  if (code === Code.Canceled) return "CANCELLED";
  return Code[code].replace(/(?<=[a-z])[A-Z]/g, "_$&").toUpperCase();
}
