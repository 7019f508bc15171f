// AIME 2025: both papers, thirty problems. The texts are the MAA's; the copies have no licence
// over them.
#include "tasks/parts/aime_data.h"
#include "tasks/suites/registry.h"

namespace moebius::tasks::suites {
namespace {

std::vector<Source> sources() {
  return {{.file = "gair_test2025-I.jsonl",
           .url = "https://raw.githubusercontent.com/GAIR-NLP/AIME-Preview/"
                  "7011a9eae7c4b78071f27b6f77f618d65608cfb0/eval/data/aime/test2025-I.jsonl",
           .licence = "problems: MAA; the copy: none stated",
           .sha256 = "fcdf97fe9bf3768e586c4f3b3d34d98a763893847e72234aa41e1ed5c67d977a",
           .rows = 15,
           .note = "GAIR-NLP/AIME-Preview at 7011a9e, eval/data/aime",
           .group = "gair"},
          {.file = "gair_test2025-II.jsonl",
           .url = "https://raw.githubusercontent.com/GAIR-NLP/AIME-Preview/"
                  "7011a9eae7c4b78071f27b6f77f618d65608cfb0/eval/data/aime/test2025-II.jsonl",
           .licence = "problems: MAA; the copy: none stated",
           .sha256 = "69d966f7badd83a681d30efa9b4d587b4c692e4892b6ea5dc57d11d3934bf79a",
           .rows = 15,
           .note = "GAIR-NLP/AIME-Preview at 7011a9e, eval/data/aime",
           .group = "gair"},
          {.file = "gkv_aime25.jsonl",
           .url = "https://raw.githubusercontent.com/microsoft/G-KV/"
                  "680bd1a0783ec711ec2ac7c7fd7eefc0e764d336/data/aime25.jsonl",
           .licence = "problems: MAA; the copy: none stated",
           .sha256 = "6caa6dcafd9a6ba06babe30e43e9a76a8272c12d2a84e479601754c1c701742c",
           .rows = 30,
           .note = "microsoft/G-KV at 680bd1a, data"}};
}

Info description() {
  Info info;
  info.name = "aime25";
  info.description = "AIME 2025, papers I and II, 30 problems with integer answers";
  info.sources = sources();
  info.variants = aime_variants();
  info.options = aime_options();
  return info;
}

class Aime25 : public Suite {
 public:
  Aime25() : Suite(with_file_options(description())) {}

  std::vector<SampleSet> load(const Options& options) const override {
    check_options(options);
    return load_aime(aime_2025(), data_files(options), chosen_variants(options), think(options));
  }
};

}  // namespace

std::unique_ptr<Task> make_aime25() {
  return std::make_unique<Aime25>();
}

}  // namespace moebius::tasks::suites
