// LiveCodeBench, code generation: contest problems with their dates, judged by running tests.
// Jain et al. 2024, "LiveCodeBench: Holistic and Contamination Free Evaluation".
#include <algorithm>

#include "tasks/parts/livecodebench_data.h"
#include "tasks/parts/livecodebench_prompts.h"
#include "tasks/source_files.h"
#include "tasks/suite.h"
#include "tasks/suites/registry.h"

namespace moebius::tasks::suites {
namespace {

Info description() {
  Info info;
  info.name = "livecodebench";
  info.description = "LiveCodeBench code generation, up to 1,055 dated contest problems, pass@1";
  info.sources = {{.file = "derived_lcb_v6_problems.jsonl.gz",
                   .licence = "problems: of their contests; data set tagged \"cc\"",
                   .sha256 = "c9311133cfc7aa90a843df9c12301300f1bef341e34cbac92c82f8826922e561",
                   .rows = 1055,
                   .note = "release v6 with public tests alone, partly parsed from statements"}};
  info.variants = {
      {"generic",
       "the official chat prompt (OpenAIChat), T 0.2, top-p 0.95, 2,000 tokens",
       {.temperature = 0.2, .top_p = 0.95},
       "pass@1"},
      {"leaderboard",
       "the same with the official ten answers",
       {.temperature = 0.2, .top_p = 0.95, .repeats = 10},
       "pass@1"},
      {"r1",
       "the official DeepSeek-R1 prompt with its tokens, T 0.6, 16 answers, 32,768 tokens",
       {.temperature = 0.6, .top_p = 0.95, .repeats = 16},
       "pass@1"},
      {"lighteval",
       "R1's question as a user's turn, T 0.6, 16 answers, 32,768 tokens",
       {.temperature = 0.6, .top_p = 0.95, .repeats = 16},
       "pass@1"},
      {"base",
       "one worked example, text continued, T 0.2, top-p 0.95, 2,000 tokens",
       {.temperature = 0.2, .top_p = 0.95},
       "pass@1"}};
  info.options = {
      {"release", "v1 .. v6 (default v6); v2, v3 and v4 are cut by date and not exact"},
      {"start", "first contest date, like 2024-08-01 or 2024-08-24T18:30:00; default: any"},
      {"end", "last contest date, a day without a time means its midnight; default: any"},
      {"tests", "auto: all the data has (default); public; all: refuses data without private ones"},
      {"mode",
       "subprocess: a fresh process with real pipes for each test (default); official: "
       "as the project's checker"},
      {"errata", "keep: tagged, to be reported both ways (default); drop"},
      {"think", kThinkHelp}};
  return info;
}

/// What is asked of which problems.
struct Selection {
  int release = 6;
  std::string start;  // full times; empty: any
  std::string end;
  bool public_only = false;
  bool private_needed = false;
  bool drop_errata = false;
};

struct Read {
  std::vector<LcbProblem> problems;
  std::string sha256;
};

struct Asked {
  const LcbProblem* problem = nullptr;
  std::shared_ptr<const scorers::LiveCodeBenchProblem> judged;
};

Ask ask_of(const std::string& variant, const LcbProblem& problem, Think think) {
  constexpr std::int32_t kShort = 2000;
  constexpr std::int32_t kLong = 32768;
  if (variant == "base") return text_ask(lcb_base_text(problem), kShort, {"###"});
  if (variant == "lighteval") return chat_ask(lcb_lighteval_user(problem), kLong, think);
  Ask ask = chat_ask("", variant == "r1" ? kLong : kShort, think);
  ask.chat.clear();
  if (variant == "r1") {
    ask.text = lcb_r1_text(problem);
    ask.special = true;
  } else {
    ask.chat = lcb_generic_chat(problem);
  }
  return ask;
}

class LiveCodeBench : public Suite {
 public:
  LiveCodeBench() : Suite(with_file_options(description())) {}

  std::vector<SampleSet> load(const Options& options) const override {
    check_options(options);
    const std::vector<const Variant*> variants = chosen_variants(options);
    const Selection selection = selected(options);
    const auto mode = option(options, "mode", {"subprocess", "official"}) == "official"
                          ? scorers::LiveCodeBenchMode::kOfficial
                          : scorers::LiveCodeBenchMode::kSubprocess;
    const Think thinking = think(options);
    const Read read = read_problems(options);
    std::vector<std::string> notes;
    const std::vector<Asked> asked = unpack(read, selection, notes);
    SandboxOnce sandbox(options);
    std::vector<SampleSet> sets;
    for (const Variant* variant : variants) {
      sets.push_back(empty_set(*variant, read.sha256));
      sets.back().notes = notes;
      for (const Asked& each : asked) {
        Sample sample = described(each, selection);
        sample.asks.push_back(ask_of(variant->name, *each.problem, thinking));
        const bool base = variant->name == "base";
        sample.scorers.push_back(scorers::make_livecodebench_scorer(
            each.judged, mode, base, false, !base && thinking != Think::kNone, sandbox.get()));
        sample.program = [judged = each.judged, mode, box = sandbox.get()] {
          return scorers::make_livecodebench_scorer(judged, mode, false, true, false, box);
        };
        sets.back().samples.push_back(std::move(sample));
      }
    }
    return sets;
  }

