// The table of cases, made from the *_cases.cu beside the kernels.
#include <iterator>

#include "kernels/device/bench.h"

namespace moebius::kernels {

#define CASES(name) std::vector<KernelCase> name();
#include "case_list.inc"
#undef CASES

std::vector<KernelCase> all_cases() {
  std::vector<KernelCase> all;
  [[maybe_unused]] const auto append = [&all](std::vector<KernelCase> cases) {
    all.insert(all.end(), std::make_move_iterator(cases.begin()),
               std::make_move_iterator(cases.end()));
  };
#define CASES(name) append(name());
#include "case_list.inc"
#undef CASES
  return all;
}

}  // namespace moebius::kernels
