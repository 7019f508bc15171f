// Fuzz target: a byte that says how to cut the stream, and server-sent events.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/remote/sse.h"

namespace {

using moebius::engine::remote::SseEvent;
using moebius::engine::remote::SseReader;

constexpr std::size_t kLongest = 512;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Read {
  std::vector<SseEvent> events;
  bool refused = false;
  bool unfinished = false;
};

/// The stream in pieces of `step` bytes.
Read read(std::string_view stream, std::size_t step) {
  Read result;
  SseReader reader(kLongest);
  try {
    for (std::size_t at = 0; at < stream.size(); at += step) {
      for (SseEvent& event : reader.push(stream.substr(at, step))) {
        result.events.push_back(std::move(event));
      }
    }
    result.unfinished = reader.unfinished();
  } catch (const moebius::engine::Error&) {
    result.refused = true;
  }
  return result;
}

void check(const SseEvent& event) {
  require(!event.event.empty() && event.data.size() <= kLongest);
  for (const std::string* text : {&event.event, &event.id}) {
    require(text->find_first_of("\r\n") == std::string::npos);
  }
  require(event.data.find('\r') == std::string::npos);
}

bool same(const SseEvent& a, const SseEvent& b) {
  return a.event == b.event && a.data == b.data && a.id == b.id;
}

}  // namespace

// However the stream is cut, the events are the same; a refused one has the same events before.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Read bytes = read(stream, 1);
  const Read pieces = read(stream, 2 + data[0]);
  for (const SseEvent& event : bytes.events) check(event);
  require(bytes.refused == pieces.refused);
  if (!bytes.refused) {
    require(bytes.unfinished == pieces.unfinished);
    require(bytes.events.size() == pieces.events.size());
  }
  // What one piece brought before the end of it was refused is lost with it.
  require(pieces.events.size() <= bytes.events.size());
  require(std::equal(pieces.events.begin(), pieces.events.end(), bytes.events.begin(), same));
  return 0;
}
