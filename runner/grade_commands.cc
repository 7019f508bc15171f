// moebius grade: the judges alone, as filters over answers that already exist.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>

#include "runner/commands.h"
#include "runner/eval_flags.h"
#include "runner/flags.h"
#include "runner/input.h"
#include "runner/line_filter.h"
#include "runner/output.h"

namespace moebius::runner {
namespace {

int cores() {
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

Json score_json(const scorers::Score& score) {
  Json fields = {{"verdict", scorers::verdict_name(score.verdict)},
                 {"passed", score.verdict == scorers::Verdict::kPass},
                 {"extracted", score.extracted},
                 {"tests", Json::array()},
                 {"reason", score.reason}};
  for (const scorers::TestOutcome& test : score.tests) {
    fields["tests"].push_back({{"verdict", scorers::verdict_name(test.verdict)},
                               {"cpu_seconds", test.cpu_seconds},
                               {"detail", test.detail}});
  }
  if (!score.sandbox.empty()) fields["sandbox"] = score.sandbox;
  return fields;
}

/// A filter over FILE, in threads.
class GradeCommand : public Command {
 public:
  using Command::Command;

  int run(Output& out) override {
    prepare();
    const std::int64_t failed = filter_lines(
        file_, threads(), [this](const Fields& fields) { return grade(fields); }, out);
    if (failed == 0) return kOk;
    out.flush();
    fmt::print(stderr, "moebius: {} lines could not be judged, see \"error\" in them\n", failed);
    return kIncomplete;
  }

 protected:
  void add_file(CLI::App& app) {
    app.add_option("FILE", file_, "JSON lines; - is standard input")->capture_default_str();
  }
  virtual void prepare() {}
  virtual int threads() const { return cores(); }
  virtual Json grade(const Fields& fields) = 0;

 private:
  std::string file_ = "-";
};

class MathCommand : public GradeCommand {
 public:
  explicit MathCommand(CLI::App* app) : GradeCommand(app) {
    app->add_option("--grader", grader_, "Whose rules decide")
        ->type_name("NAME")
        ->capture_default_str();
    add_file(*app);
    std::string names = "Graders:";
    for (const char* name : scorers::math_grader_names()) names += std::string(" ") + name;
    app->footer(examples({
                    R"(echo '{"gold": "\\frac{1}{2}", "pred": "0.5"}' | moebius grade math)",
                    "moebius grade math --grader prm800k pairs.jsonl",
                }) +
                "\n" + names);
  }

 protected:
  void prepare() override { scorers::math_equal(grader_, "1", "1"); }  // refuses unknown names
  Json grade(const Fields& fields) override {
    const scorers::Equality result =
        scorers::math_equal(grader_, fields.text("gold"), fields.text("pred"));
    return {{"equal", result.equal}, {"reason", result.reason}};
  }

 private:
  std::string grader_ = "moebius";
};

class ExtractCommand : public GradeCommand {
 public:
  explicit ExtractCommand(CLI::App* app) : GradeCommand(app) {
    app->add_option("--extractor", extractor_, "Whose rules find the answer")
        ->type_name("NAME")
        ->capture_default_str();
    add_file(*app);
    std::string names = "Extractors:";
    for (const char* name : scorers::extractor_names()) names += std::string(" ") + name;
    app->footer(examples({
                    R"(echo '{"response": "So it is \\boxed{7}."}' | moebius grade extract)",
                    "moebius grade extract --extractor qwen2.5-math responses.jsonl",
                }) +
                "\n" + names);
  }

 protected:
  void prepare() override { scorers::extract(extractor_, ""); }  // refuses unknown names
  Json grade(const Fields& fields) override {
    auto [answer, found] = scorers::extract(extractor_, fields.text("response"));
    return {{"extracted", found ? Json(std::move(answer)) : Json()}};
  }

 private:
  std::string extractor_ = "moebius";
};

/// Judges that need a benchmark's data: loaded when a line first names an item.
class TaskGradeCommand : public GradeCommand {
 public:
  TaskGradeCommand(CLI::App* app, std::string task) : GradeCommand(app), task_(std::move(task)) {
    app->add_option("--variant", variant_, "Whose extraction is used for a \"response\"")
        ->type_name("NAME");
    add_texts(*app, "--set", sets_, "Option of the task: TASK.OPTION=VALUE; repeatable");
    add_data_dir(*app, options_.data_dir);
    sandbox_.add(*app);
    add_file(*app);
  }

 protected:
  void prepare() override {
    options_.sandbox = sandbox_.opener();
    options_.demo = false;
  }

  /// "id", or as the benchmark's own files name it.
  static std::string item_id(const Fields& fields) {
    for (const char* name : {"id", "task_id", "question_id"}) {
      if (!fields.has(name)) continue;
      const nlohmann::json& value = fields.at(name);
      return value.is_number_integer() ? value.dump() : fields.text(name);
    }
    throw InputError(fields.where() + ": expected a field \"id\"");
  }

  const tasks::Sample& sample(const std::string& variant, const Fields& fields) {
    const std::string id = item_id(fields);
    const std::lock_guard lock(mutex_);
    Loaded& loaded = load(variant);
    const auto found = loaded.index.find(id);
    if (found == loaded.index.end()) {
      throw InputError(fmt::format("{}: {} has no item '{}'", fields.where(), task_, one_line(id)));
    }
    return *found->second;
  }

  scorers::ScorerPtr judge(const std::string& variant, const Fields& fields) {
    return sample(variant, fields).scorers.front();
  }

  /// The user's choice, or `standard`.
  std::string variant_or(const std::string& standard) const {
    return variant_.empty() ? standard : variant_;
  }

  std::shared_ptr<scorers::sandbox::Sandbox> sandbox() {
    const std::lock_guard lock(mutex_);
    return options_.sandbox();
  }

  int threads() const override { return 4 * cores(); }

  void set_option(const std::string& text) { sets_.push_back(text); }

 private:
  struct Loaded {
    std::vector<PlannedSet> plan;
    std::unordered_map<std::string, const tasks::Sample*> index;
  };

  Loaded& load(const std::string& variant) {
    const auto [place, fresh] = loaded_.try_emplace(variant);
    Loaded& loaded = place->second;
    if (!fresh) return loaded;
    loaded.plan = make_plan(parse_tasks(task_ + ":" + variant, sets_), options_);
    for (const tasks::Sample& each : loaded.plan.front().set.samples) {
      loaded.index.emplace(each.item, &each);
    }
    return loaded;
  }

  std::string task_;
  std::string variant_;
  std::vector<std::string> sets_;
  PlanOptions options_;
  SandboxFlags sandbox_;
  std::mutex mutex_;
  std::map<std::string, Loaded> loaded_;
};

class MmluCommand : public TaskGradeCommand {
 public:
  explicit MmluCommand(CLI::App* app) : TaskGradeCommand(app, "mmlu") {
    app->footer(examples({
        R"(echo '{"gold": "B", "response": "Answer: B"}' | moebius grade mmlu)",
        "moebius grade mmlu --data-dir ./data responses.jsonl",
        R"(  a line: {"id": "abstract_algebra/0", "response": "..."})",
    }));
  }

 protected:
  Json grade(const Fields& fields) override {
    const scorers::Answer answer{.text = fields.text("response")};
    if (!fields.has("gold")) return score_json(judge(variant_or("cot"), fields)->score(answer));
    const std::string& gold = fields.text("gold");
    if (gold.size() != 1 || gold[0] < 'A' || gold[0] > 'D') {
      throw InputError(fields.where() + ": gold: expected A, B, C or D, found '" + one_line(gold) +
                       "'");
    }
    return score_json(scorers::make_letter_scorer(gold[0], false)->score(answer));
  }
};

class HumanEvalCommand : public TaskGradeCommand {
 public:
  explicit HumanEvalCommand(CLI::App* app) : TaskGradeCommand(app, "humaneval") {
    app->footer(examples({
        "moebius grade humaneval --data-dir ./data samples.jsonl",
        R"(  a line: {"task_id": "HumanEval/0", "completion": "    return ..."})",
        R"(  or {"id": ..., "response": "..."} of a chat model, or {"id": ..., "code": "..."})",
        R"(  or a problem of its own: with "prompt", "test" and "entry_point")",
    }));
  }

 protected:
  Json grade(const Fields& fields) override {
    const char* field = fields.has("completion") ? "completion"
                        : fields.has("code")     ? "code"
                                                 : "response";
    return score_json(scorer(fields, field)->score({.text = fields.text(field)}));
  }

 private:
  scorers::ScorerPtr scorer(const Fields& fields, std::string_view field) {
    if (fields.has("test")) return own_problem(fields, field);
    if (field == "code") return sample(variant_or("base"), fields).program();
    return judge(variant_or(field == "completion" ? "base" : "chat"), fields);
  }

  scorers::ScorerPtr own_problem(const Fields& fields, std::string_view field) {
    const scorers::CodeExtraction extraction =
        field == "completion" ? scorers::CodeExtraction::kCompletion
        : field == "code"     ? scorers::CodeExtraction::kWholeProgram
                              : scorers::CodeExtraction::kFenced;
    return scorers::make_humaneval_scorer({.id = item_id(fields),
                                           .prompt = fields.text("prompt"),
                                           .test = fields.text("test"),
                                           .entry_point = fields.text("entry_point")},
                                          extraction, false, sandbox());
  }
};

class LiveCodeBenchCommand : public TaskGradeCommand {
 public:
  explicit LiveCodeBenchCommand(CLI::App* app) : TaskGradeCommand(app, "livecodebench") {
    app->add_option("--mode", mode_, "Real processes, or the official checker's behaviour")
        ->check(CLI::IsMember({"subprocess", "official"}))
        ->capture_default_str();
    app->footer(examples({
        "moebius grade livecodebench --mode official --data-dir ./data programs.jsonl",
        R"(  a line: {"id": "1873_A", "response": "..."} or {"id": "1873_A", "code": "..."})",
        R"(  or {"code": "...", "inputs": ["1\n"], "outputs": ["2\n"], "fn_name": null})",
    }));
  }

 protected:
  Json grade(const Fields& fields) override {
    if (fields.has("inputs")) return own_problem(fields);
    const std::string variant = variant_or("generic");
    if (fields.has("code")) {
      const scorers::ScorerPtr scorer = sample(variant, fields).program();
      return score_json(scorer->score({.text = fields.text("code")}));
    }
    return score_json(judge(variant, fields)->score({.text = fields.text("response")}));
  }

  void prepare() override {
    TaskGradeCommand::prepare();
    set_option("livecodebench.mode=" + mode_);
  }

 private:
  Json own_problem(const Fields& fields) {
    auto problem = std::make_shared<scorers::LiveCodeBenchProblem>();
    problem->id = fields.where();
    if (fields.has("fn_name")) problem->fn_name = fields.text("fn_name");
    const std::vector<std::string> inputs = fields.texts("inputs");
    const std::vector<std::string> outputs = fields.texts("outputs");
    if (inputs.size() != outputs.size() || inputs.empty()) {
      throw InputError(fmt::format("{}: expected as many inputs as outputs, found {} and {}",
                                   fields.where(), inputs.size(), outputs.size()));
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      problem->tests.push_back({inputs[i], outputs[i]});
    }
    const auto mode = mode_ == "official" ? scorers::LiveCodeBenchMode::kOfficial
                                          : scorers::LiveCodeBenchMode::kSubprocess;
    const auto scorer =
        scorers::make_livecodebench_scorer(problem, mode, false, true, false, sandbox());
    return score_json(scorer->score({.text = fields.text("code")}));
  }

  std::string mode_ = "subprocess";
};

}  // namespace

std::vector<std::unique_ptr<Command>> add_grade_commands(CLI::App& grade) {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(std::make_unique<MathCommand>(
      grade.add_subcommand("math", "Whether two final answers are equal")));
  commands.push_back(std::make_unique<ExtractCommand>(
      grade.add_subcommand("extract", "The final answer of a response")));
  commands.push_back(std::make_unique<MmluCommand>(
      grade.add_subcommand("mmlu", "Written multiple-choice answers")));
  commands.push_back(std::make_unique<HumanEvalCommand>(
      grade.add_subcommand("humaneval", "Function completions, run in the sandbox")));
  commands.push_back(std::make_unique<LiveCodeBenchCommand>(
      grade.add_subcommand("livecodebench", "Programs, run in the sandbox")));
  return commands;
}

}  // namespace moebius::runner
