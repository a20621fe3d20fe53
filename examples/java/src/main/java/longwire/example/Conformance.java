package longwire.example;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads messages of any type and writes them again, to show that nothing is lost.
 *
 * <p>For each {@code NAME.binpb} of the input, where NAME begins with the type of the message, it
 * writes {@code NAME.binpb} and {@code NAME.json}, and where {@code NAME.json} is there, too, that
 * text as {@code NAME.from_json.binpb}.
 */
public final class Conformance {
  private static final String PACKAGE = "longwire.v1.";
  private static final String BINARY = ".binpb";

  // An Any in a message would need a registry of types; there is none in Longwire.
  private static final JsonFormat.Printer PRINTER =
      JsonFormat.printer().preservingProtoFieldNames();
  private static final JsonFormat.Parser PARSER = JsonFormat.parser().ignoringUnknownFields();

  private final Path input;
  private final Path output;

  private Conformance(Path input, Path output) {
    this.input = input;
    this.output = output;
  }

  /** The program. */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 2) {
      System.err.println("error: write INPUT_DIR and OUTPUT_DIR");
      System.exit(2);
    }
    Path output = Files.createDirectories(Path.of(arguments[1]));
    System.exit(new Conformance(Path.of(arguments[0]), output).convertAll() ? 0 : 1);
  }

  private boolean convertAll() throws IOException {
    boolean allDone = true;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(input, "*" + BINARY)) {
      for (Path file : files) {
        String fileName = file.getFileName().toString();
        String name = fileName.substring(0, fileName.length() - BINARY.length());
        try {
          convert(name);
        } catch (InvalidProtocolBufferException | ReflectiveOperationException e) {
          System.err.println("error: " + name + ": " + e);
          allDone = false;
        }
      }
    }
    return allDone;
  }

  private void convert(String name) throws IOException, ReflectiveOperationException {
    Message type = defaultInstance(name.split("\\.", 2)[0]);
    byte[] binary = Files.readAllBytes(input.resolve(name + BINARY));
    Message message = type.getParserForType().parseFrom(binary);
    Files.write(output.resolve(name + BINARY), message.toByteArray());
    Files.writeString(output.resolve(name + ".json"), PRINTER.print(message));
    Path json = input.resolve(name + ".json");
    if (Files.exists(json)) {
      Message.Builder builder = type.newBuilderForType();
      PARSER.merge(Files.readString(json), builder);
      Files.write(output.resolve(name + ".from_json" + BINARY), builder.build().toByteArray());
    }
  }

  /** The empty message of a type, found by its name: generated classes have the protos' names. */
  private static Message defaultInstance(String typeName) throws ReflectiveOperationException {
    Class<? extends Message> type = Class.forName(PACKAGE + typeName).asSubclass(Message.class);
    return (Message) type.getMethod("getDefaultInstance").invoke(null);
  }
}
