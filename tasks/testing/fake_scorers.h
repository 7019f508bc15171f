// Judges that only remember what they were made of, so that tests see what a suite asked for.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "scorers/scorer.h"

namespace moebius::tasks::testing {

class FakeScorer : public scorers::Scorer {
 public:
  explicit FakeScorer(std::string kind, std::map<std::string, std::string> arguments)
      : kind_(std::move(kind)), given(std::move(arguments)) {}
  std::string_view name() const override { return kind_; }
  int version() const override { return 1; }
  scorers::Score score(const scorers::Answer&) const override { return {}; }

 private:
  std::string kind_;

 public:
  const std::map<std::string, std::string> given;
};

/// What the maker of a scorer was given. Throws std::bad_cast if it is not one of ours.
const std::map<std::string, std::string>& given_to(const scorers::ScorerPtr& scorer);

}  // namespace moebius::tasks::testing
