// What it means for two parsed answers to be the same.
#include <algorithm>
#include <cmath>

#include "scorers/math/answer_parts.h"
#include "scorers/math/moebius_grader.h"
#include "scorers/math/numeric.h"

namespace moebius::scorers::math {
namespace {

constexpr std::size_t kMaxItems = 60;     // longer lists are compared in order
constexpr double kSixDecimals = 5e-7;     // half a unit of the sixth decimal
constexpr double kSmall = 1e-2;           // below, agreement is relative
constexpr std::size_t kEnoughDigits = 3;  // of a gold decimal that others may round to
constexpr int kMaxComparisons = 4000;

bool has_decimal(const Expr& e) {
  return (is_number(e) && e->inexact) || std::any_of(e->args.begin(), e->args.end(), has_decimal);
}

/// Digits after the point of a decimal as written; trailing zeros are lost, which only makes the
/// rounding rule stricter... than nothing: 0.50 counts as one digit.
int places(const mpq_class& value) {
  mpz_class d = value.get_den();
  int count = 0;
  while (d > 1 && count < 30) {
    const mpz_class g = gcd(d, mpz_class(10));
    if (g == 1) return -1;
    d /= g;
    ++count;
  }
  return count;
}

bool close(double a, double b) {
  const double size = std::max(std::fabs(a), std::fabs(b));
  return std::fabs(a - b) <= kSixDecimals * (size < kSmall ? size : 1.0);
}

/// The gold's decimal is what the exact prediction rounds to.
bool rounds_to(const Expr& gold, double pred) {
  if (!is_number(gold) || !gold->inexact) return false;
  const int digits = places(gold->value);
  const mpz_class whole = abs(gold->value.get_num());
  if (digits <= 0 || whole.get_str().size() < kEnoughDigits) return false;
  const double unit = std::pow(10.0, -digits);
  return std::fabs(gold->value.get_d() - pred) <= 0.5 * unit * (1 + 1e-9);
}

class Comparer {
 public:
  explicit Comparer(std::string& why) : why_(why) {}

  bool equal(const Expr& g, const Expr& p) {
    if (++comparisons_ > kMaxComparisons) return because(false, "too many parts to compare");
    if (same_form(g, p) && !is_constant(g, "nan") && !is_constant(g, "zoo")) {
      return because(true, "the same expression");
    }
    const Expr gi = as_interval(g);
    const Expr pi = as_interval(p);
    if (gi || pi) {
      if (const auto decided = regions(g, p, gi, pi)) return *decided;
    }
    if (is_relation(g) || is_relation(p) || chain(g) || chain(p)) return relations(g, p);
    if (has_signs(g) || has_signs(p) || is_list(g) || is_list(p)) return lists(g, p);
    if (g->kind == Kind::kText || p->kind == Kind::kText) return texts(g, p);
    if (is_region(g) || is_region(p)) return sets(as_set(g), as_set(p));
    if (ratio(g) || ratio(p)) return ratios(g, p);
    if (g->kind == Kind::kTuple || p->kind == Kind::kTuple) return tuples(g, p);
    if (g->kind == Kind::kMatrix && p->kind == Kind::kMatrix) {
      return because(g->rows == p->rows && elementwise(g->args, p->args), "matrices");
    }
    if (g->kind == Kind::kCall || p->kind == Kind::kCall) {
      if (const auto decided = special_calls(g, p)) return *decided;
    }
    return quantities(quantity(g), quantity(p));
  }

 private:
  bool because(bool result, const char* rule) {
    why_ = rule;
    return result;
  }
  static bool chain(const Expr& e) { return e->kind == Kind::kTuple && e->name == "chain"; }
  static bool ratio(const Expr& e) { return e->kind == Kind::kTuple && e->name == "ratio"; }
  static bool has_signs(const Expr& e) {
    return e->kind == Kind::kPlusMinus || std::any_of(e->args.begin(), e->args.end(), has_signs);
  }
  static bool is_region(const Expr& e) {
    return e->kind == Kind::kInterval || e->kind == Kind::kUnion;
  }

