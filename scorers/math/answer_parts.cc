// The readings themselves.
#include "scorers/math/answer_parts.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace moebius::scorers::math {
namespace {

bool upper_symbol(const Expr& e) {
  return e->kind == Kind::kSymbol && std::isupper(static_cast<unsigned char>(e->name[0])) != 0;
}

bool known_function(const std::string& name) {
  static const std::set<std::string> kKnown = {
      "sin",   "cos",     "tan",      "cot",  "sec",     "csc",     "asin",  "acos",
      "atan",  "log",     "sinh",     "cosh", "tanh",    "asinh",   "acosh", "atanh",
      "floor", "ceiling", "binomial", "gcd",  "lcm",     "max",     "min",   "factorial",
      "unit",  "percent", "degree",   "base", "Sum",     "Product", "*",     "/",
      "sum",   "int",     "lim",      "prod", "builder", "cap",     "minus"};
  return kKnown.contains(name);
}

/// AB, NO/BO, |AB|: lengths and quotients of them.
bool named_length(const Expr& e) {
  if (upper_symbol(e)) return true;
  if (e->kind == Kind::kMul) return std::all_of(e->args.begin(), e->args.end(), named_length);
  if (e->kind == Kind::kPow) return upper_symbol(e->args[0]) && is_integer(e->args[1]);
  return e->kind == Kind::kCall && (e->name == "abs" || e->name == "overline") &&
         named_length(e->args[0]);
}

std::string name_of(const Expr& assignment) {
  return to_string(assignment->args[0]);
}

bool is_assignment(const Expr& e) {
  return e->kind == Kind::kRelation && e->name == "=" && names_something(e->args[0]);
}

void write_out(const Expr& item, std::vector<Expr>& to) {
  const Expr plus = choose_sign(item, true);
  to.push_back(plus);
  const Expr minus = choose_sign(item, false);
  if (compare(plus, minus) != 0) to.push_back(minus);
}

/// Assignments in groups that start anew whenever a name comes again.
std::vector<Expr> grouped(const std::vector<Expr>& items) {
  std::vector<std::vector<Expr>> groups(1);
  std::set<std::string> seen;
  for (const Expr& item : items) {
    if (!seen.insert(name_of(item)).second) {
      groups.emplace_back();
      seen = {name_of(item)};
    }
    groups.back().push_back(item->args[1]);
  }
  const bool tuples =
      groups.size() > 1 && std::all_of(groups.begin(), groups.end(), [&](const auto& group) {
        return group.size() == groups[0].size() && group.size() > 1;
      });
  std::vector<Expr> out;
  for (const auto& group : groups) {
    if (tuples) {
      out.push_back(tuple(group, "()"));
    } else {
      out.insert(out.end(), group.begin(), group.end());
    }
  }
  return out;
}

bool bound(const Expr& e) {
  return symbols_of(e).empty() || (e->kind == Kind::kConstant && e->name.ends_with("oo"));
}

Expr half_line(const std::string& op, const Expr& edge) {
  const Expr up = constant("oo");
  const Expr down = constant("-oo");
  if (op == "<") return interval(down, edge, "()");
  if (op == "<=") return interval(down, edge, "(]");
  if (op == ">") return interval(edge, up, "()");
  if (op == ">=") return interval(edge, up, "[)");
  return union_of({interval(down, edge, "()"), interval(edge, up, "()")});
}

std::string mirrored(const std::string& op) {
  if (op == "<") return ">";
  if (op == "<=") return ">=";
  if (op == ">") return "<";
  if (op == ">=") return "<=";
  return op;
}

Expr chain_interval(const Expr& e) {
  if (e->args.size() != 2) return nullptr;
  const Expr& first = e->args[0];
  const Expr& second = e->args[1];
  const bool up = first->name[0] == '<' && second->name[0] == '<';
  const bool down = first->name[0] == '>' && second->name[0] == '>';
  if ((!up && !down) || !bound(first->args[0]) || !bound(second->args[1])) return nullptr;
  if (!names_something(first->args[1])) return nullptr;
  const std::string left = first->name.size() == 2 ? "[" : "(";
  const std::string right = second->name.size() == 2 ? "]" : ")";
  if (up) return interval(first->args[0], second->args[1], left + right);
  return interval(second->args[1], first->args[0],
                  (right == "]" ? "[" : "(") + std::string(left == "[" ? "]" : ")"));
}

struct Spelling {
  std::string_view from;
  std::string_view to;
};
constexpr Spelling kUnits[] = {
    {"centimeter", "cm"},     {"centimetre", "cm"}, {"millimeter", "mm"}, {"millimetre", "mm"},
    {"kilometer", "km"},      {"kilometre", "km"},  {"meter", "m"},       {"metre", "m"},
    {"inche", "in"},          {"inch", "in"},       {"foot", "ft"},       {"feet", "ft"},
    {"yard", "yd"},           {"mile", "mi"},       {"second", "s"},      {"sec", "s"},
    {"minute", "min"},        {"hour", "h"},        {"hr", "h"},          {"gram", "g"},
    {"kilogram", "kg"},       {"pound", "lb"},      {"liter", "l"},       {"litre", "l"},
    {"mile per hour", "mph"}, {"dollar", "dollar"}, {"cent", "cent"},     {"degree", "degree"},
    {"unit", "unit"},         {"day", "day"},       {"week", "week"},     {"year", "year"},
};

std::string singular(std::string word) {
  if (word.size() > 2 && word.back() == 's' && word != "gas") word.pop_back();
  for (const Spelling& unit : kUnits) {
    if (unit.from == word) return std::string(unit.to);
  }
  return word;
}

}  // namespace

