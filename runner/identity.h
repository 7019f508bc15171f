// Who computed: this binary and this machine, as every run records them.
#pragma once

#include <string>

namespace moebius::runner {

/// Version and linker build id of this binary: "0.1.0 8f3a..."; changes whenever its code does.
std::string build_identity();

/// JSON object: host, cpu, cores, memory, kernel, os, start.
std::string environment_json();

}  // namespace moebius::runner
