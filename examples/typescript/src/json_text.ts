// JSON as text, with the sign of zero.

import type { JsonValue } from "@bufbuild/protobuf";

/** As JSON.stringify writes it, but for -0, which that function writes as 0. */
export function writeJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(
      ([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`,
    );
    return `{${members.join(",")}}`;
  }
  return Object.is(value, -0) ? "-0.0" : JSON.stringify(value);
}
