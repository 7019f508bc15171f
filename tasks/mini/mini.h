// The mini suites' files, which ship in the binary.
#pragma once

#include <string>
#include <string_view>

namespace moebius::tasks {

/// The bytes of "mini-mmlu.jsonl.gz", ...; throws Error on another name. Valid for the whole run.
std::string_view mini_file(const std::string& name);

}  // namespace moebius::tasks
