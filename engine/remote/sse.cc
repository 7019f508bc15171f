// Server-sent events: bytes to events.
#include "engine/remote/sse.h"

#include "engine/engine.h"

namespace moebius::engine::remote {

std::vector<SseEvent> SseReader::push(std::string_view bytes) {
  std::vector<SseEvent> events;
  while (!bytes.empty()) {
    if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    const std::size_t end = bytes.find_first_of("\r\n");
    line_.append(bytes.substr(0, end));
    if (line_.size() + data_.size() > longest_) {
      throw Error("event stream: expected events of at most " + std::to_string(longest_) +
                  " bytes, found a longer one");
    }
    if (end == std::string_view::npos) break;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    end_line(events);
  }
  return events;
}

void SseReader::end_line(std::vector<SseEvent>& events) {
  std::string_view line = line_;
  if (at_start_ && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  at_start_ = false;
  if (!line.empty()) {
    const std::size_t colon = line.find(':');
    std::string_view value =
        colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    field(line.substr(0, colon), value);
    line_.clear();
    return;
  }
  line_.clear();
  if (!data_.empty()) {
    data_.pop_back();
    events.push_back({.event = event_.empty() ? "message" : event_, .data = data_, .id = id_});
  }
  event_.clear(), data_.clear(), id_.clear();
}

void SseReader::field(std::string_view name, std::string_view value) {
  if (name == "data") data_.append(value).push_back('\n');
  if (name == "event") event_ = value;
  if (name == "id") id_ = value;
}

}  // namespace moebius::engine::remote
