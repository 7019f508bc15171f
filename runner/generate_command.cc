// moebius generate: continues prompts.
#include <fmt/format.h>

#include <limits>
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

Json token_json(const engine::GeneratedToken& token) {
  Json top = Json::array();
  for (const engine::TokenChoice& choice : token.top) {
    top.push_back({{"id", choice.id}, {"logprob", json_float(choice.logprob)}});
  }
  return {{"id", token.id}, {"logprob", json_float(token.logprob)}, {"top", std::move(top)}};
}

Json completion_json(const GenerateJob& job, std::uint64_t sample,
                     const engine::Completion& completion) {
  Json line = {{"id", job.id}};
  if (job.samples > 1) line["sample"] = sample;
  line["text"] = completion.text;
  line["finish"] = engine::finish_name(completion.finish);
  if (!completion.stop.empty()) line["stop"] = completion.stop;
  if (!completion.error.empty()) line["error"] = completion.error;
  line["prompt_tokens"] = completion.prompt_tokens;
  line["output_tokens"] = completion.tokens.size();
  line["tokens"] = Json::array();
  for (const engine::GeneratedToken& token : completion.tokens) line["tokens"].push_back(token.id);
  if (job.generate.logprobs > 0) {
    line["logprobs"] = Json::array();
    for (const auto& token : completion.tokens) line["logprobs"].push_back(token_json(token));
  }
  return line;
}

std::string token_text(const engine::LocalEngine& engine, std::int32_t id) {
  return engine.has_tokenizer() ? std::string(engine.tokenizer().token(id)) : std::string();
}

std::string token_table(const engine::LocalEngine& engine, const engine::Completion& completion) {
  Table table({"token", "id", "logprob", "alternatives"});
  for (const engine::GeneratedToken& token : completion.tokens) {
    std::string alternatives;
    for (const engine::TokenChoice& choice : token.top) {
      alternatives += fmt::format("{}{} {:.4f}", alternatives.empty() ? "" : ", ",
                                  token_text(engine, choice.id), choice.logprob);
    }
    table.add({token_text(engine, token.id), fmt::format("{}", token.id),
               fmt::format("{:.6f}", token.logprob), alternatives});
  }
  return table.text();
}

/// Which job and sample a request's index stands for.
struct Asked {
  const GenerateJob* job;
  std::uint64_t sample;
};

class GenerateCommand : public Command {
 public:
  explicit GenerateCommand(CLI::App* app) : Command(app) {
    add_model(*app, model_);
    add_prompt_options(*app);
    add_sampling_options(*app);
    app->add_flag("--json", json_, "One JSON line per answer");
    engine_.add_device(*app);
    engine_.add_threads(*app);
    engine_.add_arithmetic(*app);
    engine_.add_batch_rows(*app);
    app->footer(examples({
        R"(printf 'Solve for $t$: $3t - 9 = -42$.\nPlease reason step by step, and put your final answer)"
        R"( within \\boxed{}.' | moebius generate --model embedded --chat --prompt -)",
        "moebius generate --model ./qwen3 --prompt - --max-new-tokens 64 --json < prompt.txt",
        "moebius generate --model ./qwen3 --prompts-file prompts.jsonl > answers.jsonl",
        "  a line: {\"id\": \"q1\", \"prompt\" or \"ids\" or \"messages\": ..., "
        "\"max_new_tokens\": 64}",
    }));
  }

  int run(Output& out) override {
    const std::vector<GenerateJob> jobs = read_jobs();
    const auto engine = engine::load(model_, engine_.options);
    std::vector<engine::Request> requests;
    std::vector<Asked> asked;
    for (const GenerateJob& job : jobs) {
      for (engine::Request& request : to_requests(job, *engine)) {
        asked.push_back({&job, request.sample});
        requests.push_back(std::move(request));
      }
    }
    return file_.empty() ? run_one(*engine, std::move(requests), asked, out)
                         : run_file(*engine, std::move(requests), asked, out);
  }

