// MMLU answered in writing: the simple-evals prompt, which DeepSeek-V3 and R1 report.
#include "tasks/parts/mmlu_sets.h"
#include "tasks/suites/registry.h"

namespace moebius::tasks::suites {
namespace {

Info description() {
  Info info;
  info.name = "mmlu_cot";
  info.description = "MMLU, 14,042 questions, 0-shot in writing (simple-evals prompt)";
  info.sources = mmlu_sources();
  info.variants = {{"simple-evals",
                    "as openai/simple-evals samples: T 0.5, 2,048 tokens",
                    {.temperature = 0.5},
                    "accuracy"},
                   {"v3", "DeepSeek-V3: greedy, 8,192 tokens", {}, "accuracy"},
                   {"r1",
                    "DeepSeek-R1: T 0.6, top-p 0.95, 32,768 tokens, 4 answers",
                    {.temperature = 0.6, .top_p = 0.95, .repeats = 4},
                    "accuracy"}};
  info.options = {{"think", kThinkHelp}};
  return info;
}

std::int32_t max_new_tokens(const std::string& variant) {
  if (variant == "v3") return 8192;
  return variant == "r1" ? 32768 : 2048;
}

class MmluCot : public Suite {
 public:
  MmluCot() : Suite(with_file_options(description())) {}

  std::vector<SampleSet> load(const Options& options) const override {
    check_options(options);
    const std::vector<const Variant*> variants = chosen_variants(options);
    const Think thinking = think(options);
    const MmluData data = load_mmlu(data_files(options));
    std::vector<SampleSet> sets;
    for (const Variant* variant : variants) {
      sets.push_back(
          mmlu_set(*variant, data, mmlu_written(max_new_tokens(variant->name), thinking)));
    }
    return sets;
  }
};

}  // namespace

std::unique_ptr<Task> make_mmlu_cot() {
  return std::make_unique<MmluCot>();
}

}  // namespace moebius::tasks::suites
