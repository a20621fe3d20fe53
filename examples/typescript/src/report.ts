// Results and errors as lines of text.

import { CallError, JobFailedError } from "./errors.js";
import type { DataField, Result } from "./gen/longwire/v1/result_pb.js";
import type { Value } from "./gen/longwire/v1/value_pb.js";
import { amplitudesOf, countsOf, shotsOf } from "./outcomes.js";

/** What a result says, circuit by circuit. */
export function* resultLines(result: Result): Generator<string> {
  for (const circuit of result.results) {
    for (const field of circuit.data) yield* dataLines(field);
  }
}

function* dataLines({ data }: DataField): Generator<string> {
  switch (data.case) {
    case "counts":
      for (const [bits, count] of countsOf(data.value)) yield `count ${bits} ${String(count)}`;
      break;
    case "memory":
      for (const bits of shotsOf(data.value)) yield `shot ${bits}`;
      break;
    case "value":
      yield* amplitudeLines(data.value);
      break;
    default:
      // A form of data that is newer than this program.
      break;
  }
}

function* amplitudeLines({ kind }: Value): Generator<string> {
  const array =
    kind.case === "quantumObjectValue"
      ? kind.value.data
      : kind.case === "arrayValue"
        ? kind.value
        : undefined;
  if (array === undefined) return;
  for (const [index, [real, imag]] of amplitudesOf(array)?.entries() ?? []) {
    yield `amplitude ${String(index)} ${decimal(real)} ${decimal(imag)}`;
  }
}

/** The shortest text that reads as the same number; String(-0) would lose the sign. */
function decimal(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** What is said of an error: one line, and its details below it. */
export function* errorLines(error: Error): Generator<string> {
  if (error instanceof CallError) {
    yield* callErrorLines(error);
  } else if (error instanceof JobFailedError) {
    yield `error: job ${error.jobId} failed: ${error.reason}: ${error.message}`;
  } else {
    yield `error: ${error.message}`;
  }
}

function* callErrorLines(error: CallError): Generator<string> {
  const reason = error.reason === undefined ? "" : ` ${error.reason}`;
  yield `error: ${error.status}${reason}: ${error.message}`;
  for (const key of Object.keys(error.metadata).sort()) {
    yield `  ${key}: ${error.metadata[key] ?? ""}`;
  }
  for (const { subject, description } of error.fieldViolations) {
    yield `  field ${subject}: ${description}`;
  }
  for (const { subject, description } of error.quotaViolations) {
    yield `  quota ${subject}: ${description}`;
  }
  if (error.retryDelayMs !== undefined) {
    yield `  retry after ${(error.retryDelayMs / 1000).toFixed(3)} s`;
  }
}
