// One file over HTTP: resumed, retried, checked against its hash, then put in place at once.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace moebius::tasks {

struct Download {
  std::string url;     // http or https
  std::string path;    // of the whole file; what is still incomplete is at path + ".part"
  std::string sha256;  // of the whole file
  int attempts = 4;
  std::int64_t pause_ms = 500;  // before the second attempt, doubled for each further one
  std::int64_t stall_s = 30;    // an attempt ends after so long without bytes, or to connect
  /// Bytes so far and in all (-1: unknown). May throw to stop.
  std::function<void(std::int64_t, std::int64_t)> progress;
};

/// Continues `path`.part with a range request if it exists and starts anew where the server
/// cannot. The file appears at `path` only when its hash is right. Throws Error of one line:
/// the url, and why (offline, refused, HTTP status, wrong hash, disk full).
void download(const Download& wanted);

}  // namespace moebius::tasks
