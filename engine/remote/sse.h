// Server-sent events: bytes to events. Hostile bytes cost an error, never memory without end.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace moebius::engine::remote {

struct SseEvent {
  std::string event;  // "message" if the stream names none
  std::string data;   // lines joined by \n
  std::string id;     // of this event alone; empty without one
};

/// Source: WHATWG HTML, 9.2.6. Differs: an event without data is dropped with its id, and `retry`
/// is ignored.
class SseReader {
 public:
  explicit SseReader(std::size_t longest_event = 16U << 20) : longest_(longest_event) {}

  /// The events that `bytes` complete, in order. However a stream is cut, the events are the same.
  /// Throws Error if one is longer than allowed.
  std::vector<SseEvent> push(std::string_view bytes);

  /// Something came that no empty line has ended.
  bool unfinished() const { return !line_.empty() || !data_.empty(); }

 private:
  void end_line(std::vector<SseEvent>& events);
  void field(std::string_view name, std::string_view value);

  std::size_t longest_;
  std::string line_;
  std::string event_;
  std::string data_;  // each line with \n behind it
  std::string id_;
  bool after_cr_ = false;
  bool at_start_ = true;
};

}  // namespace moebius::engine::remote
