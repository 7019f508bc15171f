// JSON lines from outside as requests: prompts to continue, continuations to score.
#include "runner/prompt_lines.h"

#include <fmt/format.h>

#include <limits>

#include "runner/input.h"

namespace moebius::runner {
namespace {

/// Names a line in the output: text or a whole number, else the line's own number.
Json line_id(const Fields& fields, std::size_t index) {
  if (!fields.has("id")) return index;
  const nlohmann::json& id = fields.at("id");
  if (!id.is_string() && !id.is_number_integer()) {
    throw InputError(fmt::format("{}: \"id\": expected a string or an integer, found {}",
                                 fields.where(), id.type_name()));
  }
  return id;
}

/// `fallback` if the line does not say.
std::int32_t integer_or(const Fields& fields, const char* name, std::int32_t low, std::int32_t high,
                        std::int32_t fallback) {
  return fields.has(name) ? static_cast<std::int32_t>(fields.integer(name, low, high)) : fallback;
}

float number_or(const Fields& fields, const char* name, double low, double high, float fallback) {
  return fields.has(name) ? static_cast<float>(fields.number(name, low, high)) : fallback;
}

void override_generate(const Fields& fields, engine::Generate& generate) {
  constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
  engine::Sampling& sampling = generate.sampling;
  generate.max_new_tokens =
      integer_or(fields, "max_new_tokens", 1, kMaxNewTokens, generate.max_new_tokens);
  generate.logprobs = integer_or(fields, "logprobs", 0, kMaxLogprobs, generate.logprobs);
  sampling.temperature = number_or(fields, "temperature", 0, 1e6, sampling.temperature);
  sampling.top_p = number_or(fields, "top_p", 1e-9, 1, sampling.top_p);
  sampling.min_p = number_or(fields, "min_p", 0, 1, sampling.min_p);
  sampling.top_k = integer_or(fields, "top_k", 0, kMax, sampling.top_k);
  if (fields.has("seed")) {
    sampling.seed = static_cast<std::uint64_t>(
        fields.integer("seed", 0, std::numeric_limits<std::int64_t>::max()));
  }
  if (fields.has("stop")) generate.stop = fields.texts("stop");
}

void set_text(const std::string& text, const GenerateSettings& settings, GenerateJob& job) {
  if (!settings.chat) {
    job.prompt.text = text;
    job.prompt.special = settings.special;
    return;
  }
  if (!settings.system.empty()) job.messages.push_back({"system", settings.system});
  job.messages.push_back({"user", text});
}

void set_prompt(const Fields& fields, const GenerateSettings& settings, GenerateJob& job) {
  const int given =
      int{fields.has("prompt")} + int{fields.has("ids")} + int{fields.has("messages")};
  if (given != 1) {
    throw InputError(
        fmt::format("{}: expected one of \"prompt\", \"ids\", \"messages\", found {} of them",
                    fields.where(), given));
  }
  if (fields.has("prompt")) {
    set_text(fields.text("prompt"), settings, job);
  } else if (fields.has("messages")) {
    job.messages = json_messages(fields.at("messages"), fields.where() + ": \"messages\"");
  } else {
    job.prompt.ids = json_ids(fields.at("ids"), fields.where() + ": \"ids\"");
    if (job.prompt.ids.empty()) throw InputError(fields.where() + ": \"ids\" is empty");
  }
}

engine::Prompt text_or_ids(const nlohmann::json& value, const std::string& where) {
  engine::Prompt prompt;
  if (value.is_string()) {
    prompt.text = value.get<std::string>();
  } else if (value.is_array()) {
    prompt.ids = json_ids(value, where);
  } else {
    throw InputError(fmt::format("{}: expected a string or an array of token ids, found {}", where,
                                 value.type_name()));
  }
  return prompt;
}

template <typename Job>
std::vector<Job> read_jobs(const std::string& path, auto&& read_job) {
  std::vector<Job> jobs;
  LineReader lines(path);
  std::string line;
  while (lines.next(line)) {
    const nlohmann::json object = parse_json(line, lines.where());
    jobs.push_back(read_job(Fields(object, lines.where()), jobs.size()));
  }
  if (jobs.empty()) throw InputError(input_name(path) + ": holds no lines");
  return jobs;
}

}  // namespace

GenerateJob text_job(const std::string& text, const GenerateSettings& settings) {
  GenerateJob job{.id = 0, .generate = settings.generate, .samples = settings.samples};
  set_text(text, settings, job);
  return job;
}

std::vector<GenerateJob> read_generate_jobs(const std::string& path,
                                            const GenerateSettings& settings) {
  return read_jobs<GenerateJob>(path, [&](const Fields& fields, std::size_t index) {
    GenerateJob job{.id = line_id(fields, index), .generate = settings.generate};
    set_prompt(fields, settings, job);
    override_generate(fields, job.generate);
    job.samples = integer_or(fields, "samples", 1, kMaxSamples, settings.samples);
    return job;
  });
}

std::vector<ScoreJob> read_score_jobs(const std::string& path) {
  return read_jobs<ScoreJob>(path, [](const Fields& fields, std::size_t index) {
    ScoreJob job{.id = line_id(fields, index)};
    job.context = text_or_ids(fields.at("context"), fields.where() + ": \"context\"");
    for (const nlohmann::json& item : fields.array("continuations")) {
      job.continuations.push_back(text_or_ids(
          item,
          fmt::format("{}: \"continuations\"[{}]", fields.where(), job.continuations.size())));
      job.continuations.back().add_bos = false;
    }
    if (job.continuations.empty()) {
      throw InputError(fields.where() + ": \"continuations\" is empty");
    }
    return job;
  });
}

std::vector<engine::Message> json_messages(const nlohmann::json& value, const std::string& where) {
  std::vector<engine::Message> messages;
  for (const nlohmann::json& item : json_array(value, where)) {
    const Fields fields(item, fmt::format("{}[{}]", where, messages.size()));
    messages.push_back({fields.text("role"), fields.text("content")});
  }
  if (messages.empty()) throw InputError(where + ": expected at least one message");
  return messages;
}

std::vector<engine::Request> to_requests(const GenerateJob& job,
                                         const engine::LocalEngine& engine) {
  engine::Request request{.prompt = job.prompt, .generate = job.generate};
  if (!job.messages.empty()) {
    // A chat template writes its own BOS, where the model wants one.
    request.prompt.text = engine::render_chat(engine.tokenizer(), job.messages);
    request.prompt.add_bos = false;
  }
  std::vector<engine::Request> requests;
  for (std::int32_t sample = 0; sample < job.samples; ++sample) {
    request.sample = static_cast<std::uint64_t>(sample);
    requests.push_back(request);
  }
  return requests;
}

engine::Request to_request(const ScoreJob& job) {
  return {.prompt = job.context, .score = engine::Score{job.continuations}};
}

}  // namespace moebius::runner
