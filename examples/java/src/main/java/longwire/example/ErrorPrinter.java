package longwire.example;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import longwire.v1.JobState;

/** Writes errors as lines of text. */
final class ErrorPrinter {
  private final PrintStream err;

  ErrorPrinter(PrintStream err) {
    this.err = err;
  }

  /** Writes what went wrong. */
  void print(LongwireException exception) {
    if (exception instanceof LongwireException.Refused refused) {
      printCallError(refused.error());
    } else if (exception instanceof LongwireException.JobNotDone job) {
      printJob(job);
    } else {
      err.println("error: " + exception.getMessage());
    }
  }

  private void printCallError(CallError error) {
    String reason = error.reason().map(r -> " " + r).orElse("");
    err.println("error: " + error.status() + reason + ": " + error.message());
    error.metadata().forEach((key, value) -> err.println("  " + key + ": " + value));
    for (var each : error.violations()) {
      err.println("  field " + each.subject() + ": " + each.description());
    }
    for (var each : error.quotas()) {
      err.println("  quota " + each.subject() + ": " + each.description());
    }
    error.retryDelay().ifPresent(delay -> err.println("  retry after " + seconds(delay) + " s"));
  }

  private void printJob(LongwireException.JobNotDone job) {
    if (job.state() == JobState.JOB_STATE_CANCELLED_VALUE) {
      err.println("error: the job was cancelled");
    } else if (job.state() == JobState.JOB_STATE_ERROR_VALUE) {
      String reason = Names.ofReason(job.error().getReasonValue());
      err.println(
          "error: job " + job.jobId() + " failed: " + reason + ": " + job.error().getMessage());
    } else {
      err.println("error: job " + job.jobId() + " ended in state " + Names.ofState(job.state()));
    }
  }

  private static String seconds(Duration delay) {
    return String.format(Locale.ROOT, "%.3f", delay.toNanos() / 1e9);
  }
}
