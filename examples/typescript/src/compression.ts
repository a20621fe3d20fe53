// Bytes that a field holds compressed.

import { decompress as decompressZstd } from "fzstd";
import { ResultError } from "./errors.js";
import { Compression } from "./gen/longwire/v1/array_pb.js";

/** The bytes as they were before their producer compressed them. */
export function decompress(data: Uint8Array, compression: Compression): Uint8Array {
  switch (compression) {
    case Compression.UNSPECIFIED:
      return data;
    case Compression.ZSTD:
      try {
        return decompressZstd(data);
      } catch (error) {
        throw new ResultError(`the compressed data is damaged: ${String(error)}`);
      }
    default:
      throw new ResultError(`compression ${String(compression)} is newer than this program`);
  }
}
