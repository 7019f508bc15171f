// A place in a list of tokens of our LaTeX dialect, and what can be asked about it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scorers/math/latex_lexer.h"
#include "scorers/math/parser.h"

namespace moebius::scorers::math {

class LatexCursor {
 public:
  explicit LatexCursor(std::vector<LatexTok> tokens) : tokens_(std::move(tokens)) {}

 protected:
  const LatexTok& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool at(std::string_view op, std::size_t ahead = 0) const {
    return peek(ahead).type == Tok::kOperator && peek(ahead).text == op;
  }
  bool at_structure(std::string_view name) const {
    return peek().type == Tok::kStructure && peek().text == name;
  }
  bool take(std::string_view op) {
    if (!at(op)) return false;
    ++at_;
    return true;
  }
  void expect(std::string_view op) {
    if (!take(op)) throw SyntaxError("expected " + std::string(op) + ", found " + peek().text);
  }
  bool at_separator() const {
    return at(",") || at(";") || at("and") || at("sep") || at_structure("row");
  }
  bool at_close() const {
    return at(")") || at("]") || at("}") || at("\\}") || peek().type == Tok::kEnd || at("&") ||
           (peek().type == Tok::kStructure && peek().text.starts_with("end:"));
  }

  std::string relation_operator() const {
    for (const char* op : {"=", "!=", "<", "<=", ">", ">=", "approx", "in"}) {
      if (at(op)) return op;
    }
    return "";
  }

  std::vector<LatexTok> tokens_;  // the last is kEnd
  std::size_t at_ = 0;
};

}  // namespace moebius::scorers::math