  bool elementwise(const std::vector<Expr>& a, const std::vector<Expr>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!equal(a[i], b[i])) return false;
    }
    return true;
  }

  /// Every item of one list in the other, in any order; repeated items count once.
  bool unordered(const std::vector<Expr>& g, const std::vector<Expr>& p) {
    if (g.size() > kMaxItems || p.size() > kMaxItems) return elementwise(g, p);
    const auto covers = [&](const std::vector<Expr>& a, const std::vector<Expr>& b, bool gold) {
      return std::all_of(a.begin(), a.end(), [&](const Expr& x) {
        return std::any_of(b.begin(), b.end(),
                           [&](const Expr& y) { return gold ? equal(x, y) : equal(y, x); });
      });
    };
    return covers(g, p, true) && covers(p, g, false);
  }

  static std::vector<Expr> items(const Expr& e) {
    if (is_list(e)) return list_items(e);
    return list_items(tuple({e}, ""));
  }
  bool lists(const Expr& g, const Expr& p) {
    // "(1, 3)" answers "1, 3" if the order is the same, and "{1, 3}" if it is the ascending one.
    const bool tuple_g = g->kind == Kind::kTuple && g->name.size() == 2;
    const bool tuple_p = p->kind == Kind::kTuple && p->name.size() == 2;
    if (tuple_g != tuple_p && is_list(tuple_g ? p : g)) {
      const std::vector<Expr> others = list_items(tuple_g ? p : g);
      if (others.size() > 1) {
        const bool same =
            tuple_g ? listed_as(g->args, others, true) : listed_as(p->args, others, false);
        return because(same, "a tuple and a list");
      }
    }
    const std::vector<Expr> a = items(g);
    const std::vector<Expr> b = items(p);
    if (a.size() == 1 && b.size() == 1 && !is_list(a[0]) && !is_list(b[0])) {
      return equal(a[0], b[0]);
    }
    return because(unordered(a, b), "lists in any order");
  }
  bool listed_as(const std::vector<Expr>& tuple, const std::vector<Expr>& list,
                 bool tuple_is_gold) {
    return tuple_is_gold ? elementwise(tuple, list) : elementwise(list, tuple);
  }

  /// "(1, 2, 3]" has the brackets of no tuple; only the same text is equal to it.
  static std::string half_open(const Expr& e) {
    return e->name == "(]" || e->name == "[)" ? e->name : "";
  }
  bool tuples(const Expr& g, const Expr& p) {
    const auto parts = [](const Expr& e) -> const std::vector<Expr>* {
      const bool vector = e->kind == Kind::kMatrix && (e->rows == 1 || e->rows == e->args.size());
      return vector || e->kind == Kind::kTuple ? &e->args : nullptr;
    };
    const auto* a = parts(g);
    const auto* b = parts(p);
    if (a == nullptr || b == nullptr) return because(false, "a tuple and something else");
    if (half_open(g) != half_open(p)) return because(false, "brackets that differ");
    return because(elementwise(*a, *b), "tuples in order");
  }

  bool ratios(const Expr& g, const Expr& p) {
    const auto single = [](const Expr& e) {
      return ratio(e) && e->args.size() == 2 ? divide(e->args[0], e->args[1]) : e;
    };
    const bool scalars = std::all_of(g->args.begin(), g->args.end(), is_scalar) &&
                         std::all_of(p->args.begin(), p->args.end(), is_scalar);
    if (!scalars) return because(false, "a ratio and something else");
    if (!ratio(g) || !ratio(p)) return equal(single(g), single(p));
    if (g->args.size() != p->args.size()) return because(false, "ratios of different length");
    // 12:00 is a time: both sides alike.
    const auto zero = [](const Expr& e) { return is_number(e) && e->value == 0; };
    if (std::any_of(g->args.begin(), g->args.end(), zero) ||
        std::any_of(p->args.begin(), p->args.end(), zero)) {
      return because(elementwise(g->args, p->args), "ratios");
    }
    bool same = true;
    for (std::size_t i = 1; i < g->args.size() && same; ++i) {
      same = same_over(mul({g->args[0], p->args[i]}), mul({p->args[0], g->args[i]}), Domain::kReal);
    }
    return because(same, "ratios");
  }

