package longwire.example;

import io.grpc.Attributes;
import io.grpc.ChannelCredentials;
import io.grpc.ClientTransportFilter;
import io.grpc.CompositeChannelCredentials;
import io.grpc.Deadline;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.stub.AbstractStub;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import longwire.v1.BackendServiceGrpc;
import longwire.v1.JobServiceGrpc;

/** A channel to a server, and the deadline that all calls over it share. */
final class Connection implements AutoCloseable {
  private static final int MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

  private final ManagedChannel channel;
  private final Optional<Deadline> deadline;
  private volatile boolean wasMade;

  Connection(Settings settings, Optional<Deadline> deadline) {
    this.deadline = deadline;
    ChannelCredentials credentials = settings.tls().orElseGet(InsecureChannelCredentials::create);
    if (settings.token().isPresent()) {
      var token = new TokenCredentials(settings.token().get(), settings.isLoopback());
      credentials = CompositeChannelCredentials.create(credentials, token);
    }
    channel =
        Grpc.newChannelBuilderForAddress(settings.host(), settings.port(), credentials)
            // A connection can die in silence; the server takes a ping every 10 s.
            .keepAliveTime(15, TimeUnit.SECONDS)
            .keepAliveTimeout(10, TimeUnit.SECONDS)
            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
            // What is repeated, and how, is up to Retry.
            .disableRetry()
            .addTransportFilter(
                new ClientTransportFilter() {
                  @Override
                  public Attributes transportReady(Attributes attributes) {
                    wasMade = true;
                    return attributes;
                  }
                })
            .build();
  }

  /** The calls about backends. */
  BackendServiceGrpc.BackendServiceBlockingStub backends() {
    return bounded(BackendServiceGrpc.newBlockingStub(channel));
  }

  /** The calls about jobs. */
  JobServiceGrpc.JobServiceBlockingStub jobs() {
    return bounded(JobServiceGrpc.newBlockingStub(channel));
  }

  /** The deadline of all calls together. */
  Optional<Deadline> deadline() {
    return deadline;
  }

  /** Whether the server has ever been reached. */
  boolean wasMade() {
    return wasMade;
  }

  /** Ends the pause that the channel itself makes before it connects again. */
  void connectNow() {
    channel.resetConnectBackoff();
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }

  private <S extends AbstractStub<S>> S bounded(S stub) {
    return deadline.map(stub::withDeadline).orElse(stub);
  }
}
