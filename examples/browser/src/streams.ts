// Streams that say when they are dead.

import { Code, ConnectError } from "@connectrpc/connect";

// The server sends a heartbeat after 15 s of silence.
const SILENCE_LIMIT_MS = 50_000;

/** The responses of a call that is ended, as CANCELLED, when nothing comes for 50 s. */
export async function* untilSilent<T>(
  call: (signal: AbortSignal) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const abort = new AbortController();
  const startTimer = () =>
    setTimeout(() => {
      abort.abort(new ConnectError("nothing came for 50 s", Code.Canceled));
    }, SILENCE_LIMIT_MS);
  let timer = startTimer();
  try {
    for await (const response of call(abort.signal)) {
      clearTimeout(timer);
      yield response;
      timer = startTimer();
    }
  } finally {
    clearTimeout(timer);
    // Ends the call where the reader leaves before the stream's end.
    abort.abort();
  }
}
