#pragma once

#include <ostream>

#include "longwire/v1/result.pb.h"

namespace circuits {

// Prints counts, the bits of every shot, and arrays of complex numbers, circuit
// by circuit. Other data is left out.
void PrintResult(std::ostream& out, const longwire::v1::Result& result);

}  // namespace circuits
