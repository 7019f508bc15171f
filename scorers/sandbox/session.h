// A running program with a channel, as graders see it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "scorers/sandbox/frames.h"
#include "scorers/sandbox/running.h"
#include "scorers/sandbox/sandbox.h"

namespace moebius::scorers::sandbox {

class ChannelSession : public Session {
 public:
  ChannelSession(Worker& worker, const Program& program) : running_(worker, program) {}

  bool send(std::string_view frame) override;
  Heard receive(std::string& frame, double cpu_seconds, std::size_t max_bytes) override;
  Outcome finish() override;

 private:
  enum class Input : std::uint8_t { kSome, kNothingYet, kClosed };
  Input read_channel(std::size_t most);
  Heard hear(std::string& frame, double cpu_seconds, std::size_t max_bytes);
  Heard ended() const;
  bool closed() const;

  Running running_;
  FrameReader reader_;
  double asleep_seconds_ = 0;
};

}  // namespace moebius::scorers::sandbox
