// Rebuilding trees: substitution, choice of sign, and how an expression is written out.
#include "scorers/math/node_builder.h"

namespace moebius::scorers::math {
namespace {

template <typename Leaf>
Expr transform(const Expr& e, const Leaf& leaf) {
  if (Expr replaced = leaf(e)) return replaced;
  if (e->args.empty()) return e;
  std::vector<Expr> args;
  args.reserve(e->args.size());
  bool changed = false;
  for (const Expr& arg : e->args) {
    args.push_back(transform(arg, leaf));
    changed |= args.back() != arg;
  }
  return changed ? rebuild(e, std::move(args)) : e;
}

std::string joined(const std::vector<Expr>& args, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (i > 0) out += separator;
    out += to_string(args[i]);
  }
  return out;
}

std::string bracketed(const Expr& e) {
  const bool plain = e->args.empty() || e->kind == Kind::kCall;
  return plain ? to_string(e) : "(" + to_string(e) + ")";
}

}  // namespace

Expr rebuild(const Expr& e, std::vector<Expr> args) {
  switch (e->kind) {
    case Kind::kAdd:
      return add(std::move(args));
    case Kind::kMul:
      return mul(std::move(args));
    case Kind::kPow:
      return power(args[0], args[1]);
    case Kind::kCall:
      return call(e->name, std::move(args));
    case Kind::kSet:
      return set(std::move(args));
    case Kind::kUnion:
      return union_of(std::move(args));
    default: {
      Node node;
      node.kind = e->kind;
      node.name = e->name;
      node.rows = e->rows;
      node.args = std::move(args);
      return finish(std::move(node));
    }
  }
}

Expr choose_sign(const Expr& e, bool plus) {
  return transform(e, [plus](const Expr& part) -> Expr {
    if (part->kind != Kind::kPlusMinus) return nullptr;
    const Expr inner = choose_sign(part->args[0], plus);
    return plus ? inner : negate(inner);
  });
}

Expr substitute(const Expr& e, std::string_view name, const Expr& by) {
  return transform(e, [&](const Expr& part) -> Expr {
    return part->kind == Kind::kSymbol && part->name == name ? by : nullptr;
  });
}

std::string to_string(const Expr& e) {
  if (!e) return "(nothing)";
  switch (e->kind) {
    case Kind::kNumber:
      return e->value.get_str() + (e->inexact ? "." : "");
    case Kind::kConstant:
    case Kind::kSymbol:
      return e->name;
    case Kind::kText:
      return '"' + e->name + '"';
    case Kind::kAdd:
      return joined(e->args, " + ");
    case Kind::kMul: {
      std::string out;
      for (const Expr& arg : e->args) out += (out.empty() ? "" : "*") + bracketed(arg);
      return out;
    }
    case Kind::kPow:
      return bracketed(e->args[0]) + "^" + bracketed(e->args[1]);
    case Kind::kCall:
      return e->name + "(" + joined(e->args, ", ") + ")";
    case Kind::kRelation:
      return to_string(e->args[0]) + " " + e->name + " " + to_string(e->args[1]);
    case Kind::kTuple:
      return "tuple(" + joined(e->args, ", ") + ")";
    case Kind::kSet:
      return "{" + joined(e->args, ", ") + "}";
    case Kind::kInterval:
      return e->name.substr(0, 1) + joined(e->args, ", ") + e->name.substr(1);
    case Kind::kUnion:
      return joined(e->args, " U ");
    case Kind::kMatrix:
      return "matrix" + std::to_string(e->rows) + "(" + joined(e->args, ", ") + ")";
    case Kind::kPlusMinus:
      return "+-" + bracketed(e->args[0]);
  }
  return "?";
}

}  // namespace moebius::scorers::math
