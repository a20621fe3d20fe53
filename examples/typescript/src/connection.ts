// The connection to a server: where it is, how it is secured, who calls.

import { readFileSync } from "node:fs";
import { Code, ConnectError, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { Deadline } from "./deadline.js";
import { CallError, UsageError } from "./errors.js";

const PING_INTERVAL_MS = 15_000;
const PING_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

/** One connection, made again by the calls that find it broken. */
export class Connection {
  readonly transport: Transport;
  /** Whether the server was ever reached. */
  wasOpen = false;

  private constructor(
    private readonly address: string,
    private readonly session: Http2SessionManager,
    baseUrl: string,
    token: string | undefined,
  ) {
    this.transport = createGrpcTransport({
      baseUrl,
      sessionManager: session,
      readMaxBytes: MAX_RESPONSE_BYTES,
      interceptors: token === undefined ? [] : [bearer(token)],
    });
  }

  /** The connection that the variables LONGWIRE_ADDRESS, _CA and _TOKEN describe. */
  static fromEnvironment(environment: NodeJS.ProcessEnv): Connection {
    const address = environment["LONGWIRE_ADDRESS"] || "localhost:50051";
    const host = hostOf(address);
    const ca = environment["LONGWIRE_CA"] ? readCa(environment["LONGWIRE_CA"]) : undefined;
    const isSecured = ca !== undefined || !isLoopback(host);
    const token = environment["LONGWIRE_TOKEN"] ? environment["LONGWIRE_TOKEN"] : undefined;
    if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
      throw new UsageError("LONGWIRE_TOKEN has characters that no token has: set it to the token");
    }
    const baseUrl = `${isSecured ? "https" : "http"}://${address}`;
    const pings = { pingIntervalMs: PING_INTERVAL_MS, pingTimeoutMs: PING_TIMEOUT_MS };
    const session = new Http2SessionManager(baseUrl, pings, ca === undefined ? {} : { ca });
    return new Connection(address, session, baseUrl, token);
  }

  /** Connects where there is no connection. A server that is not there is UNAVAILABLE. */
  async open(deadline: Deadline): Promise<void> {
    const giveUp = setTimeout(
      () => {
        this.session.abort(new ConnectError("no answer", Code.Unavailable));
      },
      Math.min(CONNECT_TIMEOUT_MS, deadline.remainingMs()),
    );
    try {
      if ((await this.session.connect()) !== "error") {
        this.wasOpen = true;
        return;
      }
    } finally {
      clearTimeout(giveUp);
    }
    deadline.check();
    throw new CallError("UNAVAILABLE", `cannot connect to ${this.address}: ${this.failure()}`);
  }

  close(): void {
    this.session.abort();
  }

  private failure(): string {
    const reason = this.session.error();
    const cause = reason instanceof ConnectError ? (reason.cause ?? reason) : reason;
    // Node joins the refusals of several addresses in an error without a message.
    const { message, code } = cause as NodeJS.ErrnoException;
    return message || (code ?? "unknown reason");
  }
}

function bearer(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
}

function hostOf(address: string): string {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:/?#@\s]+):(\d{1,5})$/.exec(address);
  if (match?.[1] === undefined || Number(match[2]) > 65535) {
    throw new UsageError(`LONGWIRE_ADDRESS is ${JSON.stringify(address)}: write HOST:PORT`);
  }
  return match[1];
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function readCa(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `LONGWIRE_CA is ${path}, which cannot be read (${String(code)}): name a PEM file`,
    );
  }
}