bool names_something(const Expr& e) {
  switch (e->kind) {
    case Kind::kSymbol:
    case Kind::kText:
      return true;
    case Kind::kConstant:
      return e->name == "E" || e->name == "I";  // e and i as names
    case Kind::kTuple:
      return std::all_of(e->args.begin(), e->args.end(), names_something);
    case Kind::kCall:
      return (!known_function(e->name) && e->name != "abs") || named_length(e) ||
             (e->name == "unit" && e->args[0]->kind != Kind::kNumber);
    default:
      return named_length(e);
  }
}

Expr assigned_value(const Expr& e) {
  if (e->kind != Kind::kRelation) return e;
  if (e->name == "in") return e->args[1];
  if (e->name != "=") return e;
  if (names_something(e->args[0])) return e->args[1];
  const bool backwards = e->args[1]->kind == Kind::kSymbol && symbols_of(e->args[0]).empty();
  return backwards ? e->args[0] : e;
}

std::vector<Expr> list_items(const Expr& list) {
  const bool all_assign =
      !list->args.empty() && std::all_of(list->args.begin(), list->args.end(), is_assignment);
  std::vector<Expr> items = all_assign ? grouped(list->args) : list->args;
  // "n = 1, 2, 3": the name belongs to all of them.
  if (!all_assign && items.size() > 1 && is_assignment(items[0]) &&
      std::none_of(items.begin() + 1, items.end(), is_relation)) {
    items[0] = items[0]->args[1];
  }
  std::vector<Expr> out;
  for (const Expr& item : items) write_out(item, out);
  return out;
}

Expr as_interval(const Expr& e) {
  if (e->kind == Kind::kTuple && e->name == "chain") return chain_interval(e);
  if (e->kind != Kind::kRelation || e->name == "=" || e->name == "in") return nullptr;
  if (names_something(e->args[0]) && bound(e->args[1])) return half_line(e->name, e->args[1]);
  if (names_something(e->args[1]) && bound(e->args[0])) {
    return half_line(mirrored(e->name), e->args[0]);
  }
  return nullptr;
}

Expr as_set(const Expr& e) {
  const bool pair = e->kind == Kind::kTuple && e->args.size() == 2 && e->name == "()";
  return pair ? interval(e->args[0], e->args[1], "()") : e;
}

bool is_list(const Expr& e) {
  return e->kind == Kind::kSet || (e->kind == Kind::kTuple && e->name.empty());
}

Quantity quantity(const Expr& e) {
  Quantity q{e, "", false, false};
  for (int i = 0; i < 4 && q.value->kind == Kind::kCall; ++i) {
    const std::string& name = q.value->name;
    if (name == "unit") {
      q.unit = common_unit(q.value->args[1]->name);
    } else if (name == "percent") {
      q.percent = true;
    } else if (name == "degree") {
      q.degree = true;
    } else {
      break;
    }
    q.value = q.value->args[0];
  }
  // -(30%) and 2 * (5 cm): the sign and the factor are inside the quantity.
  if (q.value->kind == Kind::kMul && q.value->args.size() == 2 && is_number(q.value->args[0])) {
    const Quantity inner = quantity(q.value->args[1]);
    if (inner.percent || inner.degree || !inner.unit.empty()) {
      return {mul({q.value->args[0], inner.value}), inner.unit, inner.percent, inner.degree};
    }
  }
  return q;
}

Expr plain_value(const Expr& e) {
  if (e->args.empty()) return e;
  if (e->kind == Kind::kCall && e->name == "unit") return plain_value(e->args[0]);
  if (e->kind == Kind::kCall && e->name == "percent") {
    return mul({plain_value(e->args[0]), exact(mpq_class(1, 100))});
  }
  if (e->kind == Kind::kCall && e->name == "degree") {
    return mul({plain_value(e->args[0]), constant("pi"), exact(mpq_class(1, 180))});
  }
  switch (e->kind) {
    case Kind::kAdd:
    case Kind::kMul:
    case Kind::kPow:
      break;
    default:
      if (e->kind != Kind::kCall) return e;
  }
  std::vector<Expr> args;
  for (const Expr& arg : e->args) args.push_back(plain_value(arg));
  if (e->kind == Kind::kAdd) return add(std::move(args));
  if (e->kind == Kind::kMul) return mul(std::move(args));
  if (e->kind == Kind::kPow) return power(args[0], args[1]);
  return call(e->name, std::move(args));
}

std::string common_unit(std::string_view unit) {
  std::string out;
  std::string word;
  std::string exponent;
  const auto flush = [&] {
    if (word == "square" || word == "sq") {
      exponent = "^2";
    } else if (word == "cubic" || word == "cu") {
      exponent = "^3";
    } else if (!word.empty()) {
      out += (out.empty() || out.back() == '/' ? "" : " ") + singular(word) + exponent;
      exponent.clear();
    }
    word.clear();
  };
  for (const char c : unit) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalpha(u) != 0 || u >= 0x80) {
      word += static_cast<char>(std::tolower(u));
      continue;
    }
    flush();
    if (c == '/' || c == '^' || std::isdigit(u) != 0) out += c;
  }
  flush();
  return out;
}

std::string letters_only(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) != 0 || u >= 0x80) out += static_cast<char>(std::tolower(u));
  }
  return out;
}

}  // namespace moebius::scorers::math
