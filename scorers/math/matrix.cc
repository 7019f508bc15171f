// Sums and products of matrices of expressions.
#include "scorers/math/node_builder.h"

namespace moebius::scorers::math {
namespace {

constexpr std::size_t kMaxEntries = 400;

Expr scaled(const Expr& m, const Expr& by) {
  std::vector<Expr> items;
  for (const Expr& item : m->args) items.push_back(mul({item, by}));
  return matrix(std::move(items), m->rows);
}

std::size_t columns(const Expr& m) {
  return m->args.size() / m->rows;
}

}  // namespace

Expr matrix_product(const Expr& a, const Expr& b) {
  if (a->kind != Kind::kMatrix) return is_scalar(a) ? scaled(b, a) : nullptr;
  if (b->kind != Kind::kMatrix) return is_scalar(b) ? scaled(a, b) : nullptr;
  if (columns(a) != b->rows || a->args.size() > kMaxEntries || b->args.size() > kMaxEntries) {
    return nullptr;
  }
  std::vector<Expr> items;
  for (std::size_t row = 0; row < a->rows; ++row) {
    for (std::size_t column = 0; column < columns(b); ++column) {
      std::vector<Expr> terms;
      for (std::size_t k = 0; k < b->rows; ++k) {
        const Expr& x = a->args[row * columns(a) + k];
        const Expr& y = b->args[k * columns(b) + column];
        if (!is_scalar(x) || !is_scalar(y)) return nullptr;
        terms.push_back(mul({x, y}));
      }
      items.push_back(add(std::move(terms)));
    }
  }
  return matrix(std::move(items), a->rows);
}

Expr matrix_sum(const Expr& a, const Expr& b) {
  if (a->kind != Kind::kMatrix || b->kind != Kind::kMatrix || a->rows != b->rows ||
      a->args.size() != b->args.size()) {
    return nullptr;
  }
  std::vector<Expr> items;
  for (std::size_t i = 0; i < a->args.size(); ++i) items.push_back(add({a->args[i], b->args[i]}));
  return matrix(std::move(items), a->rows);
}

}  // namespace moebius::scorers::math
