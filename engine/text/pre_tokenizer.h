// Cuts text into the pieces that byte-pair merging may not cross.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/text/pattern.h"

namespace moebius::engine {

/// The steps of a tokenizer.json "pre_tokenizer", in order, each applied to every piece that
/// the steps before it made. Immutable once built.
class PreTokenizer {
 public:
  /// Matches of the regular expression become pieces, and so does what lies between them.
  void add_split(std::string_view regex);

  /// Every piece that does not begin with a space gets one in front.
  void add_prefix_space();

  /// Memory that a caller keeps from one text to the next. `text` is what the pieces cut: the
  /// caller's text, or a copy in `copy` that has prefix spaces in it.
  struct Work {
    std::string_view text;
    std::vector<Piece> pieces;
    std::vector<Piece> before;
    std::string copy;
  };

  /// Sets work.text and work.pieces, which are not empty and cover the text in order. `text`: valid
  /// UTF-8 of less than 2 GiB; it must live as long as work.text is used.
  void run(std::string_view text, Work& work) const;

 private:
  struct Step {
    bool prefix_space = false;
    int pattern = -1;
  };
  std::vector<Step> steps_;
  std::vector<Pattern> patterns_;
};

}  // namespace moebius::engine
