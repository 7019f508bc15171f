// HTTP as the remote client needs it. Behind an interface, so that pacing is tested in virtual
// time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/remote/clock.h"

namespace moebius::engine::remote {

/// A POST. Header lines may hold a key: nothing of this goes into messages.
struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string body;
  Micros idle = 0;   // longest time without a byte; 0: no limit
  Micros total = 0;  // longest time of all; 0: no limit
};

struct HttpHead {
  int status = 0;            // 0: no answer came
  std::string content_type;  // as sent, at most 256 bytes
  std::string retry_after;   // as sent, at most 64 bytes
};

/// How an exchange ended besides its status.
enum class HttpEnding : std::uint8_t {
  kComplete,
  kConnection,   // not reached, or ended within the answer
  kTimeout,      // idle or total
  kTls,          // the certificate or the handshake
  kUnsupported,  // the URL cannot be asked at all
  kEnough,       // the receiver wanted no more
};

struct HttpEnd {
  HttpHead head;
  HttpEnding ending = HttpEnding::kComplete;
  std::string error;  // one line, if not kComplete
};

/// Many exchanges at once, for one thread.
class Transport {
 public:
  class Receiver {
   public:
    virtual ~Receiver() = default;
    /// Bytes of an answer's body in order. False: no more, end it with kEnough.
    virtual bool received(std::uint64_t ticket, const HttpHead& head, std::string_view bytes) = 0;
    /// Once for each start() that was not dropped.
    virtual void ended(std::uint64_t ticket, HttpEnd end) = 0;
  };

  virtual ~Transport() = default;
  virtual void start(std::uint64_t ticket, HttpRequest request) = 0;
  /// Ends the exchange; nothing more is heard of it. Not from within Receiver.
  virtual void drop(std::uint64_t ticket) = 0;
  /// Waits up to `longest` for something to happen, and tells `receiver` about it.
  virtual void poll(Micros longest, Receiver& receiver) = 0;
  /// Ends a poll() of another thread early.
  virtual void wake() = 0;
};

}  // namespace moebius::engine::remote
