// The text of an answer while it grows, and the stop strings that may end it.
#pragma once

#include <bitset>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/tokenizer.h"

namespace moebius::engine {

/// Collects token bytes as valid UTF-8 and looks for stop strings in the text that is
/// certain, so one that spans tokens is found and an unfinished character never matches.
class AnswerText {
 public:
  /// `stops`: valid UTF-8, none empty.
  explicit AnswerText(std::vector<std::string> stops);

  /// True when a stop string has appeared: text() is then cut before it. If several did at
  /// once, the one that begins first counts, then the one listed first.
  bool push(std::string_view bytes);

  /// Ends the answer: an unfinished character becomes U+FFFD. As push().
  bool finish();

  const std::string& text() const { return text_; }
  /// The beginning of text() that will be in it at the end whatever follows: all but an end that
  /// a stop string may begin with. Never shorter than it was.
  std::string_view settled() const;

  const std::string& stop() const { return stop_; }  // found; empty if none

 private:
  bool append(std::string_view text);
  bool may_end_stop(std::string_view text) const;

  std::vector<std::string> stops_;
  std::bitset<256> last_bytes_;  // of the stop strings
  Utf8Stream stream_;
  std::string text_;
  std::string stop_;
};

}  // namespace moebius::engine
