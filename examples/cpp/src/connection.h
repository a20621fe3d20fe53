// Where the server is, and how it is reached: what the environment says of it.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

namespace circuits {

struct ConnectionSettings {
  // HOST:PORT.
  std::string address;
  // Certificates of the authority that signed the server's, as PEM; empty for
  // the system's.
  std::string root_certificates;
  // An API token; empty for none.
  std::string token;
  bool use_tls = false;
};

// Reads LONGWIRE_ADDRESS, LONGWIRE_CA and LONGWIRE_TOKEN. Throws a UsageError
// where one of them cannot be used.
ConnectionSettings ReadEnvironment();

// A channel to the server. It connects by itself, again and again.
std::shared_ptr<grpc::Channel> OpenChannel(const ConnectionSettings& settings);

}  // namespace circuits
