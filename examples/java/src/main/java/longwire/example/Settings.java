package longwire.example;

import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;

/**
 * Where the server is and how it is reached.
 *
 * @param host without the brackets of an IPv6 address
 * @param tls with which TLS; without it the connection is plain
 * @param token the API token
 */
record Settings(String host, int port, Optional<ChannelCredentials> tls, Optional<String> token) {
  private static final String DEFAULT_ADDRESS = "localhost:50051";

  /** Reads LONGWIRE_ADDRESS, LONGWIRE_CA and LONGWIRE_TOKEN. */
  static Settings from(Map<String, String> environment) {
    String address = variable(environment, "LONGWIRE_ADDRESS").orElse(DEFAULT_ADDRESS);
    int colon = address.lastIndexOf(':');
    String host = colon < 0 ? "" : address.substring(0, colon);
    int port = colon < 0 ? 0 : portOf(address.substring(colon + 1));
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    }
    if (host.isEmpty() || port == 0) {
      throw new UsageException(
          "LONGWIRE_ADDRESS is " + address + ": write HOST:PORT, such as " + DEFAULT_ADDRESS);
    }
    Optional<ChannelCredentials> tls =
        variable(environment, "LONGWIRE_CA").map(Settings::privateTls);
    if (tls.isEmpty() && !isLoopback(host)) {
      tls = Optional.of(TlsChannelCredentials.create());
    }
    return new Settings(host, port, tls, variable(environment, "LONGWIRE_TOKEN"));
  }

  /** Whether what is sent stays on this machine. */
  boolean isLoopback() {
    return isLoopback(host);
  }

  private static boolean isLoopback(String host) {
    return host.equalsIgnoreCase("localhost")
        || host.equals("::1")
        || host.matches("127(\\.\\d+){3}");
  }

  private static Optional<String> variable(Map<String, String> environment, String name) {
    return Optional.ofNullable(environment.get(name)).map(String::strip).filter(v -> !v.isEmpty());
  }

  private static int portOf(String text) {
    try {
      int port = Integer.parseInt(text);
      return port > 0 && port < 1 << 16 ? port : 0;
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  private static ChannelCredentials privateTls(String path) {
    try {
      return TlsChannelCredentials.newBuilder().trustManager(new File(path)).build();
    } catch (IOException e) {
      throw new UsageException(
          "LONGWIRE_CA is " + path + ": name a PEM file with the authority's certificate");
    }
  }
}
