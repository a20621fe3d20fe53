#include "print_result.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "read_result.h"

namespace circuits {

using longwire::v1::Array;
using longwire::v1::Counts;
using longwire::v1::DataField;
using longwire::v1::PackedBits;
using longwire::v1::Value;

namespace {

// The bits of a big-endian number as characters, the highest first: classical
// bit 0 is the lowest bit of the last byte, and the rightmost character.
std::string BitsOfBytes(std::string_view row, std::uint32_t num_bits) {
  std::string bits(num_bits, '0');
  for (std::uint32_t bit = 0; bit < num_bits; ++bit) {
    const auto byte = static_cast<unsigned char>(row[row.size() - 1 - bit / 8]);
    if ((byte >> (bit % 8)) & 1) bits[num_bits - 1 - bit] = '1';
  }
  return bits;
}

std::string BitsOfInteger(std::uint64_t outcome, std::uint32_t num_bits) {
  std::string bits(num_bits, '0');
  for (std::uint32_t bit = 0; bit < std::min(num_bits, 64u); ++bit) {
    if ((outcome >> bit) & 1) bits[num_bits - 1 - bit] = '1';
  }
  return bits;
}

// Rows of bits that follow each other, each in whole bytes.
std::vector<std::string> BitsOfRows(std::string_view data, std::uint32_t num_bits,
                                    std::uint64_t num_rows) {
  const std::size_t row_bytes = (std::uint64_t{num_bits} + 7) / 8;
  if (row_bytes != 0 && (data.size() % row_bytes != 0 || data.size() / row_bytes != num_rows)) {
    throw std::runtime_error("the result has another number of bits than it says");
  }
  std::vector<std::string> rows;
  for (std::uint64_t row = 0; row < num_rows; ++row) {
    rows.push_back(BitsOfBytes(data.substr(row * row_bytes, row_bytes), num_bits));
  }
  return rows;
}

// One of three forms; which one depends on the request and on the number of bits.
std::vector<std::string> Outcomes(const Counts& counts) {
  if (counts.bitstrings_size() > 0) return {counts.bitstrings().begin(), counts.bitstrings().end()};
  if (!counts.wide_outcomes().empty()) {
    return BitsOfRows(counts.wide_outcomes(), counts.num_bits(), counts.counts_size());
  }
  std::vector<std::string> outcomes;
  for (const std::uint64_t outcome : counts.outcomes()) {
    outcomes.push_back(BitsOfInteger(outcome, counts.num_bits()));
  }
  return outcomes;
}

void PrintCounts(std::ostream& out, const Counts& counts) {
  const std::vector<std::string> outcomes = Outcomes(counts);
  if (outcomes.size() != static_cast<std::size_t>(counts.counts_size())) {
    throw std::runtime_error("the result does not have a count for each outcome");
  }
  std::vector<std::pair<std::string, std::uint64_t>> pairs;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    pairs.emplace_back(outcomes[i], counts.counts(static_cast<int>(i)));
  }
  std::ranges::sort(pairs);
  for (const auto& [outcome, count] : pairs) out << "count " << outcome << ' ' << count << '\n';
}

void PrintMemory(std::ostream& out, const PackedBits& memory) {
  const std::string data = Decompress(memory.data(), memory.compression());
  for (const std::string& bits : BitsOfRows(data, memory.num_bits(), memory.num_shots())) {
    out << "shot " << bits << '\n';
  }
}

// A little-endian number, whatever the order of this machine is.
template <typename Float, typename Bits>
double ReadFloat(const char* bytes) {
  static_assert(sizeof(Float) == sizeof(Bits));
  Bits bits = 0;
  for (std::size_t i = 0; i < sizeof(Bits); ++i) {
    bits |= static_cast<Bits>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  Float number;
  std::memcpy(&number, &bits, sizeof(number));
  return number;
}

// The shortest text that is read back as the same number.
std::string Shortest(double number) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

void PrintAmplitudes(std::ostream& out, const Array& array) {
  const bool is_double = array.element_type() == longwire::v1::ELEMENT_TYPE_COMPLEX128;
  if (!is_double && array.element_type() != longwire::v1::ELEMENT_TYPE_COMPLEX64) return;
  const std::size_t part = is_double ? sizeof(double) : sizeof(float);
  const auto read = is_double ? ReadFloat<double, std::uint64_t> : ReadFloat<float, std::uint32_t>;
  const std::string data = Decompress(array.data(), array.compression());
  for (std::size_t i = 0; (i + 1) * 2 * part <= data.size(); ++i) {
    const char* real = data.data() + i * 2 * part;
    out << "amplitude " << i << ' ' << Shortest(read(real)) << ' ' << Shortest(read(real + part))
        << '\n';
  }
}

void PrintValue(std::ostream& out, const Value& value) {
  if (value.has_quantum_object_value()) PrintAmplitudes(out, value.quantum_object_value().data());
  if (value.has_array_value()) PrintAmplitudes(out, value.array_value());
}

}  // namespace

void PrintResult(std::ostream& out, const longwire::v1::Result& result) {
  for (const auto& experiment : result.results()) {
    for (const DataField& field : experiment.data()) {
      switch (field.data_case()) {
        case DataField::kCounts:
          PrintCounts(out, field.counts());
          break;
        case DataField::kMemory:
          PrintMemory(out, field.memory());
          break;
        case DataField::kValue:
          PrintValue(out, field.value());
          break;
        default:
          break;  // A form that is newer than this program.
      }
    }
  }
  out.flush();
}

}  // namespace circuits
