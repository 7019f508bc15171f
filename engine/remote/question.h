// One question to a server by HTTP: what is sent, and what became of it.
#pragma once

#include <functional>
#include <memory>

#include "engine/engine.h"
#include "engine/remote/courier.h"
#include "engine/remote/dialect.h"
#include "engine/remote/secret.h"

namespace moebius::engine::remote {

/// Where and how all questions are asked.
struct Target {
  const Dialect* dialect = nullptr;
  RemoteOptions options;
  Secret key;
  std::vector<Secret> header_values;  // of the options' headers

  std::string endpoint() const;
  /// `text`, a server's words perhaps, without what nobody else may see.
  std::string redact(std::string text) const;
};

/// Asks `request` (a Score's continuation `leg`) and hands over what was answered: a completion, or
/// the log-probabilities of the continuation in it. Not called if there was no answer.
class Question : public Exchange {
 public:
  using Answered = std::function<void(Completion)>;

  /// Throws Error if the dialect cannot ask that. `target` must outlive it.
  Question(const Target& target, std::shared_ptr<const Request> request, std::size_t leg,
           Answered answered);

  HttpRequest begin() override;
  bool received(const HttpHead& head, std::string_view bytes, Micros now) override;
  Outcome end(const HttpEnd& end, Micros now) override;

 private:
  std::string make_body() const;
  bool take_events(std::string_view bytes, Micros now);
  Outcome judge(const HttpEnd& end);
  Outcome read_answer(const HttpEnd& end);
  void hand_over(Completion completion, Outcome& outcome);

  const Target& target_;
  std::shared_ptr<const Request> request_;
  std::size_t leg_;
  Answered answered_;
  bool stream_;
  std::string first_body_;  // until the first attempt; others are rare

  // Of the attempt:
  Micros first_token_ = -1;
  std::int64_t bytes_ = 0;
  bool events_seen_ = false;
  std::string body_;  // whole answers and errors
  SseReader reader_;
  std::string last_event_;  // its id
  Answer answer_;
  Outcome broken_;  // what received() found wrong
};

}  // namespace moebius::engine::remote
