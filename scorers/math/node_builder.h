// What the files that build nodes share and nobody else needs.
#pragma once

#include "scorers/math/expression_node.h"

namespace moebius::scorers::math {

/// Fills in depth and hash. A tree that would be too deep becomes nan.
Expr finish(Node node);

/// FNV-1a: the same on every platform, since points are drawn from it.
std::uint64_t name_hash(std::string_view name);

/// The same node with other arguments, evaluated anew.
Expr rebuild(const Expr& e, std::vector<Expr> args);

}  // namespace moebius::scorers::math
