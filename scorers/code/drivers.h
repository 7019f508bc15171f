// The Python that runs inside the sandbox, embedded at build time from drivers/*.py.
#pragma once

#include <string>
#include <string_view>

namespace moebius::scorers::code {

/// Whole programs for sandbox::Program::code, put together once.
const std::string& humaneval_solver();
const std::string& humaneval_checker();
const std::string& livecodebench_driver();
/// The program itself as a process of its own, the prelude's names beneath it.
std::string livecodebench_process(std::string_view source);

/// One file of drivers/ as it is, for tests. Empty if there is none of that name.
std::string_view driver_file(std::string_view name);

}  // namespace moebius::scorers::code
