// A bound on what all the numbers behind one verdict may cost together.
#pragma once

namespace moebius::scorers::math {

/// While one lives, the evaluations of its thread draw from one supply; inside another one it
/// changes nothing, so the outermost bounds the whole question. Counted in steps, never in time:
/// the same texts always get the same verdict.
class Effort {
 public:
  Effort();
  ~Effort();
  Effort(const Effort&) = delete;
  Effort& operator=(const Effort&) = delete;

  /// Takes `cost` from the supply; false once it is used up. Costs are in units of 50 ns or so on
  /// one core of 2024. Without an Effort the supply is endless.
  static bool spend(long cost);

 private:
  bool outermost_;
};

}  // namespace moebius::scorers::math
