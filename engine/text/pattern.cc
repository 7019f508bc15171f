#include "engine/text/pattern.h"

#include <algorithm>
#include <bit>

#include "engine/engine.h"
#include "engine/text/pattern_parser.h"
#include "engine/text/unicode.h"

namespace moebius::engine {

bool CharClass::has_wide(char32_t c) const {
  const auto above =
      std::upper_bound(ranges.begin(), ranges.end(), c,
                       [](char32_t x, const auto& range) { return x < range.first; });
  bool in = above != ranges.begin() && c <= above[-1].second;
  if (!in && categories != 0) in = (category_bit(c) & categories) != 0;
  return in != negated;
}

Pattern::Pattern(std::string_view source) {
  PatternParser(source, *this).parse();
  const std::vector<Bytes> first = first_bytes();
  for (std::size_t i = 0; i < alternatives_.size(); ++i) {
    const int node = alternatives_[i];
    if (node < 0 || first[node].all()) {
      throw Error("a Regex that can match the empty text is not supported");
    }
    for (int byte = 0; byte < 256; ++byte) {
      if (first[node][byte]) starts_[byte] |= std::uint32_t{1} << i;
    }
  }
}

Pattern::Bytes Pattern::class_bytes(const CharClass& set) const {
  Bytes out;
  for (int byte = 0; byte < 128; ++byte) out[byte] = set.has(static_cast<char32_t>(byte));
  const bool wide = set.negated || set.categories != 0 || !set.ranges.empty();
  for (int byte = 0xC2; byte < 0xF5; ++byte) out[byte] = wide;
  return out;
}

// All 256 bytes, which no class can begin with, stand for a match that can be empty.
std::vector<Pattern::Bytes> Pattern::first_bytes() const {
  std::vector<Bytes> first;
  const auto at = [&first](int node) { return node < 0 ? Bytes().set() : first[node]; };
  for (const Node& n : nodes_) {
    Bytes out;
    if (n.kind == Kind::kClass) out = class_bytes(classes_[n.chars]);
    if (n.kind == Kind::kOneOf) {
      for (const int branch : n.branches) out |= at(branch);
    } else if (n.kind != Kind::kClass || n.min == 0) {
      out |= at(n.next);
    }
    first.push_back(out);
  }
  return first;
}

/// Finds the matches of one pattern in one piece of text.
class PatternMatcher {
 public:
  PatternMatcher(const Pattern& pattern, const char* begin, const char* end)
      : pattern_(pattern), end_(end), steps_left_(kSteps * (end - begin) + kSteps) {
    std::fill_n(failed_until_.begin(), pattern.alternatives_.size(), nullptr);
  }

  /// End of the match that begins at `p` < end, or null.
  const char* match_at(const char* p) {
    std::uint32_t candidates = pattern_.starts_[static_cast<unsigned char>(*p)];
    for (; candidates != 0; candidates &= candidates - 1) {
      const int i = std::countr_zero(candidates);
      // All that an alternative beginning with x+ or x* can do from inside a run of x, it could
      // also do from the run's start; so where that failed, the rest of the run will. Without
      // this, \s+$ takes quadratic time on a long run of blanks.
      if (failed_until_[i] != nullptr && p < failed_until_[i]) continue;
      const int node = pattern_.alternatives_[i];
      if (const char* stop = match(node, p)) return stop;
      const Pattern::Node& first = pattern_.nodes_[node];
      if (first.max == Pattern::kUnlimited && first.min <= 1 && last_run_node_ == node) {
        failed_until_[i] = last_run_end_;
      }
    }
    return nullptr;
  }

 private:
  static constexpr std::int64_t kSteps = 64;  // per byte of text

  void spend(std::int64_t steps) {
    steps_left_ -= steps;
    if (steps_left_ < 0) throw Error("pre_tokenizer: a Regex takes too many steps on this text");
  }

  const char* run(const Pattern::Node& n, const char* p, std::uint32_t& count) {
    const CharClass& set = pattern_.classes_[n.chars];
    for (count = 0; count < n.max && p != end_; ++count) {
      const char* next = p;
      if (!set.has(next_char(next))) break;
      p = next;
    }
    spend(count);
    return p;
  }

  const char* match(int node, const char* p) {
    while (node >= 0) {
      const Pattern::Node& n = pattern_.nodes_[node];
      switch (n.kind) {
        case Pattern::Kind::kClass: {
          std::uint32_t count = 0;
          const char* stop = run(n, p, count);
          if (count < n.min) return nullptr;
          if (count > n.min && n.next >= 0 && !n.possessive) return give_back(node, stop, count);
          p = stop;
          break;
        }
        case Pattern::Kind::kOneOf:
          return any_branch(n, p);
        case Pattern::Kind::kNotAhead:
          if (any_branch(n, p) != nullptr) return nullptr;
          break;
        case Pattern::Kind::kEnd:
          if (p != end_ && *p != '\n') return nullptr;
          break;
      }
      node = n.next;
    }
    return p;
  }

  const char* any_branch(const Pattern::Node& n, const char* p) {
    for (const int branch : n.branches) {
      spend(1);
      if (const char* stop = match(branch, p)) return stop;
    }
    return nullptr;
  }

  // The longest repetition first, then one character fewer at a time.
  const char* give_back(int node, const char* stop, std::uint32_t count) {
    const Pattern::Node& n = pattern_.nodes_[node];
    const char* const run_end = stop;
    for (;;) {
      if (const char* found = match(n.next, stop)) return found;
      if (count == n.min) break;
      spend(1);
      --count;
      --stop;
      while (is_continuation(*stop)) --stop;
    }
    last_run_node_ = node;
    last_run_end_ = run_end;
    return nullptr;
  }

  const Pattern& pattern_;
  const char* end_;
  std::int64_t steps_left_;
  int last_run_node_ = -1;
  const char* last_run_end_ = nullptr;
  std::array<const char*, 32> failed_until_;  // per alternative; may be null
};

void Pattern::split(std::string_view text, Piece piece, std::vector<Piece>& out) const {
  const char* const begin = text.data() + piece.begin;
  const char* const end = text.data() + piece.end;
  const auto offset = [&text](const char* p) {
    return static_cast<std::uint32_t>(p - text.data());
  };
  PatternMatcher matcher(*this, begin, end);
  const char* done = begin;  // everything before it is in `out`
  for (const char* p = begin; p != end;) {
    const char* stop = nullptr;
    if (starts_[static_cast<unsigned char>(*p)] != 0) stop = matcher.match_at(p);
    if (stop == nullptr) {
      do ++p;
      while (p != end && is_continuation(*p));
      continue;
    }
    if (done != p) out.push_back({offset(done), offset(p)});
    out.push_back({offset(p), offset(stop)});
    done = p = stop;
  }
  if (done != end) out.push_back({offset(done), offset(end)});
}

}  // namespace moebius::engine
