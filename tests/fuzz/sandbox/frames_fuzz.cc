// Fuzz target: a frame limit, a piece length, and what a program wrote to its channel.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "scorers/sandbox/frames.h"

using moebius::scorers::sandbox::encode_frame;
using moebius::scorers::sandbox::FrameReader;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t most = data[0], piece = data[1] + 1U;
  const std::string_view stream(reinterpret_cast<const char*>(data + 2), size - 2);
  FrameReader reader;
  std::string again, frame;
  bool too_long = false;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    reader.push(stream.substr(at, piece));
    FrameReader::State state = FrameReader::State::kNeedMore;
    while ((state = reader.next(frame, most)) == FrameReader::State::kFrame) {
      require(!too_long && frame.size() <= most);
      again += encode_frame(frame);
    }
    too_long = too_long || state == FrameReader::State::kTooLong;
    require(reader.wanted() >= 1 && reader.held() <= stream.size());
  }
  // What came out, put in again, is what went in, up to where it stopped.
  require(stream.substr(0, again.size()) == again);
  require(too_long || again.size() + reader.held() == stream.size());
  return 0;
}
