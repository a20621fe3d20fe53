// Going on when a connection breaks: when to try again, and when to give up.

import type { CallError } from "./errors";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const GIVE_UP_MS = 60_000;
// A server that never answered is more likely not there than away for a moment.
const GIVE_UP_UNHEARD_MS = 5_000;

/** Grows from pause to pause; random, so that clients do not come back together. */
export class Backoff {
  private nextMs = FIRST_PAUSE_MS;
  private limitMs = GIVE_UP_UNHEARD_MS;
  private silentSince = performance.now();

  /** A response has come. */
  reset(): void {
    this.nextMs = FIRST_PAUSE_MS;
    this.limitMs = GIVE_UP_MS;
    this.silentSince = performance.now();
  }

  /** Waits, or throws the failure when it has been tried for long enough. */
  async pause(failure: CallError): Promise<void> {
    if (performance.now() - this.silentSince > this.limitMs) throw failure;
    const pauseMs = Math.max(this.nextMs * (0.5 + Math.random()), failure.retryDelayMs);
    this.nextMs = Math.min(this.nextMs * 2, LONGEST_PAUSE_MS);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