 private:
  Selection selected(const Options& options) const {
    const auto time = [&](const std::string& name) {
      const auto given = options.values.find(name);
      return given == options.values.end()
                 ? std::string()
                 : lcb_time(info().name + ": option " + name, given->second);
    };
    const std::string release = option(options, "release", {"v6", "v1", "v2", "v3", "v4", "v5"});
    const std::string tests = option(options, "tests", {"auto", "public", "all"});
    return {.release = release[1] - '0',
            .start = time("start"),
            .end = time("end"),
            .public_only = tests == "public",
            .private_needed = tests == "all",
            .drop_errata = option(options, "errata", {"keep", "drop"}) == "drop"};
  }

  /// Sorted by question_id, as the official runner does.
  Read read_problems(const Options& options) const {
    const std::vector<DataFile> files = data_files(options);
    Read read{.sha256 = joined_sha256(files)};
    UniqueIds ids;
    for (const DataFile& file : files) {
      LineReader lines(file.path);
      each_row(lines, [&](const Row& row) {
        read.problems.push_back(lcb_problem(row));
        ids.add(read.problems.back().id, row.where());
      });
    }
    std::sort(read.problems.begin(), read.problems.end(),
              [](const LcbProblem& a, const LcbProblem& b) { return a.id < b.id; });
    return read;
  }

  static bool wanted(const LcbProblem& problem, const Selection& selection) {
    return lcb_in_release(problem, selection.release) &&
           (selection.start.empty() || problem.date >= selection.start) &&
           (selection.end.empty() || problem.date <= selection.end) &&
           !(selection.drop_errata && !lcb_erratum(problem).empty());
  }

  /// The problems asked, with their tests; says in `notes` what is left out.
  static std::vector<Asked> unpack(const Read& read, const Selection& selection,
                                   std::vector<std::string>& notes) {
    std::vector<Asked> asked;
    std::string untested;
    std::size_t without_private = 0;
    for (const LcbProblem& problem : read.problems) {
      if (!wanted(problem, selection)) continue;
      if (selection.private_needed && problem.private_tests.empty()) {
        throw Error(problem.where + ": expected private tests (option tests=all), found none");
      }
      auto judged = std::make_shared<scorers::LiveCodeBenchProblem>(scorers::LiveCodeBenchProblem{
          problem.id, problem.fn_name, lcb_tests(problem, !selection.public_only)});
      if (judged->tests.empty()) {
        untested += (untested.empty() ? "" : ", ") + problem.id;
        continue;
      }
      without_private += problem.private_tests.empty() || selection.public_only ? 1 : 0;
      asked.push_back({&problem, std::move(judged)});
    }
    if (asked.empty()) {
      throw Error(
          "livecodebench: expected problems in the release and window asked for, found "
          "none with a test");
    }
    add_notes(selection, untested, without_private, asked.size(), notes);
    return asked;
  }

  static void add_notes(const Selection& selection, const std::string& untested,
                        std::size_t without_private, std::size_t asked,
                        std::vector<std::string>& notes) {
    if (!untested.empty()) notes.push_back("left out, without any test: " + untested);
    if (without_private > 0) {
      notes.push_back("public tests alone decide " + std::to_string(without_private) + " of " +
                      std::to_string(asked) + " problems: not comparable with published scores");
    }
    if (selection.release >= 2 && selection.release <= 4) {
      notes.push_back("release v" + std::to_string(selection.release) +
                      " is cut by contest date, which is not the official list");
    }
  }

  static Sample described(const Asked& asked, const Selection& selection) {
    const LcbProblem& problem = *asked.problem;
    Sample sample;
    sample.item = problem.id;
    sample.cluster = problem.contest;
    sample.stratum = problem.difficulty;
    sample.target = std::to_string(asked.judged->tests.size()) + " tests";
    sample.tags = {
        {"date", problem.date},
        {"platform", problem.platform},
        {"title", problem.title},
        {"tests", selection.public_only || problem.private_tests.empty() ? "public" : "all"}};
    const std::string erratum = lcb_erratum(problem);
    if (!erratum.empty()) sample.tags["errata"] = erratum;
    return sample;
  }
};

}  // namespace

std::unique_ptr<Task> make_livecodebench() {
  return std::make_unique<LiveCodeBench>();
}

}  // namespace moebius::tasks::suites
