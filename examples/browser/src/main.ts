// The page: what its forms and buttons do.

import { ConnectError } from "@connectrpc/connect";
import { CallError } from "./errors";
import { run } from "./job";
import { countsOf } from "./result";
import { connectTo, type Server } from "./server";
import * as view from "./view";

const serverInput = view.byId("server", HTMLInputElement);
const tokenInput = view.byId("token", HTMLInputElement);
const runButton = view.byId("run", HTMLButtonElement);
const cancelButton = view.byId("cancel", HTMLButtonElement);

// The job that Cancel cancels, and the server that has it.
let current: { readonly server: Server; readonly jobId: string } | undefined;

function server(): Server {
  return connectTo(serverInput.value.replace(/\/+$/, ""), tokenInput.value.trim());
}

async function listBackends(): Promise<void> {
  const { backends } = await server().backends.listBackends({});
  view.showBackends(backends);
}

async function runCircuit(): Promise<void> {
  const chosen = server();
  view.clearJob();
  runButton.disabled = true;
  try {
    const seed = view.byId("seed", HTMLInputElement).value;
    const circuit = {
      program: view.byId("program", HTMLTextAreaElement).value,
      backend: view.byId("backend", HTMLInputElement).value,
      shots: BigInt(view.byId("shots", HTMLInputElement).value),
      seed: seed === "" ? undefined : BigInt(seed),
    };
    const result = await run(chosen, circuit, {
      accepted: (jobId) => {
        current = { server: chosen, jobId };
        view.showJob(jobId);
        cancelButton.disabled = false;
      },
      state: view.addState,
    });
    if (result !== undefined) view.showCounts(countsOf(result));
  } finally {
    current = undefined;
    cancelButton.disabled = true;
    runButton.disabled = false;
  }
}

/** The stream tells when the job is cancelled, so nothing is shown here. */
async function cancelJob(): Promise<void> {
  const { server, jobId } = current ?? {};
  if (server !== undefined && jobId !== undefined) await server.jobs.cancelJob({ jobId });
}

/** Does what a user asked for, and shows what went wrong. */
async function attempt(action: () => Promise<void>): Promise<void> {
  view.clearError();
  try {
    await action();
  } catch (error) {
    view.showError(error instanceof ConnectError ? CallError.from(error) : error);
  }
}

function on(target: HTMLElement, type: "submit" | "click", action: () => Promise<void>): void {
  target.addEventListener(type, (event) => {
    event.preventDefault();
    void attempt(action);
  });
}

/** Takes ?server= and ?token=, and removes the token from the address, which browsers remember. */
function readQuery(): void {
  const address = new URL(location.href);
  const token = address.searchParams.get("token");
  const own = address.protocol.startsWith("http") ? address.origin : "";
  serverInput.value = address.searchParams.get("server") ?? own;
  if (token === null) return;
  tokenInput.value = token;
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
}

readQuery();
on(view.byId("connection", HTMLFormElement), "submit", listBackends);
on(view.byId("circuit", HTMLFormElement), "submit", runCircuit);
on(cancelButton, "click", cancelJob);
if (isSecureContext) {
  if (serverInput.value !== "") void attempt(listBackends);
} else {
  // Browsers have digests and random ids only for pages that nobody can change on their way.
  runButton.disabled = true;
  view.showError(new Error("Open this page by https, or from this machine."));
}
