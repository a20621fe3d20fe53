package longwire.example;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.logging.Level;
import java.util.logging.Logger;
import longwire.v1.Backend;
import longwire.v1.Job;
import longwire.v1.JobStatus;

/** Runs circuits on a server of Longwire. */
public final class Circuits implements JobFollower.Listener {
  // Held here, because the loggers' registry forgets those that nobody holds.
  private static final Logger GRPC_LOG = Logger.getLogger("io.grpc");

  private final PrintStream out;
  private final PrintStream err;

  private Circuits(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  /** The program. */
  public static void main(String[] arguments) {
    // What fails is told once, as an error; the library would log it as well.
    GRPC_LOG.setLevel(Level.OFF);
    PrintStream out = utf8(FileDescriptor.out);
    PrintStream err = utf8(FileDescriptor.err);
    System.exit(new Circuits(out, err).exitCode(arguments));
  }

  private int exitCode(String... arguments) {
    try {
      CommandLine line = CommandLine.parse(arguments);
      try (var connection = new Connection(Settings.from(System.getenv()), line.deadline())) {
        carryOut(line.command(), new Client(connection));
      }
      return 0;
    } catch (UsageException e) {
      err.println("error: " + e.getMessage());
      return 2;
    } catch (LongwireException e) {
      new ErrorPrinter(err).print(e);
      return 1;
    }
  }

  private void carryOut(Command command, Client client) {
    var printer = new ResultPrinter(out);
    if (command instanceof Command.Help) {
      out.print(CommandLine.USAGE);
    } else if (command instanceof Command.Backends) {
      client.backends().forEach(this::printBackend);
    } else if (command instanceof Command.Run run) {
      printer.print(client.run(run.spec(), this));
    } else if (command instanceof Command.Submit submit) {
      accepted(client.submit(submit.spec()));
    } else if (command instanceof Command.Watch watch) {
      printer.print(client.watch(watch.jobId(), this));
    } else if (command instanceof Command.FetchResult fetch) {
      printer.print(client.result(fetch.jobId()));
    } else if (command instanceof Command.Cancel cancel) {
      stateChanged(client.cancel(cancel.jobId()).getStatus());
    }
  }

  @Override
  public void accepted(Job job) {
    out.println("job " + job.getJobId());
  }

  @Override
  public void stateChanged(JobStatus status) {
    out.println("state " + Names.ofState(status.getStatusValue()));
  }

  @Override
  public void reconnecting(long sequence) {
    err.println("reconnecting after sequence " + Long.toUnsignedString(sequence));
  }

  private void printBackend(Backend backend) {
    var status = backend.getStatus();
    String pending = Long.toUnsignedString(status.getPendingJobs());
    out.println(
        String.join(
            "\t",
            backend.getName(),
            status.getOperational() ? "operational" : "down",
            pending,
            status.getStatusMsg()));
  }

  /** A stream that writes each line at once, in UTF-8 whatever the locale is. */
  private static PrintStream utf8(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }
}
