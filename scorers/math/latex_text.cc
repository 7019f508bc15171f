// A tolerant LaTeX reader that writes plain text as it goes; errors of the input are skipped over
// exactly where pylatexenc's tolerant mode skips them.
#include "scorers/math/latex_text.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

#include "scorers/math/latex_text_macros.h"
#include "scorers/text/python_text.h"
#include "scorers/text/unicode.h"

namespace moebius::scorers::math {
namespace {

constexpr int kMaxDepth = 200;

/// Where the reference raises out of latex_to_text.
struct Raised : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Kind {
  kEnd,
  kText,     // one character, a paragraph break or an unreadable \begin
  kMacro,    // value: its name
  kSpecial,  // value: what it stands for
  kOpen,     // value: "{" or "["
  kClose,    // value: "}" or "]"
  kMath,     // value: "$", "$$", "\(", "\)", "\[" or "\]"
  kBegin,    // value: the environment
  kEndOf,    // value: the environment
};

struct Token {
  Kind kind = Kind::kEnd;
  std::string_view value;
  std::string_view space;  // before it
  std::string_view after;  // white space that belongs to a macro
  std::size_t end = 0;     // where the next token begins
};

/// How a run of nodes may end, and how it is written.
struct Scope {
  std::string_view close;        // "}", "]", a closing of mathematics; empty: none of them
  std::string_view environment;  // its \end; empty: none
  bool brackets = false;         // "[" and "]" are braces
  bool equation = false;         // spaces as in the source
  std::string_view dollar;       // the delimiter of the mathematics around
};

constexpr std::pair<std::string_view, std::string_view> kSpecials[] = {
    {"---", "—"}, {"--", "–"}, {"``", "“"},       {"''", "”"},
    {"!`", "¡"},  {"?`", "¿"}, {"~", "\xC2\xA0"}, {"&", "   "}};

std::string filled(std::string_view pattern, const std::vector<std::string>& args) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '%') {
      out += args[static_cast<std::size_t>(pattern[++i] - '1')];
    } else {
      out += pattern[i];
    }
  }
  return out;
}

/// The cells of a matrix while it is read.
class Cells {
 public:
  void add(std::string_view text) {
    open_ = true;
    cell_ += text;
  }
  void end_cell() {
    if (open_) row_.emplace_back(text::strip(cell_));
    cell_.clear();
    open_ = false;
  }
  void end_row() {
    end_cell();
    rows_.push_back(std::move(row_));
    row_.clear();
  }
  /// "[ a b; c d ]", cells as wide as the widest, flush right.
  std::string text() const {
    std::size_t width = 0;
    bool any = false;
    for (const auto& row : rows_) {
      for (const auto& cell : row) any = true, width = std::max(width, text::length(cell));
    }
    if (!any) throw Raised("a matrix without cells");
    std::string out = "[ ";
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      if (r > 0) out += "; ";
      for (std::size_t c = 0; c < rows_[r].size(); ++c) {
        if (c > 0) out += ' ';
        out.append(std::min<std::size_t>(width - text::length(rows_[r][c]), 1000), ' ');
        out += rows_[r][c];
      }
    }
    return out + " ]";
  }

 private:
  bool open_ = false;
  std::string cell_;
  std::vector<std::string> row_;
  std::vector<std::vector<std::string>> rows_;
};

class Reader {
 public:
  explicit Reader(std::string_view s) : s_(s) {}
  std::string read() { return nodes({}, nullptr); }

 private:
  struct Depth {
    explicit Depth(int& depth) : depth_(depth) {
      if (++depth_ > kMaxDepth) throw Raised("nested too deeply");
    }
    ~Depth() { --depth_; }
    int& depth_;
  };

