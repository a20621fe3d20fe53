// The words of the command line, checked, as one object.

import { readFileSync } from "node:fs";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { UsageError } from "./errors.js";

export interface RunArguments {
  readonly program: Uint8Array;
  readonly backend: string;
  readonly shots: bigint;
  readonly seed: bigint | undefined;
  readonly memory: boolean;
  readonly statevector: boolean;
  readonly name: string;
  readonly backendOptions: readonly { readonly name: string; readonly text: string }[];
}

export type Command =
  | { readonly kind: "backends" }
  | { readonly kind: "run"; readonly run: RunArguments }
  | { readonly kind: "submit"; readonly run: RunArguments }
  | { readonly kind: "watch"; readonly jobId: string }
  | { readonly kind: "result"; readonly jobId: string }
  | { readonly kind: "cancel"; readonly jobId: string };

export interface CommandLine {
  readonly deadlineSeconds: number | undefined;
  readonly command: Command;
}

const USAGE =
  "write [--deadline SECONDS] and one of: backends, run FILE [OPTIONS], submit FILE [OPTIONS], " +
  "watch JOB_ID, result JOB_ID, cancel JOB_ID; OPTIONS are --backend NAME, --shots N, --seed N, " +
  "--memory, --statevector, --name NAME, --option NAME=TEXT";

const RUN_OPTIONS = {
  backend: { type: "string", default: "aer_simulator" },
  shots: { type: "string", default: "1024" },
  seed: { type: "string" },
  memory: { type: "boolean", default: false },
  statevector: { type: "boolean", default: false },
  name: { type: "string", default: "" },
  option: { type: "string", multiple: true, default: [] as string[] },
} as const satisfies ParseArgsConfig["options"];

export function parseCommandLine(words: readonly string[]): CommandLine {
  let deadlineSeconds: number | undefined;
  let rest = words;
  while (rest[0]?.startsWith("-")) {
    const [option = "", ...after] = rest;
    const inline = /^--deadline=(.*)$/.exec(option)?.[1];
    if (option !== "--deadline" && inline === undefined) {
      throw new UsageError(`unknown option ${option}: ${USAGE}`);
    }
    deadlineSeconds = seconds(inline ?? after[0]);
    rest = inline === undefined ? after.slice(1) : after;
  }
  const [name, ...args] = rest;
  return { deadlineSeconds, command: parseCommand(name, args) };
}

function parseCommand(name: string | undefined, args: readonly string[]): Command {
  switch (name) {
    case "backends":
      parse(args, {}, []);
      return { kind: name };
    case "run":
    case "submit":
      return { kind: name, run: parseRun(args) };
    case "watch":
    case "result":
    case "cancel":
      return { kind: name, jobId: parse(args, {}, ["JOB_ID"]).positionals[0] ?? "" };
    case undefined:
      throw new UsageError(`no command: ${USAGE}`);
    default:
      throw new UsageError(`unknown command ${name}: ${USAGE}`);
  }
}

function parseRun(args: readonly string[]): RunArguments {
  const { values, positionals } = parse(args, RUN_OPTIONS, ["FILE"]);
  return {
    program: read(positionals[0] ?? ""),
    backend: values.backend,
    shots: uint64("--shots", values.shots),
    seed: values.seed === undefined ? undefined : uint64("--seed", values.seed),
    memory: values.memory,
    statevector: values.statevector,
    name: values.name,
    backendOptions: values.option.map((option) => {
      const at = option.indexOf("=");
      if (at < 1) throw new UsageError(`--option ${option} has no value: write NAME=TEXT`);
      return { name: option.slice(0, at), text: option.slice(at + 1) };
    }),
  };
}

function parse<T extends NonNullable<ParseArgsConfig["options"]>>(
  args: readonly string[],
  options: T,
  expected: readonly string[],
) {
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true });
    if (parsed.positionals.length === expected.length) return parsed;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // What follows its first sentence is for options that begin with a dash.
    throw new UsageError(`${error.message.split(/\. |\.?\n/)[0] ?? ""}: ${USAGE}`);
  }
  const wanted = expected.length === 0 ? "nothing" : `one ${expected.join(" ")}`;
  throw new UsageError(`this command takes ${wanted} beside its options: ${USAGE}`);
}

function seconds(text: string | undefined): number {
  const value = text === undefined || text.trim() === "" ? NaN : Number(text);
  if (!(value > 0)) {
    throw new UsageError(`--deadline ${text ?? ""}: write a number of seconds above 0`);
  }
  return value;
}

function uint64(option: string, text: string): bigint {
  const value = /^\d+$/.test(text) ? BigInt(text) : -1n;
  if (BigInt.asUintN(64, value) !== value) {
    throw new UsageError(`${option} ${text}: write a whole number from 0 to 2^64 - 1`);
  }
  return value;
}

function read(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `${path} cannot be read (${String(code)}): name a file with an OpenQASM 3 program`,
    );
  }
}
