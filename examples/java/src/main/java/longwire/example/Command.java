package longwire.example;

import longwire.v1.JobSpec;

/** What the program is asked to do. */
sealed interface Command {
  /** Says how the program is called. */
  record Help() implements Command {}

  /** Lists the backends. */
  record Backends() implements Command {}

  /** Runs a job to its end. */
  record Run(JobSpec spec) implements Command {}

  /** Submits a job and leaves it. */
  record Submit(JobSpec spec) implements Command {}

  /** Follows a job to its end. */
  record Watch(String jobId) implements Command {}

  /** Fetches a result. */
  record FetchResult(String jobId) implements Command {}

  /** Cancels a job. */
  record Cancel(String jobId) implements Command {}
}
