package longwire.example;

import com.google.protobuf.ByteString;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;
import longwire.v1.Array;
import longwire.v1.Counts;
import longwire.v1.DataField;
import longwire.v1.ElementType;
import longwire.v1.ExperimentResult;
import longwire.v1.PackedBits;
import longwire.v1.Result;
import longwire.v1.Value;

/** Writes a result as lines of text. */
final class ResultPrinter {
  private final PrintStream out;

  ResultPrinter(PrintStream out) {
    this.out = out;
  }

  /** Writes the data of each circuit, in order. */
  void print(Result result) {
    for (ExperimentResult experiment : result.getResultsList()) {
      for (DataField field : experiment.getDataList()) {
        switch (field.getDataCase()) {
          case COUNTS -> printCounts(field.getCounts());
          case MEMORY -> printMemory(field.getMemory());
          case VALUE -> printValue(field.getValue());
          default -> {
            // Data of a kind that is newer than this program.
          }
        }
      }
    }
  }

  private void printCounts(Counts counts) {
    Map<String, Long> byOutcome = new TreeMap<>();
    for (int i = 0; i < counts.getCountsCount(); i++) {
      byOutcome.put(outcome(counts, i), counts.getCounts(i));
    }
    // A count is a uint64, which Java holds in a long as if it had a sign.
    byOutcome.forEach(
        (bits, count) -> out.println("count " + bits + " " + Long.toUnsignedString(count)));
  }

  /** One outcome as text, whichever of the three forms it has. */
  private static String outcome(Counts counts, int index) {
    int numBits = counts.getNumBits();
    if (index < counts.getBitstringsCount()) {
      return counts.getBitstrings(index);
    }
    if (index < counts.getOutcomesCount()) {
      ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).putLong(counts.getOutcomes(index));
      return bits(ByteString.copyFrom(bytes.flip()), numBits);
    }
    return bits(row(counts.getWideOutcomes(), index, numBits), numBits);
  }

  private void printMemory(PackedBits memory) {
    ByteString rows =
        Results.decompress(memory.getData(), memory.getCompression(), memory.getCompressionValue());
    for (long shot = 0; shot < memory.getNumShots(); shot++) {
      ByteString row = row(rows, shot, memory.getNumBits());
      out.println("shot " + bits(row, memory.getNumBits()));
    }
  }

  private void printValue(Value value) {
    switch (value.getKindCase()) {
      case ARRAY_VALUE -> printAmplitudes(value.getArrayValue());
      case QUANTUM_OBJECT_VALUE -> printAmplitudes(value.getQuantumObjectValue().getData());
      default -> {
        // Not complex numbers.
      }
    }
  }

  private void printAmplitudes(Array array) {
    boolean isDouble = array.getElementType() == ElementType.ELEMENT_TYPE_COMPLEX128;
    if (!isDouble && array.getElementType() != ElementType.ELEMENT_TYPE_COMPLEX64) {
      return;
    }
    ByteBuffer numbers =
        Results.decompress(array.getData(), array.getCompression(), array.getCompressionValue())
            .asReadOnlyByteBuffer()
            .order(ByteOrder.LITTLE_ENDIAN);
    int size = 2 * (isDouble ? Double.BYTES : Float.BYTES);
    for (long index = 0; numbers.remaining() >= size; index++) {
      double real = isDouble ? numbers.getDouble() : numbers.getFloat();
      double imag = isDouble ? numbers.getDouble() : numbers.getFloat();
      out.println("amplitude " + index + " " + real + " " + imag);
    }
  }

  /** One row of many, each in as few whole bytes as its bits need. */
  private static ByteString row(ByteString rows, long index, int numBits) {
    int rowBytes = (numBits + 7) / 8;
    long start = index * rowBytes;
    if (start + rowBytes > rows.size()) {
      throw new LongwireException.BadResult("the bits of a result end before their last row");
    }
    return rows.substring((int) start, (int) start + rowBytes);
  }

  /** The lowest bits of a big-endian number, the highest of them first. */
  private static String bits(ByteString bigEndian, int numBits) {
    char[] characters = new char[numBits];
    for (int bit = 0; bit < numBits; bit++) {
      int octet = bigEndian.byteAt(bigEndian.size() - 1 - bit / 8);
      characters[numBits - 1 - bit] = (octet >> (bit % 8) & 1) == 1 ? '1' : '0';
    }
    return new String(characters);
  }
}
