package longwire.example;

import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Makes one call until it succeeds, through broken connections. */
final class Retry {
  /** How long a server that was never reached is waited for. */
  private static final Duration FIRST_CONNECTION = Duration.ofSeconds(5);

  /** How long it goes on without any response. */
  private static final Duration GIVE_UP = Duration.ofSeconds(60);

  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);
  private static final Duration CHECK_INTERVAL = Duration.ofMillis(200);
  private static final ScheduledExecutorService TIMER =
      Executors.newSingleThreadScheduledExecutor(Retry::daemon);

  private final Connection connection;
  private final Optional<Duration> longestSilence;
  private final Runnable beforeNewTry;
  private Duration pause = FIRST_PAUSE;
  private volatile long lastResponse = System.nanoTime();

  /**
   * @param longestSilence after what time without a response a call is taken for dead, where its
   *     server is to give signs of life
   * @param beforeNewTry what is done before each try but the first
   */
  Retry(Connection connection, Optional<Duration> longestSilence, Runnable beforeNewTry) {
    this.connection = connection;
    this.longestSilence = longestSilence;
    this.beforeNewTry = beforeNewTry;
  }

  /** Makes a call that answers when it can, and that nothing needs to be done before. */
  static <T> T call(Connection connection, Supplier<T> call) {
    return new Retry(connection, Optional.empty(), () -> {}).run(call);
  }

  /**
   * Makes a call until it ends otherwise than by a broken connection.
   *
   * @param call makes it and reads its answer to the end. It says {@link #responded} if that takes
   *     more than one response
   */
  <T> T run(Supplier<T> call) {
    while (true) {
      try {
        return tryOnce(call);
      } catch (StatusRuntimeException e) {
        CallError error = CallError.of(e);
        if (!error.isBrokenConnection()) {
          throw new LongwireException.Refused(error);
        }
        pauseAfter(error);
      }
      beforeNewTry.run();
      connection.connectNow();
    }
  }

  /** Says that a response has arrived: all is well. */
  void responded() {
    lastResponse = System.nanoTime();
    pause = FIRST_PAUSE;
  }

  /** Makes the call in a context of its own, which is cancelled when the call is dead. */
  private <T> T tryOnce(Supplier<T> call) {
    Context.CancellableContext context = Context.current().withCancellation();
    long started = System.nanoTime();
    Runnable check =
        () -> {
          if (isDead(started)) {
            context.cancel(
                Status.UNAVAILABLE
                    .withDescription("nothing came from the server for too long")
                    .asRuntimeException());
          }
        };
    long interval = CHECK_INTERVAL.toMillis();
    ScheduledFuture<?> checks =
        TIMER.scheduleWithFixedDelay(check, interval, interval, TimeUnit.MILLISECONDS);
    Context outer = context.attach();
    try {
      return call.get();
    } finally {
      context.detach(outer);
      checks.cancel(false);
      // Ends a stream that was not read to its end.
      context.cancel(null);
    }
  }

  private boolean isDead(long started) {
    if (!connection.wasMade()) {
      return timeLeft().isNegative();
    }
    if (longestSilence.isEmpty()) {
      return false; // The answer may take any time; the channel's pings find a dead connection.
    }
    long silence = System.nanoTime() - Math.max(started, lastResponse);
    boolean hadAChance = silence > FIRST_CONNECTION.toNanos();
    return silence > longestSilence.get().toNanos() || (hadAChance && timeLeft().isNegative());
  }

  private Duration timeLeft() {
    Duration limit = connection.wasMade() ? GIVE_UP : FIRST_CONNECTION;
    return limit.minusNanos(System.nanoTime() - lastResponse);
  }

  private void pauseAfter(CallError error) {
    Duration left = timeLeft();
    Duration asked = error.retryDelay().orElse(Duration.ZERO);
    if (left.isNegative() || asked.compareTo(left) > 0) {
      throw new LongwireException.Refused(error);
    }
    double factor = ThreadLocalRandom.current().nextDouble(0.5, 1.5);
    long nanos = (long) (pause.toNanos() * factor);
    // The last try is made when the time is over, not before.
    nanos = Math.max(Math.min(nanos, left.toNanos()), asked.toNanos());
    pause = shorter(pause.multipliedBy(2), LONGEST_PAUSE);
    Optional<Deadline> deadline = connection.deadline();
    long untilDeadline =
        deadline.map(d -> d.timeRemaining(TimeUnit.NANOSECONDS)).orElse(Long.MAX_VALUE);
    sleep(Math.min(nanos, untilDeadline));
    if (untilDeadline <= nanos) {
      throw new LongwireException.Refused(
          CallError.local(
              Status.Code.DEADLINE_EXCEEDED,
              "the deadline is over; the last error: " + error.status() + ": " + error.message()));
    }
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  private static void sleep(long nanos) {
    try {
      TimeUnit.NANOSECONDS.sleep(nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted between two tries", e);
    }
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "silence of calls");
    thread.setDaemon(true);
    return thread;
  }
}
