#include "connection.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <cstdlib>

#include "read_file.h"
#include "usage_error.h"

namespace circuits {

namespace {

constexpr int kMaxReceiveBytes = 64 * 1024 * 1024;
// The server takes a ping every 10 s.
constexpr int kKeepaliveMs = 15'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kFirstReconnectMs = 100;
constexpr int kLongestReconnectMs = 2'000;
// gRPC's "minimal back-off" is also the time that one connection may take.
constexpr int kConnectMs = 5'000;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The host of HOST:PORT; an IPv6 address keeps its brackets.
std::string Host(const std::string& address) {
  const auto colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  const bool is_complete = colon != std::string::npos && colon > 0 && colon + 1 < address.size();
  const bool is_ambiguous = host.find(':') != std::string::npos && host.back() != ']';
  if (!is_complete || is_ambiguous) {
    throw UsageError("LONGWIRE_ADDRESS is \"" + address +
                     "\"; write HOST:PORT, as localhost:50051 or [::1]:50051");
  }
  return host;
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

std::string ReadCertificates(const std::string& path) {
  const auto pem = ReadFile(path);
  if (pem && pem->find("-----BEGIN CERTIFICATE-----") != std::string::npos) return *pem;
  throw UsageError("LONGWIRE_CA is \"" + path + "\"; name a PEM file with certificates");
}

}  // namespace

ConnectionSettings ReadEnvironment() {
  ConnectionSettings settings;
  settings.address = Variable("LONGWIRE_ADDRESS");
  if (settings.address.empty()) settings.address = "localhost:50051";
  const bool is_loopback = IsLoopback(Host(settings.address));

  const std::string ca_path = Variable("LONGWIRE_CA");
  if (!ca_path.empty()) settings.root_certificates = ReadCertificates(ca_path);
  settings.use_tls = !ca_path.empty() || !is_loopback;

  settings.token = Variable("LONGWIRE_TOKEN");
  // gRPC ends the program where metadata has other characters.
  const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::ranges::all_of(settings.token, is_visible)) {
    throw UsageError("LONGWIRE_TOKEN has characters that no token has; set it to lw_...");
  }
  if (!settings.token.empty() && !settings.use_tls && !is_loopback) {
    throw UsageError("a token is not sent in plain text; set LONGWIRE_CA");
  }
  return settings;
}

std::shared_ptr<grpc::Channel> OpenChannel(const ConnectionSettings& settings) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // Pings go on while the server computes and nothing else is sent.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Otherwise gRPC waits up to 2 min until it looks for a server that was away.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestReconnectMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);

  // This program makes its own new tries, and says so each time.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);

  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = settings.root_certificates;
  const auto credentials =
      settings.use_tls ? grpc::SslCredentials(tls) : grpc::InsecureChannelCredentials();
  return grpc::CreateCustomChannel(settings.address, credentials, arguments);
}

}  // namespace circuits
