// Length-prefixed frames.
#include "scorers/sandbox/frames.h"

#include <limits>

#include "scorers/scorer.h"

namespace moebius::scorers::sandbox {

std::string encode_frame(std::string_view frame) {
  if (frame.size() > std::numeric_limits<std::uint32_t>::max())
    throw Error("sandbox: frame of " + std::to_string(frame.size()) + " bytes, at most 2^32 - 1");
  std::string bytes;
  bytes.reserve(kFrameHeader + frame.size());
  for (int shift = 0; shift < 32; shift += 8)
    bytes.push_back(static_cast<char>((frame.size() >> shift) & 0xff));
  return bytes.append(frame);
}

std::uint32_t FrameReader::length() const {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < kFrameHeader; ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(buffer_[at_ + i])) << (8 * i);
  return value;
}

std::size_t FrameReader::wanted() const {
  const std::size_t have = buffer_.size() - at_;
  if (broken_) return 1;
  if (have < kFrameHeader) return kFrameHeader - have;
  const std::size_t whole = kFrameHeader + length();
  return have < whole ? whole - have : 1;
}

FrameReader::State FrameReader::next(std::string& frame, std::size_t max_bytes) {
  if (broken_) return State::kTooLong;
  const std::size_t have = buffer_.size() - at_;
  if (have < kFrameHeader) return State::kNeedMore;
  const std::size_t size = length();
  if (size > max_bytes) {
    broken_ = true;
    frame.assign(buffer_, at_, kFrameHeader);
    buffer_.clear();
    at_ = 0;
    return State::kTooLong;
  }
  if (have - kFrameHeader < size) return State::kNeedMore;
  frame.assign(buffer_, at_ + kFrameHeader, size);
  at_ += kFrameHeader + size;
  // Moved down only when half is used up, so that many small frames cost no more than one read.
  if (at_ > buffer_.size() / 2) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  return State::kFrame;
}

}  // namespace moebius::scorers::sandbox
