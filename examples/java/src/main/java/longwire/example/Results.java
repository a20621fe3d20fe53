package longwire.example;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import longwire.v1.Compression;
import longwire.v1.EncodedResult;
import longwire.v1.Result;

/** From the bytes of a result to the message. */
final class Results {
  private Results() {}

  /** Checks, decompresses and parses a result. */
  static Result decode(EncodedResult encoded) {
    byte[] data = encoded.getData().toByteArray();
    // The digest is of the bytes as they were sent, so it comes first.
    if (!MessageDigest.isEqual(sha256(data), encoded.getSha256().toByteArray())) {
      throw new LongwireException.BadResult(
          "the result's SHA-256 is not that of its bytes: fetch it again");
    }
    try {
      return Result.parseFrom(
          decompress(encoded.getData(), encoded.getCompression(), encoded.getCompressionValue()));
    } catch (InvalidProtocolBufferException e) {
      throw new LongwireException.BadResult(
          "the result is no message Result ("
              + e.getMessage()
              + "); that of a sampler or an estimator is a PrimitiveResult, which this program does"
              + " not read");
    }
  }

  /** The bytes as they were before they were compressed. */
  static ByteString decompress(ByteString data, Compression compression, int number) {
    return switch (compression) {
      case COMPRESSION_UNSPECIFIED -> data;
      case COMPRESSION_ZSTD -> ByteString.copyFrom(unpackFrame(data.toByteArray()));
      case UNRECOGNIZED ->
          throw new LongwireException.BadResult(
              "a result is compressed in a way that is newer than this program: " + number);
    };
  }

  /** Appends bytes to others in memory. */
  static void append(ByteString.Output all, ByteString chunk) {
    try {
      chunk.writeTo(all);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // Memory does not fail so.
    }
  }

  private static byte[] unpackFrame(byte[] frame) {
    try {
      // The frame states its content's size.
      return Zstd.decompress(frame, Math.toIntExact(Zstd.getFrameContentSize(frame)));
    } catch (ZstdException | ArithmeticException | NegativeArraySizeException e) {
      throw new LongwireException.BadResult(
          "what a result has compressed cannot be decompressed: " + e.getMessage());
    }
  }

  private static byte[] sha256(byte[] data) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(data);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
