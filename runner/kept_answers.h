// A store that keeps in memory what two models are compared by, and hands everything on to a
// store on disk if there is one: the pipeline cannot tell.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "reports/store.h"

namespace moebius::runner {

/// What remains of one answer.
struct KeptAnswer {
  bool failed = false;
  std::string failure;        // "refused: too long"
  std::string output_sha256;  // over the tokens, of a generation
  std::vector<double> choices;
  double value = 0;  // the headline scorer's
  std::string extracted;
};

class KeptAnswers : public reports::Store {
 public:
  /// `disk`: where samples go too, or null; must outlive this.
  explicit KeptAnswers(reports::Store* disk) : disk_(disk) {}

  /// Nothing counts as done: what is on disk does not say which tokens an answer had.
  reports::Begun begin_run(
      const reports::Run& run, const std::vector<reports::Set>& sets,
      const std::vector<std::vector<std::pair<std::string, int>>>& scorers) override;
  void put(reports::Sample sample) override;
  void flush() override;
  void put_scores(std::int64_t sample_id, const std::vector<reports::StoredScore>& scores) override;
  void add_expert_loads(std::int64_t set,
                        const std::vector<std::vector<std::int64_t>>& loads) override;
  void add_profile(std::int64_t run, const reports::Profile& profile) override;
  void note_remote(std::int64_t run, const reports::RemoteUse& use) override;
  void finish_run(std::int64_t run, const std::string& state, const std::string& sandbox) override;

  /// Remembers the tokens of a generation; from any thread.
  void note_tokens(const engine::Completion& completion);
  /// Of an answer with that output_sha256; empty if none was noted.
  std::vector<std::int32_t> tokens(const std::string& output_sha256) const;
  /// The answer of the question at `position` of the set; null if there is none.
  const KeptAnswer* find(std::int64_t set, std::int64_t position) const;

 private:
  reports::Store* disk_;
  mutable std::mutex mutex_;  // guards the rest
  std::map<std::pair<std::int64_t, std::int64_t>, KeptAnswer> answers_;
  std::map<std::string, std::vector<std::int32_t>> tokens_;
};

}  // namespace moebius::runner
