// moebius score: log-probabilities of continuations after a context.
#include <fmt/format.h>

#include <memory>

#include "runner/commands.h"
#include "runner/flags.h"
#include "runner/input.h"
#include "runner/output.h"
#include "runner/prompt_lines.h"
#include "runner/requests.h"
#include "runner/table.h"

namespace moebius::runner {
namespace {

Json continuation_json(const engine::Prompt& asked, const engine::ScoredContinuation& scored) {
  Json tokens = Json::array();
  for (std::size_t i = 0; i < scored.ids.size(); ++i) {
    tokens.push_back({{"id", scored.ids[i]}, {"logprob", json_float(scored.logprobs[i])}});
  }
  Json line = Json::object();
  if (asked.ids.empty()) line["text"] = asked.text;
  line["logprob"] = scored.sum;
  line["greedy"] = scored.greedy;
  line["tokens"] = std::move(tokens);
  return line;
}

Json job_json(const ScoreJob& job, const engine::Completion& completion) {
  Json line = {{"id", job.id}, {"prompt_tokens", completion.prompt_tokens}};
  if (!completion.error.empty()) line["error"] = completion.error;
  line["continuations"] = Json::array();
  for (std::size_t i = 0; i < completion.continuations.size(); ++i) {
    line["continuations"].push_back(
        continuation_json(job.continuations[i], completion.continuations[i]));
  }
  return line;
}

/// A row per token, and one per continuation with the sum.
std::string job_table(const ScoreJob& job, const engine::Completion& completion,
                      const engine::LocalEngine& engine) {
  Table table({"continuation", "id", "logprob", "greedy"});
  for (std::size_t c = 0; c < completion.continuations.size(); ++c) {
    const engine::ScoredContinuation& scored = completion.continuations[c];
    table.add({one_line(job.continuations[c].text), "", fmt::format("{:.6f}", scored.sum),
               scored.greedy ? "yes" : "no"});
    for (std::size_t i = 0; i < scored.ids.size(); ++i) {
      const std::string token =
          engine.has_tokenizer() ? std::string(engine.tokenizer().token(scored.ids[i])) : "";
      table.add({"  " + token, fmt::format("{}", scored.ids[i]),
                 fmt::format("{:.6f}", scored.logprobs[i]), ""});
    }
  }
  return table.text();
}

class ScoreCommand : public Command {
 public:
  explicit ScoreCommand(CLI::App* app) : Command(app) {
    add_model(*app, model_);
    auto* context = app->add_option("--context", context_, "Text before; - reads standard input")
                        ->type_name("TEXT");
    auto* continuation =
        add_texts(*app, "--continuation", continuations_, "Text to score; repeatable");
    auto* file = app->add_option("--requests", file_,
                                 "JSON lines to score, in order; - reads standard input")
                     ->type_name("FILE");
    context->excludes(file);
    continuation->excludes(file);
    app->add_flag("--json", json_, "One JSON line");
    engine_.add_device(*app);
    engine_.add_threads(*app);
    engine_.add_arithmetic(*app);
    engine_.add_batch_rows(*app);
    app->footer(examples({
        "moebius score --model embedded --context 'Answer:' --continuation ' A' --continuation ' "
        "B'",
        "moebius score --model ./qwen3 --requests requests.jsonl > scores.jsonl",
        "  a line: {\"id\": 1, \"context\": \"Answer:\", \"continuations\": [\" A\", \" B\"]}",
    }));
  }

  int run(Output& out) override {
    const std::vector<ScoreJob> jobs = read_jobs();
    const auto engine = engine::load(model_, engine_.options);
    std::vector<engine::Request> requests;
    for (const ScoreJob& job : jobs) requests.push_back(to_request(job));
    if (file_.empty()) {
      run_in_order(*engine, std::move(requests), [&](const engine::Completion& completion) {
        require_served(completion);
        out.write(json_ ? json_line(job_json(jobs[0], completion))
                        : job_table(jobs[0], completion, *engine));
      });
      return kOk;
    }
    return run_file(*engine, std::move(requests), jobs, out);
  }

 private:
  std::vector<ScoreJob> read_jobs() const {
    if (app()->count("--requests") > 0) return read_score_jobs(file_);
    if (app()->count("--context") == 0 || continuations_.empty()) {
      throw InputError("score: expected --context and --continuation, or --requests");
    }
    ScoreJob job{.id = 0, .context = {.text = text_argument(context_)}};
    for (const std::string& text : continuations_) {
      job.continuations.push_back({.text = text, .add_bos = false});
    }
    return {job};
  }

  static int run_file(engine::LocalEngine& engine, std::vector<engine::Request> requests,
                      const std::vector<ScoreJob>& jobs, Output& out) {
    std::size_t refused = 0;
    const auto sink = [&](const engine::Completion& completion) {
      if (completion.finish == engine::Finish::kRefused) ++refused;
      out.write(json_line(job_json(jobs[completion.id], completion)));
      out.flush();
    };
    run_in_order(engine, std::move(requests), sink, {terminal_progress(jobs.size(), "requests")});
    clear_progress();
    if (refused > 0) {
      throw engine::Error(fmt::format("{} of {} requests refused, see \"error\" in their lines",
                                      refused, jobs.size()));
    }
    return kOk;
  }

  std::string model_;
  std::string context_;
  std::vector<std::string> continuations_;
  std::string file_;
  EngineFlags engine_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> add_score_command(CLI::App& app) {
  return std::make_unique<ScoreCommand>(
      app.add_subcommand("score", "Log-probabilities of continuations, per token and summed"));
}

}  // namespace moebius::runner
