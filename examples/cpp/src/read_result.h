// From the bytes that the server sends to the message that they are.
#pragma once

#include <string>

#include "longwire/v1/array.pb.h"
#include "longwire/v1/result.pb.h"

namespace circuits {

// Checks the digest, decompresses, and parses. Throws a std::runtime_error
// where one of these fails.
longwire::v1::Result ReadResult(const longwire::v1::EncodedResult& encoded);

// The bytes of a field that can be compressed on its own.
std::string Decompress(const std::string& data, longwire::v1::Compression compression);

}  // namespace circuits
