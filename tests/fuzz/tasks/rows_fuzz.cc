// Fuzz target: any bytes as JSON lines, packed or not, read as LiveCodeBench's rows.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tasks/dataset.h"
#include "tasks/parts/livecodebench_data.h"

using namespace moebius::tasks;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    UniqueIds ids;
    LineReader lines("f", {reinterpret_cast<const char*>(data), size});
    each_row(lines, [&](const Row& row) {
      const LcbProblem problem = lcb_problem(row);
      ids.add(problem.id, row.where());
      if (!valid_utf8(problem.id) || problem.date.size() != 19) std::abort();
      if (!lcb_in_release(problem, 6)) std::abort();
      lcb_tests(problem, true);
    });
  } catch (const moebius::tasks::Error& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
  }
  return 0;
}