 private:
  void add_prompt_options(CLI::App& app) {
    auto* prompt = app.add_option("--prompt", prompt_, "Text to continue; - reads standard input")
                       ->type_name("TEXT");
    auto* file = app.add_option("--prompts-file", file_,
                                "JSON lines to answer, in order; - reads standard input")
                     ->type_name("FILE");
    prompt->excludes(file);
    app.add_flag("--chat", settings_.chat, "The prompt is the user's turn of a conversation");
    app.add_option("--system", settings_.system, "System message of the conversation")
        ->type_name("TEXT");
    app.add_flag("--no-special", no_special_,
                 "Special tokens written in the prompt are plain text");
  }

  void add_sampling_options(CLI::App& app) {
    engine::Generate& generate = settings_.generate;
    engine::Sampling& sampling = generate.sampling;
    constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
    add_number(app, "--max-new-tokens", generate.max_new_tokens, 1, kMaxNewTokens,
               "Longest answer");
    add_number(app, "--temperature", sampling.temperature, 0.0F, 1e6F, "0 is greedy");
    add_number(app, "--top-p", sampling.top_p, 1e-9F, 1.0F,
               "Fewest tokens of this probability together");
    add_number(app, "--top-k", sampling.top_k, 0, kMax, "So many tokens at most; 0: no limit");
    add_number(app, "--min-p", sampling.min_p, 0.0F, 1.0F,
               "Tokens of at least this share of the best one's probability");
    add_number<std::uint64_t>(app, "--seed", sampling.seed, 0,
                              std::numeric_limits<std::uint64_t>::max(), "Fixes every draw");
    add_number(app, "--samples", settings_.samples, 1, kMaxSamples, "Answers per prompt");
    add_texts(app, "--stop", generate.stop, "Ends the answer before this text; repeatable");
    add_number(app, "--logprobs", generate.logprobs, 0, kMaxLogprobs,
               "Alternatives reported per token, with log-probabilities");
  }

  std::vector<GenerateJob> read_jobs() {
    const bool has_prompt = app()->count("--prompt") > 0;
    if (has_prompt == (app()->count("--prompts-file") > 0)) {
      throw InputError("generate: expected --prompt or --prompts-file");
    }
    if (!settings_.system.empty() && !settings_.chat) {
      throw InputError("generate: --system needs --chat");
    }
    settings_.special = !no_special_;
    if (!has_prompt) return read_generate_jobs(file_, settings_);
    return {text_job(text_argument(prompt_), settings_)};
  }

  int run_one(engine::LocalEngine& engine, std::vector<engine::Request> requests,
              const std::vector<Asked>& asked, Output& out) const {
    run_in_order(engine, std::move(requests), [&](const engine::Completion& completion) {
      require_served(completion);
      const Asked& which = asked[completion.id];
      if (json_) return out.write(json_line(completion_json(*which.job, which.sample, completion)));
      if (asked.size() > 1) out.write(fmt::format("--- sample {}\n", which.sample));
      out.write(completion.text + "\n");
      if (settings_.generate.logprobs > 0) out.write("\n" + token_table(engine, completion));
    });
    return kOk;
  }

  static int run_file(engine::LocalEngine& engine, std::vector<engine::Request> requests,
                      const std::vector<Asked>& asked, Output& out) {
    std::size_t refused = 0;
    const auto sink = [&](const engine::Completion& completion) {
      if (completion.finish == engine::Finish::kRefused) ++refused;
      const Asked& which = asked[completion.id];
      out.write(json_line(completion_json(*which.job, which.sample, completion)));
      out.flush();
    };
    const std::size_t total = requests.size();
    run_in_order(engine, std::move(requests), sink, {terminal_progress(total, "answers")});
    clear_progress();
    if (refused > 0) {
      throw engine::Error(
          fmt::format("{} of {} requests refused, see \"error\" in their lines", refused, total));
    }
    return kOk;
  }

  std::string model_;
  std::string prompt_;
  std::string file_;
  GenerateSettings settings_;
  EngineFlags engine_;
  bool no_special_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> add_generate_command(CLI::App& app) {
  return std::make_unique<GenerateCommand>(
      app.add_subcommand("generate", "Continue a prompt, or a file of prompts"));
}

}  // namespace moebius::runner
