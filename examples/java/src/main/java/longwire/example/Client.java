package longwire.example;

import com.google.protobuf.ByteString;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import longwire.v1.Backend;
import longwire.v1.CancelJobRequest;
import longwire.v1.EncodedResult;
import longwire.v1.GetResultRequest;
import longwire.v1.GetResultResponse;
import longwire.v1.Job;
import longwire.v1.JobFinished;
import longwire.v1.JobSpec;
import longwire.v1.JobState;
import longwire.v1.ListBackendsRequest;
import longwire.v1.Result;
import longwire.v1.RunJobRequest;
import longwire.v1.SubmitJobRequest;

/** What a server of Longwire can do, as calls that outlive broken connections. */
final class Client {
  private final Connection connection;

  Client(Connection connection) {
    this.connection = connection;
  }

  /** All backends with their status. */
  List<Backend> backends() {
    var request = ListBackendsRequest.getDefaultInstance();
    return Retry.call(
        connection, () -> connection.backends().listBackends(request).getBackendsList());
  }

  /** Submits a job and follows it to its result. With a deadline the job ends with the call. */
  Result run(JobSpec spec, JobFollower.Listener listener) {
    var request =
        RunJobRequest.newBuilder()
            .setSpec(spec)
            .setRequestId(newRequestId())
            .setCancelWithCall(connection.deadline().isPresent())
            .build();
    return resultOf(new JobFollower(connection, listener).run(request));
  }

  /** Submits a job. */
  Job submit(JobSpec spec) {
    // One id for all tries: however often the request arrives, it is one job.
    var request = SubmitJobRequest.newBuilder().setSpec(spec).setRequestId(newRequestId()).build();
    return Retry.call(connection, () -> connection.jobs().submitJob(request).getJob());
  }

  /** Follows a job from its beginning to its result. */
  Result watch(String jobId, JobFollower.Listener listener) {
    return resultOf(new JobFollower(connection, listener).watch(jobId));
  }

  /** Fetches the result of a job in state DONE. */
  Result result(String jobId) {
    var request = GetResultRequest.newBuilder().setJobId(jobId).build();
    // The server may be silent until it has room for one more result.
    Retry retry = new Retry(connection, Optional.empty(), () -> {});
    EncodedResult encoded = retry.run(() -> join(retry, connection.jobs().getResult(request)));
    return Results.decode(encoded);
  }

  /** Cancels a job and returns it as it then is. */
  Job cancel(String jobId) {
    var request = CancelJobRequest.newBuilder().setJobId(jobId).build();
    return Retry.call(connection, () -> connection.jobs().cancelJob(request).getJob());
  }

  private Result resultOf(JobFinished finished) {
    Job job = finished.getJob();
    if (job.getStatus().getStatus() != JobState.JOB_STATE_DONE) {
      throw new LongwireException.JobNotDone(
          job.getJobId(), job.getStatus().getStatusValue(), job.getError());
    }
    // A large result is not in the event.
    return finished.hasResult() ? Results.decode(finished.getResult()) : result(job.getJobId());
  }

  private static EncodedResult join(Retry retry, Iterator<GetResultResponse> responses) {
    var encoded = EncodedResult.newBuilder();
    ByteString.Output data = ByteString.newOutput();
    long total = 0;
    while (responses.hasNext()) {
      GetResultResponse response = responses.next();
      retry.responded();
      if (response.hasHeader()) {
        encoded.mergeFrom(response.getHeader());
        total = response.getTotalBytes();
      }
      Results.append(data, response.getChunk());
    }
    if (data.size() != total) {
      throw new LongwireException.BadResult(
          "the result has " + data.size() + " bytes where its header says " + total);
    }
    return encoded.setData(data.toByteString()).build();
  }

  private static String newRequestId() {
    return UUID.randomUUID().toString();
  }
}
