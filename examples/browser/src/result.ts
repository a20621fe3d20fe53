// Results: chunks, digest, compression, and the counts in them.

import { create, fromBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { decompress } from "fzstd";
import { CallError } from "./errors";
import { Compression } from "./gen/longwire/v1/array_pb";
import {
  EncodedResultSchema,
  ResultSchema,
  type Counts,
  type EncodedResult,
  type Result,
} from "./gen/longwire/v1/result_pb";
import { Backoff } from "./retries";
import type { Server } from "./server";

/** An outcome, bit 0 the rightmost character, and how often it was seen. */
export interface OutcomeCount {
  readonly outcome: string;
  readonly count: bigint;
}

/** A result that was too large for the job's last event. */
export async function fetchResult(server: Server, jobId: string): Promise<EncodedResult> {
  const backoff = new Backoff();
  for (;;) {
    try {
      return await readChunks(server, jobId, backoff);
    } catch (error) {
      const failure = CallError.from(error);
      if (!failure.isBrokenConnection) throw failure;
      await backoff.pause(failure);
    }
  }
}

async function readChunks(server: Server, jobId: string, backoff: Backoff): Promise<EncodedResult> {
  let encoded: EncodedResult | undefined;
  let at = 0;
  for await (const { header, totalBytes, chunk } of server.jobs.getResult({ jobId })) {
    backoff.reset();
    if (header !== undefined) {
      const data = new Uint8Array(Number(totalBytes));
      encoded = create(EncodedResultSchema, { ...header, data });
    }
    encoded?.data.set(chunk, at);
    at += chunk.length;
  }
  if (encoded?.data.length !== at) {
    throw new CallError(Code.Unavailable, "the result ended before its last chunk");
  }
  return encoded;
}

/** The Result in an EncodedResult, whose digest is over the bytes as they were sent. */
export async function decodeResult({ data, sha256, compression }: EncodedResult): Promise<Result> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(data)));
  if (digest.length !== sha256.length || digest.some((byte, index) => byte !== sha256[index])) {
    throw new Error("The result's bytes do not have the digest that was sent with them.");
  }
  switch (compression) {
    case Compression.UNSPECIFIED:
      return fromBinary(ResultSchema, data);
    case Compression.ZSTD:
      return fromBinary(ResultSchema, decompress(data));
    default:
      throw new Error(`The result's compression ${String(compression)} is newer than this page.`);
  }
}

/** The counts of each circuit, outcomes in the order of their text. */
export function countsOf(result: Result): OutcomeCount[][] {
  return result.results
    .flatMap((circuit) => circuit.data)
    .flatMap(({ data }) => (data.case === "counts" ? [sorted(data.value)] : []));
}

/** The page asks for bitstrings: the other two forms of outcomes do not come. */
function sorted({ bitstrings, counts }: Counts): OutcomeCount[] {
  return bitstrings
    .map((outcome, index) => ({ outcome, count: counts[index] ?? 0n }))
    .sort((first, second) => (first.outcome < second.outcome ? -1 : 1));
}
