// AIME 2024: both papers, thirty problems. The texts are the MAA's; the copies have no licence
// over them.
#include "tasks/parts/aime_data.h"
#include "tasks/suites/registry.h"

namespace moebius::tasks::suites {
namespace {

std::vector<Source> sources() {
  return {{.file = "qwen_aime24_test.jsonl",
           .url = "https://raw.githubusercontent.com/QwenLM/Qwen2.5-Math/"
                  "a45202bd16f1ec06f433442dc1152d0074773465/evaluation/data/aime24/test.jsonl",
           .licence = "problems: MAA; the copy: MIT",
           .sha256 = "af2b8bd2aa911b6333ad0df32f3ca05c7ae8ed10f1731f4372c8ae26990bf7ac",
           .rows = 30,
           .note = "QwenLM/Qwen2.5-Math at a45202b, evaluation/data/aime24/test.jsonl"},
          {.file = "gair_test2024.jsonl",
           .url = "https://raw.githubusercontent.com/GAIR-NLP/AIME-Preview/"
                  "7011a9eae7c4b78071f27b6f77f618d65608cfb0/eval/data/aime/test2024.jsonl",
           .licence = "problems: MAA; the copy: none stated",
           .sha256 = "a0f7eb9915f60f70fdaa9375414869d101eab639a67acf652cde98166efcd1cc",
           .rows = 30,
           .note = "GAIR-NLP/AIME-Preview at 7011a9e, eval/data/aime"},
          {.file = "gkv_aime24.jsonl",
           .url = "https://raw.githubusercontent.com/microsoft/G-KV/"
                  "680bd1a0783ec711ec2ac7c7fd7eefc0e764d336/data/aime24.jsonl",
           .licence = "problems: MAA; the copy: none stated",
           .sha256 = "d2d02c4cccc73f3774f8ffca4fca7378f876a9f53d9c818734a0ad2984882427",
           .rows = 30,
           .note = "microsoft/G-KV at 680bd1a, data"}};
}

Info description() {
  Info info;
  info.name = "aime24";
  info.description = "AIME 2024, papers I and II, 30 problems with integer answers";
  info.sources = sources();
  info.variants = aime_variants();
  info.options = aime_options();
  return info;
}

class Aime24 : public Suite {
 public:
  Aime24() : Suite(with_file_options(description())) {}

  std::vector<SampleSet> load(const Options& options) const override {
    check_options(options);
    return load_aime(aime_2024(), data_files(options), chosen_variants(options), think(options));
  }
};

}  // namespace

std::unique_ptr<Task> make_aime24() {
  return std::make_unique<Aime24>();
}

}  // namespace moebius::tasks::suites
