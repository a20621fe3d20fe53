// Runs circuits on a Longwire server: `node dist/circuits.js COMMAND ...`.

import { createClient } from "@connectrpc/connect";
import { parseCommandLine, type Command } from "./command_line.js";
import { Connection } from "./connection.js";
import { Deadline } from "./deadline.js";
import { UsageError } from "./errors.js";
import { BackendService } from "./gen/longwire/v1/backend_service_pb.js";
import { JobState } from "./gen/longwire/v1/job_pb.js";
import type { Result } from "./gen/longwire/v1/result_pb.js";
import { cancel, fetchResult, JobFollower, nameOf, resultOf, submit } from "./jobs.js";
import { errorLines, resultLines } from "./report.js";
import { runRequest } from "./requests.js";
import { decodeResult } from "./results.js";
import { persist, type Endurance } from "./retries.js";

// Node writes to files and pipes at once, so every line is out when this returns.
function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function execute(
  command: Command,
  connection: Connection,
  deadline: Deadline,
): Promise<void> {
  const endurance = (sequence: () => bigint = () => 0n): Endurance => ({
    connection,
    deadline,
    onReconnect: () => {
      complain(`reconnecting after sequence ${String(sequence())}`);
    },
  });
  switch (command.kind) {
    case "backends":
      await printBackends(endurance());
      break;
    case "submit":
      print(`job ${(await submit(endurance(), runRequest(command.run)))?.jobId ?? ""}`);
      break;
    case "result":
      printResult(decodeResult(await fetchResult(endurance(), command.jobId)));
      break;
    case "cancel":
      printState((await cancel(endurance(), command.jobId))?.status?.status);
      break;
    case "run":
    case "watch": {
      const listener = {
        accepted: (jobId: string) => {
          print(`job ${jobId}`);
        },
        state: printState,
      };
      const follower: JobFollower = new JobFollower(
        endurance(() => follower.sequence),
        listener,
      );
      const finished = await (command.kind === "run"
        ? // A command with a deadline takes its job along.
          follower.run(runRequest(command.run, deadline.isSet))
        : follower.watch(command.jobId));
      printResult(
        await resultOf(
          endurance(() => follower.sequence),
          finished,
        ),
      );
      break;
    }
  }
}

async function printBackends(endurance: Endurance): Promise<void> {
  const client = createClient(BackendService, endurance.connection.transport);
  const { backends } = await persist(endurance, () =>
    client.listBackends({}, endurance.deadline.callOptions()),
  );
  for (const { name, status } of backends) {
    const condition = status?.operational ? "operational" : "down";
    print([name, condition, status?.pendingJobs ?? 0n, status?.statusMsg ?? ""].join("\t"));
  }
}

function printState(state = JobState.UNSPECIFIED): void {
  print(`state ${nameOf(JobState, state)}`);
}

function printResult(result: Result): void {
  for (const line of resultLines(result)) print(line);
}

async function main(): Promise<number> {
  let connection: Connection | undefined;
  try {
    const { deadlineSeconds, command } = parseCommandLine(process.argv.slice(2));
    const deadline = Deadline.after(deadlineSeconds);
    connection = Connection.fromEnvironment(process.env);
    await execute(command, connection, deadline);
    return 0;
  } catch (error) {
    for (const line of errorLines(error as Error)) complain(line);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    connection?.close();
  }
}

process.exitCode = await main();
