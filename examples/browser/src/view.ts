// What the page shows. Text is set as text, never as HTML: messages come from elsewhere.

import { CallError, titleOf } from "./errors";
import type { Backend } from "./gen/longwire/v1/backend_pb";
import type { OutcomeCount } from "./result";

/** The element with an id of index.html. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`);
  return found;
}

export function showError(error: unknown): void {
  const failure = error instanceof Error ? error : new Error(String(error));
  const details = failure instanceof CallError ? failure.details : [];
  const list = element("ul", ...details.map((detail) => element("li", detail)));
  const parts = [element("p", titleOf(failure)), ...(details.length > 0 ? [list] : [])];
  byId("error", HTMLElement).replaceChildren(...parts);
}

export function clearError(): void {
  byId("error", HTMLElement).replaceChildren();
}

export function showBackends(backends: readonly Backend[]): void {
  const rows = backends.map(({ name, status }) => {
    const row = element(
      "tr",
      element("td", name),
      element("td", status?.operational ? "operational" : "down"),
      numberCell(status?.pendingJobs ?? 0n),
      element("td", status?.statusMsg ?? ""),
    );
    row.dataset["backend"] = name;
    return row;
  });
  byId("backends", HTMLTableElement).tBodies[0]?.replaceChildren(...rows);
  const names = backends.map(({ name }) => new Option(name));
  byId("backend-names", HTMLDataListElement).replaceChildren(...names);
}

export function clearJob(): void {
  for (const id of ["job", "states", "counts"]) byId(id, HTMLElement).replaceChildren();
}

export function showJob(jobId: string): void {
  byId("job", HTMLOutputElement).value = jobId;
}

export function addState(name: string): void {
  byId("states", HTMLOListElement).append(element("li", name));
}

/** A histogram for each circuit: a table, so that it can be read without being seen. */
export function showCounts(circuits: readonly (readonly OutcomeCount[])[]): void {
  byId("counts", HTMLElement).replaceChildren(...circuits.map(histogram));
}

function histogram(counts: readonly OutcomeCount[]): HTMLElement {
  const most = counts.reduce((most, { count }) => (count > most ? count : most), 1n);
  const rows = counts.map(({ outcome, count }) => {
    const bar = element("span");
    bar.className = "bar";
    bar.style.width = `${String((Number(count) / Number(most)) * 100)}%`;
    const head = element("th", outcome);
    head.scope = "row";
    head.className = "outcome";
    const barCell = element("td", bar);
    barCell.className = "bar-cell";
    // The number beside it says the same.
    barCell.ariaHidden = "true";
    const row = element("tr", head, barCell, numberCell(count));
    row.dataset["outcome"] = outcome;
    row.dataset["count"] = String(count);
    return row;
  });
  return element("table", element("caption", "Counts"), element("tbody", ...rows));
}

function numberCell(value: bigint): HTMLElement {
  const cell = element("td", String(value));
  cell.className = "number";
  return cell;
}

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}
