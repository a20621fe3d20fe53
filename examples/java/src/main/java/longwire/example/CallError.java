package longwire.example;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.QuotaFailure;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Why a call did not succeed.
 *
 * @param status gRPC's status
 * @param reason the name of a {@code longwire.v1.ErrorReason} without its prefix: decide by it. It
 *     is text, because a server may be newer than this program
 * @param message for people; it changes
 * @param metadata what belongs to the reason, by name and sorted by it
 * @param violations the fields of the request that are at fault
 * @param quotas the limits that were exceeded
 * @param retryDelay how long to wait at least before the next try
 */
public record CallError(
    Status.Code status,
    Optional<String> reason,
    String message,
    Map<String, String> metadata,
    List<Violation> violations,
    List<Violation> quotas,
    Optional<java.time.Duration> retryDelay) {

  /** What is at fault, a field's path or a limit's name, and why. */
  public record Violation(String subject, String description) {}

  private static final String DOMAIN = "longwire";

  /** An error that this program has found itself. */
  static CallError local(Status.Code status, String message) {
    return new CallError(
        status, Optional.empty(), message, Map.of(), List.of(), List.of(), Optional.empty());
  }

  /** Reads the status of a call that has ended, with the details in its trailers. */
  static CallError of(StatusRuntimeException ended) {
    Optional<String> reason = Optional.empty();
    Map<String, String> metadata = new TreeMap<>();
    List<Violation> violations = new ArrayList<>();
    List<Violation> quotas = new ArrayList<>();
    Optional<java.time.Duration> retryDelay = Optional.empty();
    for (Any detail : details(ended)) {
      try {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          if (info.getDomain().equals(DOMAIN)) {
            reason = Optional.of(info.getReason());
            metadata.putAll(info.getMetadataMap());
          }
        } else if (detail.is(BadRequest.class)) {
          for (var each : detail.unpack(BadRequest.class).getFieldViolationsList()) {
            violations.add(new Violation(each.getField(), each.getDescription()));
          }
        } else if (detail.is(QuotaFailure.class)) {
          for (var each : detail.unpack(QuotaFailure.class).getViolationsList()) {
            quotas.add(new Violation(each.getSubject(), each.getDescription()));
          }
        } else if (detail.is(RetryInfo.class)) {
          Duration delay = detail.unpack(RetryInfo.class).getRetryDelay();
          retryDelay =
              Optional.of(java.time.Duration.ofSeconds(delay.getSeconds(), delay.getNanos()));
        }
      } catch (InvalidProtocolBufferException e) {
        // The status stands also without a detail that cannot be read.
      }
    }
    Status status = ended.getStatus();
    return new CallError(
        status.getCode(), reason, messageOf(status), metadata, violations, quotas, retryDelay);
  }

  /** Whether the connection broke: the call may be made again. */
  boolean isBrokenConnection() {
    // This program cancels no call that it still wants, so CANCELLED comes from
    // the server or from what lies between.
    return status == Status.Code.UNAVAILABLE || status == Status.Code.CANCELLED;
  }

  private static List<Any> details(StatusRuntimeException ended) {
    try {
      com.google.rpc.Status status = StatusProto.fromThrowable(ended);
      return status == null ? List.of() : status.getDetailsList();
    } catch (IllegalArgumentException e) {
      return List.of(); // The trailer is no google.rpc.Status.
    }
  }

  private static String messageOf(Status status) {
    String description = status.getDescription() == null ? "" : status.getDescription();
    Throwable cause = status.getCause();
    if (cause == null || cause instanceof StatusRuntimeException) {
      return description;
    }
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    // Of a connection that failed, the description only says that it did.
    return description.lines().findFirst().orElse("")
        + ": "
        + Objects.requireNonNullElse(cause.getMessage(), cause.toString());
  }
}
