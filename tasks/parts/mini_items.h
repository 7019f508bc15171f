// What the mini suites share: small suites of generated items that ship in the binary, made for
// the embedded model. Their prompts are the recorded ones, rendered already.
#pragma once

#include <functional>
#include <string>

#include "tasks/dataset.h"
#include "tasks/suite.h"

namespace moebius::tasks {

/// A mini suite but for how its rows are asked and judged.
struct MiniSuite {
  std::string name;         // "mini-mmlu"
  std::string description;  // one line
  std::string sha256;       // of the packed file
  std::int64_t rows = 0;
  std::int64_t demo = 0;  // items tagged demo=1, which the option subset=demo leaves alone
  std::vector<Variant> variants;
  std::map<std::string, std::string> options;  // beside "subset"
  std::string id_field;
  std::string family_field;  // where a row has no "family"
};

/// Base of the mini suites: load() makes a sample of each row and lets fill() complete it.
class Mini : public Suite {
 public:
  explicit Mini(MiniSuite suite);
  std::vector<SampleSet> load(const Options& options) const override;

 protected:
  /// Adds target, asks and scorers; `sandbox` is opened by those that run code.
  virtual void fill(const Variant& variant, const Row& row, const Options& options,
                    SandboxOnce& sandbox, Sample& sample) const = 0;

 private:
  MiniSuite suite_;
};

/// A rendered prompt, its special tokens to be recognised, answered greedily.
Ask rendered_ask(std::string prompt, std::int32_t max_new_tokens);

}  // namespace moebius::tasks
