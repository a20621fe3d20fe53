// The command line's wishes as messages.

import { randomUUID } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { RunArguments } from "./command_line.js";
import { RunJobRequestSchema, type RunJobRequest } from "./gen/longwire/v1/job_service_pb.js";
import {
  CountsFormat,
  ProgramFormat,
  type RunOptionsSchema,
} from "./gen/longwire/v1/program_pb.js";

/**
 * A job of one circuit. Its request_id makes every further sending the same job.
 * One that is owned ends with the call that follows it.
 */
export function runRequest(run: RunArguments, owned = false): RunJobRequest {
  return create(RunJobRequestSchema, {
    requestId: randomUUID(),
    cancelWithCall: owned,
    spec: {
      backendName: run.backend,
      name: run.name,
      program: { format: ProgramFormat.OPENQASM3, payloads: [run.program] },
      options: runOptions(run),
    },
  });
}

function runOptions(run: RunArguments): MessageInitShape<typeof RunOptionsSchema> {
  return {
    shots: run.shots,
    countsFormat: CountsFormat.BITSTRINGS,
    saveStatevector: run.statevector,
    // Fields that are `optional` in the protos tell "not set" from zero and
    // false: what the user did not say is left out, and the backend decides.
    ...(run.memory ? { memory: true } : {}),
    ...(run.seed === undefined ? {} : { seedSimulator: run.seed }),
    ...(run.backendOptions.length === 0
      ? {}
      : {
          backendOptions: {
            fields: run.backendOptions.map(({ name, text }) => ({
              name,
              value: { kind: { case: "stringValue", value: text } },
            })),
          },
        }),
  };
}
