// From the text of a pre-tokenizer's regular expression to the nodes of a Pattern.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/text/pattern.h"

namespace moebius::engine {

class PatternParser {
 public:
  PatternParser(std::string_view source, Pattern& pattern) : source_(source), pattern_(pattern) {}

  /// Fills the pattern's classes, nodes and alternatives. Throws Error.
  void parse();

 private:
  struct Item {
    Pattern::Node node;                       // kClass: complete; otherwise only the kind
    std::vector<std::vector<Item>> branches;  // kOneOf, kNotAhead
  };
  using Sequence = std::vector<Item>;

  std::vector<Sequence> parse_alternatives(bool fold);
  Item parse_item(bool fold);
  Item parse_group(bool fold);
  void parse_quantifier(Item& item);
  void parse_counts(Item& item);
  std::uint32_t parse_count();
  CharClass parse_class(bool fold);
  void parse_escape(CharClass& out, bool in_class);
  void parse_property(CharClass& out, bool negated);
  char32_t parse_char();  // a character, escaped or not
  char32_t escaped_char(char32_t letter);
  char32_t hex(int digits);
  Item item_of(CharClass set);

  int emit(const Sequence& sequence, std::size_t from, int next);
  int add(Pattern::Node node);

  bool done() const { return at_ == source_.size(); }
  bool take(std::string_view token);
  char32_t take_char();
  [[noreturn]] void fail(const std::string& what) const;

  std::string_view source_;
  Pattern& pattern_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace moebius::engine
