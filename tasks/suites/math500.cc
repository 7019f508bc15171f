// MATH-500: the 500 test problems that prm800k kept of MATH.
// Hendrycks et al. 2021 (MATH), Lightman et al. 2023 (the split), MIT licence.
#include "tasks/dataset.h"
#include "tasks/parts/math_variants.h"
#include "tasks/suites/registry.h"

namespace moebius::tasks::suites {
namespace {

Info description() {
  Info info;
  info.name = "math500";
  info.description = "MATH-500, 500 competition problems with worked-out final answers";
  info.sources = {{.file = "math500_test.jsonl",
                   .url = "https://media.githubusercontent.com/media/openai/prm800k/"
                          "7ecc794703b2877f63226f2477a49b34f9b25163/prm800k/math_splits/test.jsonl",
                   .licence = "MIT",
                   .sha256 = "35dc41080a3680858b27fa7e0533d2d547825316fc5dafe5d316f4ccc5a06132",
                   .rows = 500,
                   .note = "openai/prm800k at 7ecc794, prm800k/math_splits/test.jsonl"},
                  {.file = "openr_test500.jsonl",
                   .url = "https://raw.githubusercontent.com/openreasoner/openr/"
                          "54ae004c69623ebb9a97b22211d6b236033a710d/envs/MATH/dataset/"
                          "test500.jsonl",
                   .licence = "MIT",
                   .sha256 = "5a424d924a5f09323bb008b487e6971210dc5b2846db0699c777cd53982f08eb",
                   .rows = 500,
                   .note = "openreasoner/openr at 54ae004, envs/MATH/dataset/test500.jsonl"}};
  info.variants = math_variants(10);
  info.options = math_options();
  return info;
}

/// 2 or "Level 2".
std::string level_of(const Row& row) {
  const std::string level = row.scalar("level");
  const std::string number = level.rfind("Level ", 0) == 0 ? level.substr(6) : level;
  if (number.size() != 1 || number[0] < '1' || number[0] > '5') {
    row.fail("level", "1 to 5", "\"" + level + "\"");
  }
  return number;
}

MathProblem problem_of(const Row& row) {
  return {.id = row.filled("unique_id"),
          .problem = row.filled("problem"),
          .answer = row.filled("answer"),
          .subject = row.filled("subject"),
          .level = level_of(row)};
}

class Math500 : public Suite {
 public:
  Math500() : Suite(with_file_options(description())) {}

  std::vector<SampleSet> load(const Options& options) const override {
    check_options(options);
    const std::vector<const Variant*> variants = chosen_variants(options);
    const Think thinking = think(options);
    const std::vector<DataFile> files = data_files(options);
    std::vector<MathProblem> problems;
    UniqueIds ids;
    LineReader lines(files.front().path);
    each_row(lines, [&](const Row& row) {
      problems.push_back(problem_of(row));
      ids.add(problems.back().id, row.where());
    });
    std::vector<SampleSet> sets;
    for (const Variant* variant : variants) {
      sets.push_back(math_set(*variant, problems, joined_sha256(files), options, thinking));
    }
    return sets;
  }
};

}  // namespace

std::unique_ptr<Task> make_math500() {
  return std::make_unique<Math500>();
}

}  // namespace moebius::tasks::suites
