// Data within the page: gzip and base64, so that nothing in it can be markup.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace moebius::reports::html {

/// By RFC 1952, with no time and no name in it: the same bytes always give the same.
std::string gzip(std::string_view bytes);

std::string base64(std::string_view bytes);

/// "sha256-" and base64: what a Content-Security-Policy calls the text of an inline script.
std::string csp_hash(std::string_view text);

/// A script element that is data and is not run: base64(gzip(json)). `attributes` are ours.
std::string data_block(std::string_view attributes, std::string_view json);

/// How much of each text there is room for. First every text is measured, then each is asked for
/// and told what it took; the share of what is left follows how well texts were compressed.
class TextBudget {
 public:
  explicit TextBudget(std::size_t most_bytes) : left_(most_bytes) {}
  void measure(std::size_t bytes);
  void reserve(std::size_t bytes);  // for what else goes into the file
  /// Texts longer than this are to be cut to it; at least kLeast.
  std::size_t limit() const;
  /// `texts` of `raw` bytes, as they were cut, came to `written`.
  void spent(std::size_t texts, std::size_t raw, std::size_t written);

  static constexpr std::size_t kLeast = 400;

 private:
  /// Bytes of all texts if each is cut to `most`.
  double total(std::size_t most) const;

  struct Class {
    double texts = 0;
    double bytes = 0;
  };
  static constexpr std::size_t kClasses = 64;
  Class classes_[kClasses];  // by the bit width of the length
  double texts_ = 0;
  double done_ = 0;
  double raw_ = 0;
  double written_ = 0;
  std::size_t left_;
};

/// A text as the page shows it: whole, or its head and tail with a count of what is left out.
struct Clip {
  std::string_view head;
  std::string_view tail;
  std::size_t left_out = 0;
};
/// At most `most` bytes, cut between code points of valid UTF-8.
Clip clip(std::string_view text, std::size_t most);

}  // namespace moebius::reports::html
