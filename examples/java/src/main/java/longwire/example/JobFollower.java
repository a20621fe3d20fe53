package longwire.example;

import io.grpc.Status;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import longwire.v1.Job;
import longwire.v1.JobEvent;
import longwire.v1.JobFinished;
import longwire.v1.JobStatus;
import longwire.v1.RunJobRequest;
import longwire.v1.RunJobResponse;
import longwire.v1.WatchJobRequest;
import longwire.v1.WatchJobResponse;

/** Follows one job to its end, over as many streams as that takes. */
final class JobFollower {
  /** What somebody hears who follows a job. */
  interface Listener {
    /** The job is recorded. Told once, and only of a job that is run. */
    void accepted(Job job);

    /** The job is in another state. */
    void stateChanged(JobStatus status);

    /** The stream broke, and a new one begins after this change of state. */
    void reconnecting(long sequence);
  }

  /** Three heartbeats and a little more. */
  private static final Duration LONGEST_SILENCE = Duration.ofSeconds(50);

  private final Connection connection;
  private final Listener listener;
  private final Retry retry;
  // Empty until the job is accepted.
  private String jobId = "";
  // Whether the job belongs to the calls that follow it.
  private boolean owned;
  // The highest one seen. It is a uint64, so its sign means nothing.
  private long sequence;

  JobFollower(Connection connection, Listener listener) {
    this.connection = connection;
    this.listener = listener;
    retry =
        new Retry(connection, Optional.of(LONGEST_SILENCE), () -> listener.reconnecting(sequence));
  }

  /** Runs a job. Its request_id makes the request safe to repeat. */
  JobFinished run(RunJobRequest request) {
    owned = request.getCancelWithCall();
    return retry.run(() -> jobId.isEmpty() ? readRun(request) : readWatch());
  }

  /** Watches a job from its beginning. */
  JobFinished watch(String id) {
    jobId = id;
    return retry.run(this::readWatch);
  }

  private JobFinished readRun(RunJobRequest request) {
    return read(connection.jobs().runJob(request), RunJobResponse::getEventsList);
  }

  private JobFinished readWatch() {
    WatchJobRequest request =
        WatchJobRequest.newBuilder()
            .setJobId(jobId)
            .setResumeAfter(sequence)
            .setCancelWithCall(owned)
            .build();
    return read(connection.jobs().watchJob(request), WatchJobResponse::getEventsList);
  }

  private <R> JobFinished read(Iterator<R> responses, Function<R, List<JobEvent>> eventsOf) {
    while (responses.hasNext()) {
      R response = responses.next();
      retry.responded();
      for (JobEvent event : eventsOf.apply(response)) {
        tell(event);
        if (event.hasFinished()) {
          return event.getFinished();
        }
      }
    }
    throw Status.UNAVAILABLE
        .withDescription("the stream ended before the job did")
        .asRuntimeException();
  }

  private void tell(JobEvent event) {
    boolean isNew = Long.compareUnsigned(event.getSequence(), sequence) > 0;
    if (isNew) {
      sequence = event.getSequence();
    }
    switch (event.getEventCase()) {
      case ACCEPTED -> {
        Job job = event.getAccepted().getJob();
        jobId = job.getJobId();
        listener.accepted(job);
        tellState(isNew, job.getStatus());
      }
      case STATUS_CHANGED -> tellState(isNew, event.getStatusChanged());
      case FINISHED -> tellState(isNew, event.getFinished().getJob().getStatus());
      default -> {
        // Heartbeats and the like change no state, and neither does what is newer
        // than this program.
      }
    }
  }

  private void tellState(boolean isNew, JobStatus status) {
    if (isNew) {
      listener.stateChanged(status);
    }
  }
}
