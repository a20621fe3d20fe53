// A result on its way: chunks, digest, compression, and the message in it.

import { createHash } from "node:crypto";
import { create, fromBinary } from "@bufbuild/protobuf";
import { decompress } from "./compression.js";
import { CallError, ResultError } from "./errors.js";
import type { GetResultResponse } from "./gen/longwire/v1/job_service_pb.js";
import {
  EncodedResultSchema,
  ResultSchema,
  type EncodedResult,
  type Result,
} from "./gen/longwire/v1/result_pb.js";

/** The chunks of one GetResult. */
export class ResultChunks {
  private header: EncodedResult | undefined;
  private totalBytes = 0n;
  private readonly chunks: Uint8Array[] = [];

  add({ header, totalBytes, chunk }: GetResultResponse): void {
    if (header !== undefined) {
      this.header = header;
      this.totalBytes = totalBytes;
    }
    this.chunks.push(chunk);
  }

  join(): EncodedResult {
    const data = Buffer.concat(this.chunks);
    if (this.header === undefined || BigInt(data.length) !== this.totalBytes) {
      throw new CallError("UNAVAILABLE", "the result ended before its last chunk");
    }
    return create(EncodedResultSchema, { ...this.header, data });
  }
}

/** The Result in an EncodedResult, whose digest is over the bytes as they were sent. */
export function decodeResult({ data, sha256, compression }: EncodedResult): Result {
  if (!createHash("sha256").update(data).digest().equals(sha256)) {
    throw new ResultError("the result's bytes do not have the digest that was sent with them");
  }
  return fromBinary(ResultSchema, decompress(data, compression));
}
