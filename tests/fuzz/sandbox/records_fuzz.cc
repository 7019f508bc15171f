// Fuzz target: records of the fork server, and texts of /proc and of cgroups.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "scorers/sandbox/cgroup_files.h"
#include "scorers/sandbox/tree.h"
#include "scorers/sandbox/zygote.h"

namespace sandbox = moebius::scorers::sandbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  sandbox::Reply reply;
  std::memcpy(&reply, data, std::min(size, sizeof reply));
  if (sandbox::valid_reply(reply)) {
    if (std::strlen(reply.text) >= sizeof reply.text) std::abort();
    if (sandbox::refusal(reply.stage, reply.error).empty()) std::abort();
  }
  sandbox::ProcessStat stat;
  (void)sandbox::parse_stat(text, stat);
  if (sandbox::field_of(text, "oom_kill") < -1) std::abort();
  const std::size_t half = text.find('\x01');
  if (half != std::string::npos)
    (void)sandbox::own_group(text.substr(0, half), text.substr(half + 1), "memory");
  return 0;
}
