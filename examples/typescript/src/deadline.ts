// One point in time by which a command is over, for all its calls together.

import type { CallOptions } from "@connectrpc/connect";
import { CallError } from "./errors.js";

// The longest time-out that gRPC's header holds in milliseconds: more than a day.
const MAX_TIMEOUT_MS = 99_999_999;

export class Deadline {
  private constructor(private readonly endMs: number) {}

  static after(seconds: number | undefined): Deadline {
    return new Deadline(
      seconds === undefined ? Infinity : performance.now() + Math.max(0, seconds) * 1000,
    );
  }

  get isSet(): boolean {
    return this.endMs !== Infinity;
  }

  remainingMs(): number {
    return Math.max(0, this.endMs - performance.now());
  }

  /** What a call gets of the time that is left. */
  callOptions(): CallOptions {
    const remaining = Math.ceil(this.remainingMs());
    // Connect takes 0 for "no time-out".
    return remaining > MAX_TIMEOUT_MS ? {} : { timeoutMs: Math.max(1, remaining) };
  }

  /** Throws DEADLINE_EXCEEDED when the time is over. */
  check(last?: CallError): void {
    if (this.remainingMs() > 0) return;
    const story = last === undefined ? "" : `; the last try: ${last.status}: ${last.message}`;
    throw new CallError("DEADLINE_EXCEEDED", `the command's deadline is over${story}`);
  }
}
