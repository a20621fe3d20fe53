// Going on when a connection breaks: when to try again, and when to give up.

import { setTimeout as sleep } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import type { Connection } from "./connection.js";
import type { Deadline } from "./deadline.js";
import { CallError } from "./errors.js";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const GIVE_UP_MS = 60_000;
// A server that was never reached is more likely not there than away for a moment.
const GIVE_UP_UNREACHED_MS = 5_000;

/** What an attempt is given: it calls `heard` for every response. */
export type Attempt<T> = (heard: () => void) => Promise<T>;

/** What the attempts of a command have in common. */
export interface Endurance {
  readonly connection: Connection;
  readonly deadline: Deadline;
  /** Told before every further attempt. */
  readonly onReconnect: () => void;
}

/** Makes attempts until one succeeds, or fails for another reason than its connection. */
export async function persist<T>(
  { connection, deadline, onReconnect }: Endurance,
  attempt: Attempt<T>,
): Promise<T> {
  const backoff = new Backoff();
  let last: CallError | undefined;
  for (;;) {
    try {
      await connection.open(deadline);
      return await attempt(() => {
        backoff.reset();
      });
    } catch (error) {
      if (!isCallFailure(error)) throw error;
      const failure = CallError.from(error);
      // What the connection died of says more than that the time is over.
      if (failure.isBrokenConnection) last = failure;
      deadline.check(last);
      if (!failure.isBrokenConnection) throw failure;
      await backoff.pause(failure, connection.wasOpen, deadline);
    }
    onReconnect();
  }
}

/** Grows from pause to pause; random, so that clients do not come back together. */
class Backoff {
  private nextMs = FIRST_PAUSE_MS;
  private silentSince = performance.now();

  reset(): void {
    this.nextMs = FIRST_PAUSE_MS;
    this.silentSince = performance.now();
  }

  /** Waits, or throws the failure when it has been tried for long enough. */
  async pause(failure: CallError, wasReached: boolean, deadline: Deadline): Promise<void> {
    const limitMs = wasReached ? GIVE_UP_MS : GIVE_UP_UNREACHED_MS;
    const leftMs = limitMs - (performance.now() - this.silentSince);
    if (leftMs <= 0) throw failure;
    const pauseMs = Math.max(this.nextMs * (0.5 + Math.random()), failure.retryDelayMs ?? 0);
    this.nextMs = Math.min(this.nextMs * 2, LONGEST_PAUSE_MS);
    await sleep(Math.min(pauseMs, leftMs, deadline.remainingMs()));
    deadline.check(failure);
  }
}

/** Errors of jobs and results are final; those of calls come from Connect, or are CallErrors. */
function isCallFailure(error: unknown): boolean {
  return error instanceof CallError || error instanceof ConnectError;
}
