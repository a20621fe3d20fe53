// What a circuit's result says: counts, shots, amplitudes.

import { decompress } from "./compression.js";
import { ResultError } from "./errors.js";
import { ElementType, type Array as NumberArray } from "./gen/longwire/v1/array_pb.js";
import type { Counts, PackedBits } from "./gen/longwire/v1/result_pb.js";

/** Outcomes as text, bit 0 the rightmost, each with how often it was seen; sorted. */
export function countsOf(counts: Counts): [string, bigint][] {
  const outcomes = outcomesOf(counts);
  if (outcomes.length !== counts.counts.length) {
    throw new ResultError("the counts have not as many numbers as outcomes");
  }
  return outcomes
    .map((bits, index): [string, bigint] => [bits, counts.counts[index] ?? 0n])
    .sort(([first], [second]) => (first < second ? -1 : first > second ? 1 : 0));
}

/** Exactly one of the three forms is filled, or none where nothing was counted. */
function outcomesOf({ numBits, outcomes, wideOutcomes, bitstrings }: Counts): string[] {
  if (bitstrings.length > 0) return bitstrings;
  if (wideOutcomes.length > 0) return rowsOf(wideOutcomes, numBits);
  return outcomes.map((outcome) => (numBits > 0 ? outcome.toString(2).padStart(numBits, "0") : ""));
}

/** The outcome of every shot, in order. */
export function shotsOf({ numBits, numShots, data, compression }: PackedBits): string[] {
  // Without bits a row has no bytes, and only num_shots says how many there are.
  if (numBits === 0) return Array<string>(Number(numShots)).fill("");
  const rows = rowsOf(decompress(data, compression), numBits);
  if (BigInt(rows.length) !== numShots) {
    throw new ResultError("the memory has not as many rows as shots");
  }
  return rows;
}

/** Rows of (numBits + 7) / 8 bytes, big-endian, as text. */
function rowsOf(data: Uint8Array, numBits: number): string[] {
  const rowBytes = Math.ceil(numBits / 8);
  const rows: string[] = [];
  for (let start = 0; start < data.length; start += rowBytes) {
    const row = Array.from(data.subarray(start, start + rowBytes), (byte) =>
      byte.toString(2).padStart(8, "0"),
    ).join("");
    rows.push(row.slice(-numBits));
  }
  return rows;
}

/** The numbers of a complex array, real and imaginary part of each; undefined of another one. */
export function amplitudesOf(array: NumberArray): [number, number][] | undefined {
  const partBytes = partBytesOf(array.elementType);
  if (partBytes === undefined) return undefined;
  const data = decompress(array.data, array.compression);
  // DataView because the bytes begin anywhere in their buffer, and are little-endian.
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const read = (at: number) =>
    partBytes === 8 ? view.getFloat64(at, true) : view.getFloat32(at, true);
  const amplitudes: [number, number][] = [];
  for (let at = 0; at + 2 * partBytes <= data.length; at += 2 * partBytes) {
    amplitudes.push([read(at), read(at + partBytes)]);
  }
  return amplitudes;
}

function partBytesOf(type: ElementType): 4 | 8 | undefined {
  if (type === ElementType.COMPLEX128) return 8;
  if (type === ElementType.COMPLEX64) return 4;
  return undefined;
}