  Token token(std::size_t at, bool brackets, std::string_view dollar) const;
  Token macro_token(std::size_t at, Token t) const;
  std::string nodes(const Scope& scope, Cells* cells);
  bool step(const Token& t, const Scope& scope, Cells* cells, std::string& out);
  bool ends(const Token& t, const Scope& scope) const;
  std::string macro(const Token& t, const Scope& scope);
  std::string group(std::string_view open, const Scope& around);
  std::string math(std::string_view open);
  std::string environment(std::string_view name, const Scope& around);
  std::optional<std::string> argument(const Scope& scope);
  std::optional<std::vector<std::string>> arguments(std::string_view spec, const Scope& scope);
  std::string written(const Spec& spec, const std::vector<std::string>* args) const;
  std::string bare(std::string_view macro) const;
  std::string_view spaces(std::size_t at) const;

  std::string_view s_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

/// White space from `at` on, up to and with a paragraph break.
std::string_view Reader::spaces(std::size_t at) const {
  std::size_t end = at;
  while (end < s_.size()) {
    const text::Decoded next = text::decode(s_, end);
    if (!text::is_space(next.point)) break;
    end += next.bytes;
    if (end - at >= 2 && s_.substr(end - 2, 2) == "\n\n") break;
  }
  return s_.substr(at, end - at);
}

Token Reader::token(std::size_t at, bool brackets, std::string_view dollar) const {
  Token t;
  t.space = spaces(at);
  at += t.space.size();
  if (t.space.ends_with("\n\n")) {
    t.space.remove_suffix(2);
    return {Kind::kText, "\n\n", t.space, {}, at};
  }
  if (at >= s_.size()) return {Kind::kEnd, {}, t.space, {}, s_.size()};
  const auto make = [&](Kind kind, std::size_t n) {
    return Token{kind, s_.substr(at, n), t.space, {}, at + n};
  };
  const char c = s_[at];
  if (c == '\\') return macro_token(at, t);
  if (c == '{' || (brackets && c == '[')) return make(Kind::kOpen, 1);
  if (c == '}' || (brackets && c == ']')) return make(Kind::kClose, 1);
  if (s_.substr(at, 2) == "$$" && dollar != "$") return make(Kind::kMath, 2);
  if (c == '$') return make(Kind::kMath, 1);
  for (const auto& [special, meaning] : kSpecials) {
    if (s_.substr(at, special.size()) == special) {
      return {Kind::kSpecial, meaning, t.space, {}, at + special.size()};
    }
  }
  return make(Kind::kText, text::decode(s_, at).bytes);
}

/// The token at a backslash.
Token Reader::macro_token(std::size_t at, Token t) const {
  std::size_t end = at + 1;
  if (end >= s_.size()) return {Kind::kEnd, {}, {}, {}, s_.size()};
  const text::Decoded first = text::decode(s_, end);
  end += first.bytes;
  if (text::is_alpha(first.point)) {
    for (text::Decoded c = text::decode(s_, end); c.bytes > 0 && text::is_alpha(c.point);
         c = text::decode(s_, end)) {
      end += c.bytes;
    }
  }
  t.value = s_.substr(at + 1, end - at - 1);
  t.end = end;
  if (t.value == "[" || t.value == "]" || t.value == "(" || t.value == ")") {
    return {Kind::kMath, s_.substr(at, 2), t.space, {}, end};
  }
  if (t.value == "begin" || t.value == "end") {
    std::size_t open = end;
    while (open < s_.size() && text::is_space(text::decode(s_, open).point)) {
      open += text::decode(s_, open).bytes;
    }
    std::size_t close = open + 1;
    for (; close < s_.size(); close += text::decode(s_, close).bytes) {
      const char32_t point = text::decode(s_, close).point;
      const bool named =
          text::is_word(point) || point == '*' || point == ' ' || point == '.' || point == '-';
      if (!named) break;
    }
    const bool good = open < s_.size() && s_[open] == '{' && close < s_.size() &&
                      s_[close] == '}' && close > open + 1;
    if (!good) return {Kind::kText, s_.substr(at, end - at), t.space, {}, end};
    const Kind kind = t.value == "begin" ? Kind::kBegin : Kind::kEndOf;
    return {kind, s_.substr(open + 1, close - open - 1), t.space, {}, close + 1};
  }
  t.kind = Kind::kMacro;
  if (text::is_alpha(first.point)) {
    t.after = spaces(end);
    if (t.after.ends_with("\n\n")) t.after.remove_suffix(2);
    t.end = end + t.after.size();
  }
  return t;
}

/// The text of everything up to the scope's end; `cells` takes it instead, if not null.
std::string Reader::nodes(const Scope& scope, Cells* cells) {
  const Depth depth(depth_);
  std::string out;
  std::string chars;             // not written yet
  std::string_view macro_space;  // of a macro without arguments right before `chars`
  const auto write = [&](std::string_view text) {
    if (cells != nullptr) {
      cells->add(text);
    } else {
      out += text;
    }
  };
  const auto flush = [&](std::string_view more) {
    chars += more;
    if (chars.empty()) return;
    if (scope.equation && !macro_space.empty()) write(macro_space);
    macro_space = {};
    const bool blank = text::strip(chars).empty();
    if (!(scope.equation && blank)) write(chars);
    chars.clear();
  };
  for (;;) {
    const Token t = token(at_, scope.brackets, scope.dollar);
    if (t.kind == Kind::kText) {
      chars.append(t.space).append(t.value);
      at_ = t.end;
      continue;
    }
    flush(t.space);
    at_ = t.end;
    if (t.kind == Kind::kEnd || ends(t, scope)) return out;
    if (cells != nullptr && t.kind == Kind::kSpecial && t.value == "   ") {
      cells->end_cell();
      continue;
    }
    std::string text;
    const bool node = step(t, scope, cells, text);
    if (!node) continue;
    if (cells != nullptr && t.kind == Kind::kMacro && t.value == "\\") {
      cells->end_row();
      continue;
    }
    write(text);
    const bool no_arguments = t.kind == Kind::kMacro && find_spec(t.value) == nullptr;
    macro_space = no_arguments ? t.after : std::string_view();
  }
}

bool Reader::ends(const Token& t, const Scope& scope) const {
  switch (t.kind) {
    case Kind::kClose:
      return t.value == scope.close;
    case Kind::kEndOf:
      return t.value == scope.environment;
    case Kind::kMath:
      return t.value == scope.close;
    default:
      return false;
  }
}

/// One node's text; false for a closing that closes nothing, which is skipped.
bool Reader::step(const Token& t, const Scope& scope, Cells*, std::string& out) {
  switch (t.kind) {
    case Kind::kMacro:
      out = macro(t, scope);
      return true;
    case Kind::kSpecial:
      out = t.value;
      return true;
    case Kind::kOpen:
      out = group(t.value, scope);
      return true;
    case Kind::kBegin:
      out = environment(t.value, scope);
      return true;
    case Kind::kMath:
      if (t.value == "\\)" || t.value == "\\]") return false;
      out = math(t.value);
      return true;
    default:
      return false;
  }
}

std::string Reader::group(std::string_view open, const Scope& around) {
  Scope inner = around;
  inner.close = open == "{" ? "}" : "]";
  inner.environment = {};
  inner.brackets = open == "[";
  return nodes(inner, nullptr);
}

std::string Reader::math(std::string_view open) {
  Scope inner;
  inner.close = open == "\\(" ? "\\)" : open == "\\[" ? "\\]" : open;
  inner.equation = true;
  inner.dollar = open;
  const std::string content(text::strip(nodes(inner, nullptr)));
  if (open == "\\(" || open == "$") return content;
  std::string block = content;
  text::replace(block, "\n", "\n    ");
  return "\n    " + block + "\n";
}

std::string Reader::environment(std::string_view name, const Scope& around) {
  static constexpr std::string_view kMatrices[] = {"array",       "pmatrix",      "bmatrix",
                                                   "smallmatrix", "psmallmatrix", "bsmallmatrix"};
  static constexpr std::string_view kEquations[] = {"equation", "eqnarray", "align",
                                                    "multline", "gather",   "dmath"};
  if (name == "array") arguments("[{", around);
  if (name == "tabular") arguments("{", around);
  Scope inner = around;
  inner.close = {};
  inner.environment = name;
  inner.brackets = false;
  if (std::find(std::begin(kMatrices), std::end(kMatrices), name) != std::end(kMatrices)) {
    Cells cells;
    nodes(inner, &cells);
    cells.end_row();
    return cells.text();
  }
  const std::string_view plain = name.ends_with('*') ? name.substr(0, name.size() - 1) : name;
  if (std::find(std::begin(kEquations), std::end(kEquations), plain) == std::end(kEquations)) {
    return nodes(inner, nullptr);
  }
  inner.equation = true;
  inner.dollar = "{}";
  std::string block(text::strip(nodes(inner, nullptr)));
  text::replace(block, "\n", "\n    ");
  return "\n    " + block + "\n";
}

/// A macro that is itself an argument: the reference gives it none.
std::string Reader::bare(std::string_view name) const {
  if (const Spec* spec = find_spec(name)) return written(*spec, nullptr);
  return std::string(latex_symbol(name).value_or(""));
}

/// A group, or one token; nullopt at the end of the text.
std::optional<std::string> Reader::argument(const Scope& scope) {
  const Token t = token(at_, false, scope.dollar);
  switch (t.kind) {
    case Kind::kEnd:
      return std::nullopt;
    case Kind::kOpen:
      at_ = t.end;
      return group(t.value, scope);
    case Kind::kClose:
    case Kind::kEndOf:
      return "";  // left for whoever it closes
    case Kind::kMacro:
      at_ = t.end;
      return bare(t.value);
    case Kind::kBegin:
      at_ = at_ + t.space.size() + 6;
      return "";
    case Kind::kMath:
      at_ = t.end;
      return std::string(t.value.starts_with('\\') ? "" : t.value);
    case Kind::kText:
      if (t.value == "\\end") return "";
      at_ = t.end;
      return std::string(t.value == "\\begin" ? "" : t.value);
    case Kind::kSpecial:
      at_ = t.end;
      return std::string(t.value);
  }
  return std::nullopt;
}

/// All arguments, or nullopt, without having moved, if the text ends before the last.
std::optional<std::vector<std::string>> Reader::arguments(std::string_view spec,
                                                          const Scope& scope) {
  const std::size_t start = at_;
  const bool row_end = spec == "*[";  // "\\": no space before its optional argument
  std::vector<std::string> args;
  for (const char kind : spec) {
    if (kind == '{') {
      auto arg = argument(scope);
      if (!arg) {
        at_ = start;
        return std::nullopt;
      }
      args.push_back(*std::move(arg));
      continue;
    }
    const Token t = token(at_, kind == '[', scope.dollar);
    if (kind == '*' && t.kind == Kind::kEnd) {
      at_ = start;
      return std::nullopt;
    }
    args.emplace_back();
    if (kind == '*' && t.kind == Kind::kText && t.value == "*") {
      at_ = t.end;
    } else if (kind == '[' && t.kind == Kind::kOpen && t.value == "[" &&
               !(row_end && !t.space.empty())) {
      at_ = t.end;
      args.back() = group("[", scope);
    }
  }
  return args;
}

std::string Reader::written(const Spec& spec, const std::vector<std::string>* args) const {
  if (spec.style == Style::kAccent) {
    return accented(args == nullptr ? " " : text::strip((*args)[0]), spec.code);
  }
  if (spec.style == Style::kAlphabet) {
    return args == nullptr ? "" : in_alphabet((*args)[0], spec.code);
  }
  if (args != nullptr) return filled(spec.text, *args);
  if (spec.bare == "!") throw Raised("a macro without the arguments it writes");
  return std::string(spec.bare);
}

std::string Reader::macro(const Token& t, const Scope& scope) {
  const Spec* spec = find_spec(t.value);
  if (spec == nullptr) return std::string(latex_symbol(t.value).value_or(""));
  const auto args = arguments(spec->args, scope);
  return written(*spec, args ? &*args : nullptr);
}

}  // namespace

std::optional<std::string> latex_text(std::string_view latex) {
  try {
    return Reader(latex).read();
  } catch (const Raised&) {
    return std::nullopt;
  }
}

}  // namespace moebius::scorers::math
