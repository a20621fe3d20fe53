#include "read_result.h"

#include <openssl/evp.h>
#include <zstd.h>

#include <array>
#include <limits>
#include <stdexcept>
#include <string_view>

namespace circuits {

using longwire::v1::EncodedResult;
using longwire::v1::Result;

namespace {

std::string Sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL cannot compute SHA-256");
  }
  return {digest.begin(), digest.begin() + size};
}

std::string DecompressZstd(const std::string& data) {
  const unsigned long long size = ZSTD_getFrameContentSize(data.data(), data.size());
  // Unknown sizes and errors are the largest numbers. No message of protobuf
  // has more than 2 GiB.
  if (size > std::numeric_limits<int>::max()) {
    throw std::runtime_error("compressed data does not begin with a frame of zstd and its size");
  }
  std::string content(size, '\0');
  const std::size_t written =
      ZSTD_decompress(content.data(), content.size(), data.data(), data.size());
  if (ZSTD_isError(written) || written != size) {
    throw std::runtime_error("compressed data is not a whole frame of zstd");
  }
  return content;
}

}  // namespace

std::string Decompress(const std::string& data, longwire::v1::Compression compression) {
  switch (compression) {
    case longwire::v1::COMPRESSION_UNSPECIFIED:
      return data;
    case longwire::v1::COMPRESSION_ZSTD:
      return DecompressZstd(data);
    default:
      throw std::runtime_error("unknown compression " + std::to_string(compression));
  }
}

Result ReadResult(const EncodedResult& encoded) {
  if (Sha256(encoded.data()) != encoded.sha256()) {
    throw std::runtime_error("the result was damaged on its way: its SHA-256 is another");
  }
  Result result;
  if (!result.ParseFromString(Decompress(encoded.data(), encoded.compression()))) {
    throw std::runtime_error("the result is not a message longwire.v1.Result");
  }
  return result;
}

}  // namespace circuits
