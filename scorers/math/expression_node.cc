// Building blocks of the expression tree: leaves, order, hashes and the containers.
#include "scorers/math/expression_node.h"

#include <algorithm>
#include <set>

#include "scorers/math/node_builder.h"

namespace moebius::scorers::math {
namespace {

std::size_t mix(std::size_t a, std::size_t b) {
  return a ^ (b + 0x9e3779b97f4a7c15U + (a << 6) + (a >> 2));
}

std::size_t hash_of(const Node& node) {
  std::size_t h = static_cast<std::size_t>(node.kind) * 1000003U + (node.inexact ? 17U : 0U);
  h = mix(h, name_hash(node.name) + node.rows);
  if (node.kind == Kind::kNumber) {
    h = mix(h, mpz_get_ui(node.value.get_num_mpz_t()));
    h = mix(h, mpz_get_ui(node.value.get_den_mpz_t()) * 31U);
    h = mix(h, sgn(node.value) < 0 ? 1U : 0U);
  }
  for (const Expr& arg : node.args) h = mix(h, arg->hash);
  return h;
}

Expr leaf(Kind kind, std::string_view name) {
  Node node;
  node.kind = kind;
  node.name = name;
  return finish(std::move(node));
}

Expr container(Kind kind, std::vector<Expr> args, std::string_view name) {
  Node node;
  node.kind = kind;
  node.name = name;
  node.args = std::move(args);
  return finish(std::move(node));
}

void sort_distinct(std::vector<Expr>& items) {
  std::sort(items.begin(), items.end(),
            [](const Expr& a, const Expr& b) { return compare(a, b) < 0; });
  items.erase(std::unique(items.begin(), items.end(),
                          [](const Expr& a, const Expr& b) { return compare(a, b) == 0; }),
              items.end());
}

int three_way(std::size_t a, std::size_t b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

void collect_symbols(const Expr& e, std::set<std::string>& to) {
  if (e->kind == Kind::kSymbol) to.insert(e->name);
  for (const Expr& arg : e->args) collect_symbols(arg, to);
}

}  // namespace

std::uint64_t name_hash(std::string_view name) {
  std::uint64_t h = 0xcbf29ce484222325U;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return h;
}

Expr finish(Node node) {
  for (const Expr& arg : node.args) node.depth = std::max(node.depth, arg->depth + 1);
  if (node.depth > kMaxDepth) return constant("nan");
  node.hash = hash_of(node);
  return std::make_shared<const Node>(std::move(node));
}

Expr integer(long value) {
  return exact(mpq_class(value));
}

Expr exact(mpq_class value) {
  Node node;
  node.value = std::move(value);
  node.value.canonicalize();
  return finish(std::move(node));
}

Expr decimal(mpq_class value) {
  Node node;
  node.inexact = true;
  node.value = std::move(value);
  node.value.canonicalize();
  return finish(std::move(node));
}

Expr constant(std::string_view name) {
  return leaf(Kind::kConstant, name);
}
Expr symbol(std::string_view name) {
  return leaf(Kind::kSymbol, name);
}
Expr text(std::string_view words) {
  return leaf(Kind::kText, words);
}

Expr stated_relation(std::string_view op, const Expr& left, const Expr& right) {
  return container(Kind::kRelation, {left, right}, op);
}

Expr tuple(std::vector<Expr> items, std::string_view brackets) {
  return container(Kind::kTuple, std::move(items), brackets);
}

Expr set(std::vector<Expr> items) {
  sort_distinct(items);
  return container(Kind::kSet, std::move(items), "");
}

Expr interval(const Expr& low, const Expr& high, std::string_view brackets) {
  return container(Kind::kInterval, {low, high}, brackets);
}

Expr union_of(std::vector<Expr> parts) {
  std::vector<Expr> flat;
  for (const Expr& part : parts) {
    if (part->kind == Kind::kUnion) {
      flat.insert(flat.end(), part->args.begin(), part->args.end());
    } else {
      flat.push_back(part);
    }
  }
  sort_distinct(flat);
  if (flat.size() == 1) return flat[0];
  return container(Kind::kUnion, std::move(flat), "");
}

Expr matrix(std::vector<Expr> items, std::uint32_t rows) {
  Node node;
  node.kind = Kind::kMatrix;
  node.rows = rows;
  node.args = std::move(items);
  return finish(std::move(node));
}

Expr plus_minus(const Expr& e) {
  return container(Kind::kPlusMinus, {e}, "");
}

int compare(const Expr& a, const Expr& b) {
  if (a == b) return 0;
  if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
  if (a->kind == Kind::kNumber) {
    const int order = cmp(a->value, b->value);
    return order != 0 ? order : int{a->inexact} - int{b->inexact};
  }
  if (const int order = a->name.compare(b->name); order != 0) return order;
  if (a->rows != b->rows) return a->rows < b->rows ? -1 : 1;
  if (a->args.size() != b->args.size()) return three_way(a->args.size(), b->args.size());
  if (a->hash != b->hash) return three_way(a->hash, b->hash);
  for (std::size_t i = 0; i < a->args.size(); ++i) {
    if (const int order = compare(a->args[i], b->args[i]); order != 0) return order;
  }
  return 0;
}

bool same_form(const Expr& a, const Expr& b) {
  return a && b && compare(a, b) == 0;
}

bool is_number(const Expr& e) {
  return e->kind == Kind::kNumber;
}

bool is_integer(const Expr& e) {
  return e->kind == Kind::kNumber && !e->inexact && e->value.get_den() == 1;
}

bool is_constant(const Expr& e, std::string_view name) {
  return e->kind == Kind::kConstant && e->name == name;
}

bool is_relation(const Expr& e) {
  return e->kind == Kind::kRelation;
}

bool is_scalar(const Expr& e) {
  switch (e->kind) {
    case Kind::kNumber:
    case Kind::kSymbol:
      return true;
    case Kind::kConstant:
      return e->name != "True" && e->name != "False";
    case Kind::kAdd:
    case Kind::kMul:
    case Kind::kPow:
    case Kind::kCall:
    case Kind::kPlusMinus:
      return std::all_of(e->args.begin(), e->args.end(), is_scalar);
    default:
      return false;
  }
}

std::vector<std::string> symbols_of(const Expr& e) {
  std::set<std::string> names;
  collect_symbols(e, names);
  return {names.begin(), names.end()};
}

std::pair<Expr, Expr> sides(const Expr& e) {
  return {e->args.at(0), e->args.at(1)};
}

}  // namespace moebius::scorers::math
