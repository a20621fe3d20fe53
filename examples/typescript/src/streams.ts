// Streams that say when they are dead.

import { Code, ConnectError, type CallOptions } from "@connectrpc/connect";
import { CallError } from "./errors.js";

// The server sends a heartbeat after 15 s of silence.
const SILENCE_LIMIT_MS = 50_000;

/** The responses of a call that is ended, as CANCELLED, when nothing comes for 50 s. */
export async function* untilSilent<T>(
  call: (options: CallOptions) => AsyncIterable<T>,
  options: CallOptions,
): AsyncGenerator<T> {
  const abort = new AbortController();
  const timer = setTimeout(() => {
    abort.abort(new ConnectError("nothing came for 50 s", Code.Canceled));
  }, SILENCE_LIMIT_MS);
  try {
    for await (const response of call({ ...options, signal: abort.signal })) {
      timer.refresh();
      yield response;
    }
  } catch (error) {
    throw CallError.from(error);
  } finally {
    clearTimeout(timer);
    // Ends the call where the reader leaves before the stream's end.
    abort.abort();
  }
}
