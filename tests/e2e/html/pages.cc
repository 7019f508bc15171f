// Writes the HTML reports that the browser's test looks at, from made-up runs: html_pages FOLDER.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "reports/compare.h"
#include "reports/html.h"
#include "reports/store/made_up_store.h"

namespace moebius::tests {
namespace {

using reports::cases::MadeUp;
using reports::cases::MadeUpStore;

/// The same numbers everywhere: 0 .. 1 from a question, a run and a purpose.
double chance(int question, int run, int purpose) {
  auto x = static_cast<std::uint32_t>(question * 2654435761U + static_cast<unsigned>(run) * 40503U +
                                      static_cast<unsigned>(purpose) * 97U + 12345U);
  for (int i = 0; i < 3; ++i) {
    x ^= x >> 16;
    x *= 0x45d9f3bU;
  }
  return static_cast<double>(x >> 8) / (1 << 24);
}

/// Scripts, comments, handlers, control characters, writing from right to left, no UTF-8.
const std::string kHostile =
    "</script></SCRIPT ><script>document.title='owned'</script><img src=x onerror=\"document.title="
    "'owned'\"><!-- --!><svg onload=document.title='owned'>\"'`&amp;\u202eabc\u202c\u200b" +
    std::string("\0\x01\x1b[31m\x7f", 7) + "\xff\xfe ]]> javascript:alert(1)\n$&{{7*7}}\n";

/// Runs with the counts that MadeUpStore has no room for.
class PageStore : public MadeUpStore {
 public:
  std::vector<reports::Profile> profiles(std::int64_t run) override {
    if (run != 0) return {};
    return {
        {.device = "NVIDIA H200",
         .busy_ns = 90'000'000'000,
         .wall_ns = 100'000'000'000,
         .seen_ns = 100'000'000'000,
         .limits = {.read_gb_s = 4245,
                    .copy_gb_s = 4010,
                    .matrix_tflops = 860,
                    .matrix_path = "wgmma_bf16",
                    .fp8_tflops = 1600,
                    .f32_tflops = 51},
         .kernels = {{"grouped_gemm_bf16", 120'000, 51'000'000'000, 160'000'000'000'000, 3.1e16},
                     {"mla_attention", 60'000, 22'000'000'000, 61'000'000'000'000, 4.1e15},
                     {"gemm_fp8", 60'000, 9'000'000'000, 20'000'000'000'000, 8e15},
                     {"rms_norm", 240'000, 4'000'000'000, 12'000'000'000'000, 9e12},
                     {"router_f32", 60'000, 2'000'000'000, 2'000'000'000'000, 4e13},
                     {"sample", 1000, 200'000'000, 90'000'000'000, 0}}}};
  }

  std::vector<reports::ExpertLoad> expert_loads(std::int64_t run) override {
    std::vector<reports::ExpertLoad> loads;
    for (int layer = 0; layer < 12 && run == 0; ++layer) {
      reports::ExpertLoad load{.set = 101, .layer = layer};
      for (int expert = 0; expert < 64; ++expert) {
        load.tokens.push_back(
            static_cast<std::int64_t>(1000 * std::exp(3 * chance(expert, layer, 9))));
      }
      loads.push_back(load);
    }
    return loads;
  }
};

// ---- what the runs answered -----------------------------------------------------------

std::string subject_name(int i) {
  static const char* const kFields[] = {"algebra", "anatomy", "law",     "history",
                                        "physics", "logic",   "medicine"};
  return std::string(kFields[i % 7]) + "_" + std::to_string(i / 7 + 1);
}

/// A multiple-choice question with its few-shot prompt, about as long as MMLU's.
std::function<void(reports::Sample&)> choice_question(int run) {
  return [run](reports::Sample& sample) {
    const auto i = static_cast<int>(sample.item.position);
    const std::string subject = subject_name(i % 57);
    sample.item.cluster = subject;
    sample.item.stratum = "group " + std::to_string(i % 57 % 4);
    sample.item.tags = "{\"subject\":\"" + subject + "\"}";
    sample.item.target = std::string(1, static_cast<char>('A' + i % 4));
    sample.item.prompt.clear();
    for (int shot = 0; shot < 5; ++shot) {
      sample.item.prompt += "Question " + std::to_string(shot) + " about " + subject +
                            ": which of these is the one that the others are not?\nA. the first\n"
                            "B. the second of them\nC. the third\nD. all of these\nAnswer: C\n\n";
    }
    sample.item.prompt += "Question " + std::to_string(i * 7919) + "?\nAnswer:";
    sample.choices.clear();
    const double sure = 4 * chance(i, run, 1);
    for (int c = 0; c < 4; ++c) {
      sample.choices.push_back({-0.5 - (c == i % 4 ? 0 : sure) - chance(i, run, 10 + c), 1, 2});
    }
    sample.latency_us = static_cast<std::int64_t>(2000 * std::exp(2 * chance(i, run, 2)));
  };
}

std::function<double(int, int)> right_with(double share, int run) {
  return [share, run](int i, int repeat) {
    // Mostly the question decides, so that runs agree on most.
    const double luck = 0.85 * chance(i, 0, 3) + 0.15 * chance(i, 100 * run + repeat, 4);
    return luck < share ? 1.0 : 0.0;
  };
}

void say(reports::Sample& sample, const std::string& text, int run) {
  const auto i = static_cast<int>(sample.item.position);
  sample.choices.clear();
  sample.text = text;
  sample.output_tokens =
      static_cast<std::int32_t>(40 * std::exp(4 * chance(i, run * 50 + sample.repeat, 5)));
  sample.output_sha256 = std::string(64, 'a');
  sample.latency_us = sample.output_tokens * 9000;
  if (sample.output_tokens > 1800) {
    sample.output_tokens = 2048;
    sample.finish = "length";
  }
}

/// A dated programming problem whose tests ran in a sandbox.
std::function<void(reports::Sample&)> program(int run) {
  return [run](reports::Sample& sample) {
    const auto i = static_cast<int>(sample.item.position);
    say(sample, "def solve(x):\n    return x + " + std::to_string(i) + "\n", run);
    const int month = i / 12;
    char date[32];
    std::snprintf(date, sizeof date, "20%02d-%02d-%02dT00:00:00", 23 + month / 12, month % 12 + 1,
                  i % 28 + 1);
    sample.item.tags = std::string("{\"date\":\"") + date + "\",\"platform\":\"leetcode\"}";
    sample.item.stratum = i % 3 == 0 ? "easy" : i % 3 == 1 ? "medium" : "hard";
    sample.item.target = "12 tests";
    scorers::Score& score = sample.scores[0].score;
    score.extracted = sample.text;
    score.sandbox = "UNSANDBOXED sandbox=none cpu=6s";
    score.tests = {{scorers::Verdict::kPass, 0.012, "1 2 -> 3"}};
    if (score.value < 1) {
      score.verdict = scorers::Verdict::kTimeLimit;
      score.tests.push_back({scorers::Verdict::kTimeLimit, 6.001, "processor time"});
    }
  };
}

std::function<void(reports::Sample&)> sum(int run) {
  return [run](reports::Sample& sample) {
    say(sample, "Let me see.\nThe answer is \\boxed{" + std::to_string(sample.item.position) + "}.",
        run);
    sample.item.target = std::to_string(sample.item.position);
    sample.scores[0].score.extracted = std::to_string(
        sample.item.position + (sample.scores[0].score.value < 1 ? 1 + sample.repeat % 3 : 0));
  };
}

reports::Run add_run(PageStore& store, int run, double share) {
  reports::Run made =
      store.add_run({{570, right_with(share, run), choice_question(run), "mmlu"},
                     {312, right_with(share - 0.3, run), program(run), "livecodebench"},
                     {30, right_with(share - 0.2, run), sum(run), "aime24", 8}});
  auto& stored = store.stored.back();
  stored.run.model = run == 0 ? "base-16b" : run == 1 ? "candidate-16b-int4" : "other-7b";
  stored.run.key = std::string(20, static_cast<char>('a' + run));
  stored.run.started = "2026-0" + std::to_string(run + 1) + "-03T04:05:06Z";
  stored.run.sandbox = "UNSANDBOXED sandbox=none";
  stored.sets[0].variant = stored.sets[1].variant = stored.sets[2].variant = "original";
  return stored.run;
}

// ---- files ----------------------------------------------------------------------------

class Folder {
 public:
  explicit Folder(std::string path) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
  }

  void write(const std::string& name, const std::vector<reports::BoardSource>& runs,
             const reports::HtmlOptions& options = {},
             const reports::BoardOptions& board = {}) const {
    std::ofstream file(path_ + "/" + name, std::ios::binary);
    reports::render_html(runs, reports::make_leaderboard(runs, board), options,
                         [&](std::string_view text) { file << text; });
  }

  void write(const std::string& name, const reports::Comparison& comparison,
             const reports::BoardSource& base, const reports::BoardSource& candidate) const {
    std::ofstream file(path_ + "/" + name, std::ios::binary);
    reports::render_html(comparison, base, candidate, {},
                         [&](std::string_view text) { file << text; });
  }

 private:
  std::string path_;
};

void write_runs(const Folder& folder) {
  PageStore store;
  const reports::Run base = add_run(store, 0, 0.72);
  const reports::Run candidate = add_run(store, 1, 0.66);
  reports::Run other = add_run(store, 2, 0.5);
  other.state = store.stored.back().run.state = "incomplete";
  other.remote = store.stored.back().run.remote = reports::RemoteUse{
      .dialect = "openai", .endpoint = "https://example.org/v1", .model = "other-7b"};
  folder.write("one.html", {{&store, base, "results.sqlite"}});
  folder.write("three.html", {{&store, base, "results.sqlite"},
                              {&store, candidate, "results.sqlite"},
                              {&store, other, "results.sqlite"}});
  folder.write("pair.html", reports::compare(store, base, store, candidate),
               {&store, base, "main.sqlite"}, {&store, candidate, "branch.sqlite"});
}

/// As many questions as MMLU.
void write_big(const Folder& folder) {
  PageStore store;
  const reports::Run run = store.add_run({{14042, right_with(0.7, 0), choice_question(0), "mmlu"}});
  folder.write("big.html", {{&store, run, "mmlu.sqlite"}});
}

void write_hostile(const Folder& folder) {
  PageStore store;
  const auto hostile = [](reports::Sample& sample) {
    sample.choices.clear();
    sample.text = sample.item.prompt = kHostile;
    sample.item.item += kHostile;
    sample.item.target = sample.item.stratum = sample.item.cluster = kHostile;
    sample.item.tags = kHostile;
    sample.finish = sample.stop = kHostile;
    sample.scores[0].score.extracted = sample.scores[0].score.reason = kHostile;
    sample.scores[0].score.sandbox = kHostile;
    sample.scores[0].score.tests = {{scorers::Verdict::kWrong, 1, kHostile}};
    if (sample.item.position == 1) {
      sample.text.clear();
      for (int i = 0; sample.text.size() < 10'000'000; ++i) {
        sample.text += "line " + std::to_string(i * 7919) + " of a long answer\n";
      }
    }
    if (sample.item.position == 2) {
      sample.scores.clear();
      sample.failure = sample.message = kHostile;
    }
  };
  store.add_run({{5, reports::cases::all_right, hostile, kHostile}});
  reports::Run& run = store.stored.back().run;
  run.model = run.sandbox = run.build = run.command = kHostile;
  const reports::BoardSource source{&store, run, kHostile};
  folder.write("hostile.html", {source, source}, {}, {.fail_budget = 0.5});
}

/// Answers that do not fit.
void write_budget(const Folder& folder) {
  MadeUpStore store;
  const auto wordy = [](reports::Sample& sample) {
    sample.choices.clear();
    const auto i = static_cast<int>(sample.item.position);
    sample.text = "BEGIN";
    for (int j = 0; j < 4000; ++j) sample.text += std::to_string(chance(i, j, 6)) + " ";
    sample.text += "END";
  };
  const reports::Run run = store.add_run({{200, right_with(0.5, 0), wordy, "words"}});
  folder.write("budget.html", {{&store, run, "words.sqlite"}}, {.most_bytes = 1'000'000});
}

}  // namespace
}  // namespace moebius::tests

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "html_pages: a folder expected\n");
    return 2;
  }
  const moebius::tests::Folder folder(arguments[1]);
  moebius::tests::write_runs(folder);
  moebius::tests::write_big(folder);
  moebius::tests::write_hostile(folder);
  moebius::tests::write_budget(folder);
  return 0;
}
