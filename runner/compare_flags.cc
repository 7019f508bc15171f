// What compare and gate have in common.
#include "runner/compare_flags.h"

#include "runner/commands.h"

namespace moebius::runner {

StoredRun open_run(const std::string& store, const std::string& run) {
  StoredRun opened{.reader = reports::Reader::open(store)};
  opened.run = opened.reader->find_run(run);
  return opened;
}

int exit_code(reports::Verdict verdict) {
  switch (verdict) {
    case reports::Verdict::kPass:
      return kOk;
    case reports::Verdict::kRegression:
      return kNegative;
    case reports::Verdict::kInconclusive:
      return kInconclusive;
    case reports::Verdict::kInvalid:
      break;
  }
  return kIncomplete;
}

reports::Comparison compare_runs(StoredRun& base, StoredRun& candidate, StoredRun* again,
                                 const reports::CompareOptions& options, std::size_t transcripts) {
  reports::Comparison comparison =
      reports::compare(*base.reader, base.run, *candidate.reader, candidate.run, options);
  if (again != nullptr) {
    reports::CompareOptions whole = options;
    whole.looks.clear();
    whole.anytime = false;
    const reports::Comparison band =
        reports::compare(*base.reader, base.run, *again->reader, again->run, whole);
    if (!band.why.empty()) comparison.notes.push_back("the second run of the base: " + band.why);
    if (band.base.weights_hash != again->run.weights_hash) {
      comparison.notes.emplace_back("the second run of the base is of another model");
    }
    reports::add_band(band, comparison);
  }
  if (transcripts > 0) {
    reports::add_transcripts(*base.reader, *candidate.reader, transcripts, comparison);
  }
  return comparison;
}

}  // namespace moebius::runner
