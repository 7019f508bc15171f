// Frames of a channel: u32 little-endian length, then that many bytes. Reads hostile streams.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace moebius::scorers::sandbox {

inline constexpr std::size_t kFrameHeader = 4;

/// Header and bytes. Throws Error if the frame is longer than 2^32 - 1.
std::string encode_frame(std::string_view frame);

/// Cuts a stream into frames. Holds no more than was pushed, whatever a header promises.
class FrameReader {
 public:
  enum class State : std::uint8_t { kNeedMore, kFrame, kTooLong };

  void push(std::string_view bytes) {
    if (!broken_) buffer_.append(bytes);
  }
  /// Takes the next frame out. kTooLong stays: such a stream has no further frames.
  State next(std::string& frame, std::size_t max_bytes);
  std::size_t held() const { return buffer_.size() - at_; }
  /// Bytes to read until something can be said; at least 1.
  std::size_t wanted() const;

 private:
  std::uint32_t length() const;

  std::string buffer_;
  std::size_t at_ = 0;  // of the first byte not yet taken
  bool broken_ = false;
};

}  // namespace moebius::scorers::sandbox
