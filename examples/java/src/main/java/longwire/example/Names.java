package longwire.example;

import longwire.v1.ErrorReason;
import longwire.v1.JobState;

/** Values of enums as people read them: without prefix, and numbers where a name is missing. */
final class Names {
  private Names() {}

  /** The name of a state of a job. */
  static String ofState(int number) {
    return name(JobState.forNumber(number), number, "JOB_STATE_");
  }

  /** The name of a reason of an error. */
  static String ofReason(int number) {
    return name(ErrorReason.forNumber(number), number, "ERROR_REASON_");
  }

  private static String name(Enum<?> value, int number, String prefix) {
    // Enums of proto3 are open: a newer server sends numbers that have no name here.
    return value == null ? Integer.toString(number) : value.name().substring(prefix.length());
  }
}