  /// Relations that say which numbers are meant, against sets of numbers.
  std::optional<bool> regions(const Expr& g, const Expr& p, const Expr& gi, const Expr& pi) {
    if (gi && pi) {
      const bool names = variable(g).empty() || variable(p).empty() || variable(g) == variable(p);
      return because(names && sets(gi, pi), "inequalities as intervals");
    }
    const Expr other = as_set(assigned_value(gi ? p : g));
    if (!is_region(other)) return std::nullopt;
    return because(gi ? sets(gi, other) : sets(other, pi), "an inequality as an interval");
  }
  static std::string variable(const Expr& relation) {
    const std::vector<std::string> names = symbols_of(relation);
    return names.size() == 1 ? names[0] : "";
  }

  /// Parts of a union: intervals, and the elements of finite sets one by one.
  static std::vector<Expr> parts_of(const Expr& set) {
    std::vector<Expr> out;
    const std::vector<Expr> parts = set->kind == Kind::kUnion ? set->args : std::vector<Expr>{set};
    for (const Expr& part : parts) {
      if (part->kind == Kind::kSet) {
        out.insert(out.end(), part->args.begin(), part->args.end());
      } else {
        out.push_back(part);
      }
    }
    return out;
  }
  bool sets(const Expr& g, const Expr& p) {
    if (g->kind == Kind::kInterval && p->kind == Kind::kInterval) {
      return because(same_ends(g, p), "intervals with their ends");
    }
    const std::vector<Expr> a = parts_of(g);
    const std::vector<Expr> b = parts_of(p);
    if (a.size() != b.size()) return because(false, "sets of different make-up");
    // Neither has parts: comparing them one by one would come back here.
    if (a.size() == 1 && a[0] == g && b[0] == p) {
      return because(false, "an interval and something else");
    }
    return because(unordered(a, b), "unions of sets");
  }
  static bool infinite(const Expr& e) {
    return e->kind == Kind::kConstant && e->name.ends_with("oo");
  }
  bool same_ends(const Expr& g, const Expr& p) {
    const bool low = g->name[0] == p->name[0] || infinite(g->args[0]);
    const bool high = g->name[1] == p->name[1] || infinite(g->args[1]);
    return low && high && equal(g->args[0], p->args[0]) && equal(g->args[1], p->args[1]);
  }

  // ---- relations ----

  bool relations(const Expr& g, const Expr& p) {
    if (g->kind == Kind::kTuple && g->name.empty()) return lists(g, p);
    if (p->kind == Kind::kTuple && p->name.empty()) return lists(g, p);
    if (chain(g) || chain(p)) return chains(g, p);
    if (is_relation(g) && is_relation(p)) return two_relations(g, p);
    const Expr& stated = is_relation(g) ? g : p;
    if (stated->name == "in") {
      return is_relation(g) ? equal(g->args[1], p) : equal(g, p->args[1]);
    }
    if (stated->name != "=") return because(false, "a relation and something else");
    const Expr value = answer_of(stated, !is_relation(g));
    if (!value) return because(false, "an equation and something else");
    return is_relation(g) ? equal(value, p) : equal(g, value);
  }
  /// The value an equation gives; for a prediction also that of "2 + 3 = 5" and "f(1) + 2 = 5".
  static Expr answer_of(const Expr& equation, bool prediction) {
    const Expr value = assigned_value(equation);
    if (value != equation) return value;
    const bool computed =
        symbols_of(equation->args[0]).empty() || has_unknown_call(equation->args[0]);
    return prediction && computed ? equation->args[1] : nullptr;
  }
  static bool has_unknown_call(const Expr& e) {
    return (e->kind == Kind::kCall && e->name.size() <= 2) ||
           std::any_of(e->args.begin(), e->args.end(), has_unknown_call);
  }

