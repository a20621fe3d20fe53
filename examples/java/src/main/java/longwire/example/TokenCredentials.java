package longwire.example;

import io.grpc.CallCredentials;
import io.grpc.Metadata;
import io.grpc.SecurityLevel;
import io.grpc.Status;
import java.util.concurrent.Executor;

/** Sends an API token with each call. */
final class TokenCredentials extends CallCredentials {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final Metadata headers = new Metadata();
  private final boolean isLoopback;

  TokenCredentials(String token, boolean isLoopback) {
    headers.put(AUTHORIZATION, "Bearer " + token);
    this.isLoopback = isLoopback;
  }

  @Override
  public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
    // Whoever reads a token can use it.
    if (isLoopback || call.getSecurityLevel() == SecurityLevel.PRIVACY_AND_INTEGRITY) {
      applier.apply(headers);
    } else {
      applier.fail(
          Status.UNAUTHENTICATED.withDescription("a token is not sent without TLS: use TLS"));
    }
  }
}
