package longwire.example;

import com.google.protobuf.ByteString;
import io.grpc.Deadline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import longwire.v1.CountsFormat;
import longwire.v1.JobSpec;
import longwire.v1.Program;
import longwire.v1.ProgramFormat;
import longwire.v1.RunOptions;
import longwire.v1.StructField;
import longwire.v1.Value;

/**
 * The arguments of the program.
 *
 * @param deadline when the whole command must be over; it runs from the moment it was read
 */
record CommandLine(Optional<Deadline> deadline, Command command) {
  static final String USAGE =
      """
      usage: java -jar circuits.jar [--deadline SECONDS] COMMAND
        backends         lists the backends
        run FILE         runs a circuit in OpenQASM 3 and prints its result
        submit FILE      submits a circuit and prints the job's id
        watch JOB_ID     follows a job and prints its result
        result JOB_ID    prints the result of a job that is done
        cancel JOB_ID    cancels a job
      options of run and submit: --backend NAME, --shots N, --seed N, --memory,
        --statevector, --name NAME, --option NAME=TEXT
      """;

  /** Reads the arguments. */
  static CommandLine parse(String... arguments) {
    Deque<String> left = new ArrayDeque<>(List.of(arguments));
    Optional<Deadline> deadline = Optional.empty();
    if ("--deadline".equals(left.peek())) {
      left.remove();
      deadline = Optional.of(deadline(next(left, "--deadline", "SECONDS")));
    }
    String name = left.isEmpty() ? "" : left.remove();
    Command command =
        switch (name) {
          case "--help", "-h" -> new Command.Help();
          case "backends" -> new Command.Backends();
          case "run" -> new Command.Run(spec(left));
          case "submit" -> new Command.Submit(spec(left));
          case "watch" -> new Command.Watch(jobId(left, name));
          case "result" -> new Command.FetchResult(jobId(left, name));
          case "cancel" -> new Command.Cancel(jobId(left, name));
          case "" ->
              throw new UsageException(
                  "no command: write backends, run, submit, watch, result or cancel");
          default ->
              throw new UsageException(
                  (name.startsWith("-") ? "unknown option " : "unknown command ")
                      + name
                      + ": write [--deadline SECONDS] and then backends, run, submit, watch,"
                      + " result or cancel");
        };
    if (!left.isEmpty()) {
      throw new UsageException(left.peek() + " is too much: leave it out after " + name);
    }
    return new CommandLine(deadline, command);
  }

  private static String jobId(Deque<String> left, String command) {
    String id = next(left, command, "JOB_ID");
    if (id.startsWith("-")) {
      throw new UsageException("unknown option " + id + ": write " + command + " JOB_ID");
    }
    return id;
  }

  private static JobSpec spec(Deque<String> left) {
    var spec = JobSpec.newBuilder().setBackendName("aer_simulator");
    // With presence, as shots here, zero is not the same as not set.
    var options =
        RunOptions.newBuilder()
            .setShots(1024)
            .setCountsFormat(CountsFormat.COUNTS_FORMAT_BITSTRINGS);
    Optional<String> file = Optional.empty();
    while (!left.isEmpty()) {
      String argument = left.remove();
      switch (argument) {
        case "--backend" -> spec.setBackendName(next(left, argument, "NAME"));
        case "--shots" -> options.setShots(number(argument, next(left, argument, "N")));
        case "--seed" -> options.setSeedSimulator(number(argument, next(left, argument, "N")));
        case "--memory" -> options.setMemory(true);
        case "--statevector" -> options.setSaveStatevector(true);
        case "--name" -> spec.setName(next(left, argument, "NAME"));
        case "--option" ->
            options
                .getBackendOptionsBuilder()
                .addFields(backendOption(next(left, argument, "NAME=TEXT")));
        default -> {
          if (argument.startsWith("-")) {
            throw new UsageException(
                "unknown option "
                    + argument
                    + ": write --backend, --shots, --seed, --memory, --statevector, --name or"
                    + " --option");
          }
          if (file.isPresent()) {
            throw new UsageException(argument + " is too much: name one file");
          }
          file = Optional.of(argument);
        }
      }
    }
    String path = file.orElseThrow(() -> new UsageException("no file: write FILE, a circuit's"));
    return spec.setProgram(program(path)).setOptions(options).build();
  }

  private static Program program(String path) {
    try {
      return Program.newBuilder()
          .setFormat(ProgramFormat.PROGRAM_FORMAT_OPENQASM3)
          .addPayloads(ByteString.copyFrom(Files.readAllBytes(Path.of(path))))
          .build();
    } catch (IOException | InvalidPathException e) {
      throw new UsageException(
          "cannot read " + path + ": name a file with a circuit in OpenQASM 3");
    }
  }

  private static StructField backendOption(String text) {
    int equals = text.indexOf('=');
    if (equals < 1) {
      throw new UsageException("--option " + text + ": write --option NAME=TEXT");
    }
    return StructField.newBuilder()
        .setName(text.substring(0, equals))
        .setValue(Value.newBuilder().setStringValue(text.substring(equals + 1)))
        .build();
  }

  private static String next(Deque<String> left, String after, String what) {
    if (left.isEmpty()) {
      throw new UsageException(after + " lacks its value: write " + after + " " + what);
    }
    return left.remove();
  }

  private static long number(String option, String text) {
    try {
      return Long.parseUnsignedLong(text);
    } catch (NumberFormatException e) {
      throw new UsageException(
          option + " " + text + ": write a whole number from 0 to 18446744073709551615");
    }
  }

  private static Deadline deadline(String text) {
    try {
      double seconds = Double.parseDouble(text);
      if (seconds > 0 && seconds < Double.POSITIVE_INFINITY) {
        return Deadline.after((long) (seconds * 1e9), TimeUnit.NANOSECONDS);
      }
    } catch (NumberFormatException e) {
      // Told below, as a number that is not good.
    }
    throw new UsageException("--deadline " + text + ": write seconds above 0, such as 2.5");
  }
}
