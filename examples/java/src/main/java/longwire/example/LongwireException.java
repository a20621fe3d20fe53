package longwire.example;

import longwire.v1.JobError;
import longwire.v1.JobState;

/** What can go wrong for a caller of Longwire, by kind. */
public abstract sealed class LongwireException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private LongwireException(String message) {
    super(message);
  }

  /** A call was refused, or the connection was lost for too long. */
  public static final class Refused extends LongwireException {
    private static final long serialVersionUID = 1;

    private final transient CallError error;

    Refused(CallError error) {
      super(error.message());
      this.error = error;
    }

    /** All that is known of it, to decide by. */
    public CallError error() {
      return error;
    }
  }

  /** A job that was accepted did not end in DONE. */
  public static final class JobNotDone extends LongwireException {
    private static final long serialVersionUID = 1;

    private final String jobId;
    private final int state;
    private final transient JobError error;

    JobNotDone(String jobId, int state, JobError error) {
      super(error.getMessage());
      this.jobId = jobId;
      this.state = state;
      this.error = error;
    }

    /** The job. */
    public String jobId() {
      return jobId;
    }

    /** The number of its {@link JobState}, which may be newer than this program. */
    public int state() {
      return state;
    }

    /** Why it failed; empty unless the state is ERROR. */
    public JobError error() {
      return error;
    }
  }

  /** The bytes of a result are not what they should be. */
  public static final class BadResult extends LongwireException {
    private static final long serialVersionUID = 1;

    BadResult(String message) {
      super(message);
    }
  }
}