  bool chains(const Expr& g, const Expr& p) {
    if (!chain(g) || !chain(p) || g->args.size() != p->args.size()) {
      return because(false, "a chain of relations and something else");
    }
    if (pairwise(g->args, p->args)) return because(true, "chains of relations");
    const std::vector<Expr> turned(p->args.rbegin(), p->args.rend());
    return because(pairwise(g->args, turned), "chains of relations");
  }
  bool pairwise(const std::vector<Expr>& a, const std::vector<Expr>& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!two_relations(a[i], b[i])) return false;
    }
    return true;
  }

  bool two_relations(const Expr& g, const Expr& p) {
    if (g->name == "in" || p->name == "in") {
      return g->name == p->name && equal(g->args[0], p->args[0]) && equal(g->args[1], p->args[1]);
    }
    if (g->name == "=" && p->name == "=") {
      if (const auto decided = assignments(g, p)) return *decided;
    }
    return because(same_relation(g, p), "relations up to a factor");
  }
  /// f(x) = ... and f(t) = ...; x = (1, 2) and x = (1, 2).
  std::optional<bool> assignments(const Expr& g, const Expr& p) {
    const Expr gv = assigned_value(g);
    const Expr pv = assigned_value(p);
    if (gv == g || pv == p) return std::nullopt;
    const Expr& gn = gv == g->args[1] ? g->args[0] : g->args[1];
    const Expr& pn = pv == p->args[1] ? p->args[0] : p->args[1];
    if (same_form(gn, pn)) return equal(gv, pv);
    const bool calls = gn->kind == Kind::kCall && pn->kind == Kind::kCall && gn->name == pn->name &&
                       gn->args.size() == 1 && pn->args.size() == 1 &&
                       pn->args[0]->kind == Kind::kSymbol && gn->args[0]->kind == Kind::kSymbol;
    if (calls) return equal(gv, substitute(pv, pn->args[0]->name, gn->args[0]));
    // y = x^2 and f(x) = x^2 name the same thing; x = 5 and y = 5 do not.
    if (gn->kind != pn->kind && !is_number(gv)) return equal(gv, pv);
    return std::nullopt;
  }

  static Expr difference(const Expr& e, bool turn) {
    if (!is_scalar(e->args[0]) || !is_scalar(e->args[1])) return nullptr;
    const Expr left = plain_value(e->args[0]);
    const Expr right = plain_value(e->args[1]);
    return turn ? subtract(right, left) : subtract(left, right);
  }
  /// One side minus the other, up to a factor; the factor is positive for inequalities.
  bool same_relation(const Expr& g, const Expr& p) {
    const auto turned = [](const Expr& e) { return e->name[0] == '>'; };
    const auto op = [](const Expr& e) {
      return e->name[0] == '>' ? "<" + e->name.substr(1) : e->name;
    };
    if (op(g) != op(p)) return false;
    const Expr a = difference(g, turned(g));
    const Expr b = difference(p, turned(p));
    if (!a || !b || symbols_of(a) != symbols_of(b)) return false;
    return proportional(a, b, op(g)[0] == '<');
  }
  static bool proportional(const Expr& a, const Expr& b, bool positive) {
    const std::vector<std::string> names = symbols_of(a);
    for (long shift = 0; shift < 4; ++shift) {
      Expr x = a;
      Expr y = b;
      for (std::size_t i = 0; i < names.size() && i < 8; ++i) {
        const Expr at = exact(mpq_class(7 + 5 * shift + 3 * static_cast<long>(i), 4 + shift));
        x = substitute(x, names[i], at);
        y = substitute(y, names[i], at);
      }
      const auto xv = number(x);
      const auto yv = number(y);
      if (!xv || !yv || std::abs(*xv) < 1e-12 || std::abs(*yv) < 1e-12) continue;
      if (positive && (*xv / *yv).real() < 0) return false;
      return same_over(mul({a, y}), mul({b, x}), Domain::kReal);
    }
    return false;
  }

  // ---- text, special calls, numbers ----

  static std::string spelled(const Expr& e) {
    if (e->kind == Kind::kText || e->kind == Kind::kSymbol) return letters_only(e->name);
    if (is_constant(e, "E")) return "e";
    if (is_constant(e, "I")) return "i";
    if (e->kind == Kind::kCall && e->name == "unit") {
      return spelled(e->args[0]) + letters_only(e->args[1]->name);
    }
    return is_number(e) ? e->value.get_str() : "?" + to_string(e);
  }
  bool texts(const Expr& g, const Expr& p) { return because(spelled(g) == spelled(p), "words"); }

  /// Bases, set-builders and the like; nullopt for functions that numbers can decide.
  std::optional<bool> special_calls(const Expr& g, const Expr& p) {
    const auto is = [](const Expr& e, std::string_view name) {
      return e->kind == Kind::kCall && e->name == name;
    };
    if (is(g, "base") && is(p, "base")) {
      return because(equal(g->args[0], p->args[0]) && equal(g->args[1], p->args[1]), "numerals");
    }
    if (is(g, "base")) return equal(g->args[0], p);
    if (is(p, "base")) return equal(g, p->args[0]);
    if (is(g, "builder") && is(p, "builder")) {
      return because(elementwise(g->args, p->args), "conditions");
    }
    if (is(g, "builder") || is(p, "builder")) {
      const Expr& condition = is(g, "builder") ? g->args[1] : p->args[1];
      const Expr only = condition->args.size() == 1 ? condition->args[0] : condition;
      return is(g, "builder") ? equal(only, p) : equal(g, only);
    }
    if (is(g, "prime") || is(g, "overline") || is(p, "overline")) {
      const bool alike = g->kind == p->kind && g->name == p->name;
      return because(alike && equal(g->args[0], p->args[0]), "overlined");
    }
    return std::nullopt;
  }

  bool quantities(const Quantity& g, const Quantity& p) {
    const bool both_units = !g.unit.empty() && !p.unit.empty();
    if (both_units && g.unit != p.unit) return because(false, "different units");
    if (g.value->kind == Kind::kText || p.value->kind == Kind::kText)
      return texts(g.value, p.value);
    if (!is_scalar(g.value) || !is_scalar(p.value)) {
      const bool peeled =
          g.percent || g.degree || p.percent || p.degree || !g.unit.empty() || !p.unit.empty();
      return peeled ? equal(g.value, p.value) : because(false, "of different kinds");
    }
    const Expr a = plain_value(g.value);
    const Expr b = plain_value(p.value);
    if (values(a, b)) return true;
    if (g.percent != p.percent) {
      const Expr hundredth = exact(mpq_class(1, 100));
      return g.percent ? values(mul({a, hundredth}), b) : values(a, mul({b, hundredth}));
    }
    if (g.degree != p.degree) {
      const Expr radian = mul({constant("pi"), exact(mpq_class(1, 180))});
      return g.degree ? values(mul({a, radian}), b) : values(a, mul({b, radian}));
    }
    return false;
  }

  bool values(const Expr& g, const Expr& p) {
    if (same_over(g, p, Domain::kReal)) return because(true, "the same value");
    const bool decimals = has_decimal(g) || has_decimal(p);
    if (!decimals) return because(false, "different values");
    const auto a = number(g);
    const auto b = number(p);
    if (!a || !b) return because(false, "different values");
    if (close(a->real(), b->real()) && close(a->imag(), b->imag())) {
      return because(true, "the same to six decimals");
    }
    const bool rounded =
        !has_decimal(p) && !is_integer(p) && b->imag() == 0 && rounds_to(g, b->real());
    return because(rounded, rounded ? "the gold's decimal rounded" : "different values");
  }

  std::string& why_;
  int comparisons_ = 0;
};

}  // namespace

bool answers_equal(const Expr& gold, const Expr& pred, std::string& why) {
  return Comparer(why).equal(gold, pred);
}

}  // namespace moebius::scorers::math
