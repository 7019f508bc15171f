// Options of commands that can ask a model behind an API: which server, how fast, at what price.
#include "runner/remote_flags.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdlib>

#include "runner/flags.h"
#include "runner/input.h"
#include "runner/output.h"

namespace moebius::runner {
namespace {

constexpr int kMostConcurrent = 100'000;
constexpr double kMostPerMinute = 1e12;
constexpr double kMostMoney = 1e12;
constexpr double kLongestSeconds = 7 * 24 * 3600;

}  // namespace

std::optional<RemoteModel> parse_remote_model(const std::string& model) {
  for (const char* dialect : {"openai", "deepseek", "anthropic"}) {
    const std::string prefix = std::string(dialect) + ":";
    if (!model.starts_with(prefix)) continue;
    return RemoteModel{.dialect = dialect, .name = model.substr(prefix.size())};
  }
  if (!model.starts_with("https://") && !model.starts_with("http://")) return std::nullopt;
  const std::size_t hash = model.find('#');
  if (hash == std::string::npos) {
    throw InputError("--model: expected the model's name behind the address: https://HOST/v1#NAME");
  }
  return RemoteModel{
      .dialect = "compatible", .endpoint = model.substr(0, hash), .name = model.substr(hash + 1)};
}

std::string expand_environment(const std::string& text) {
  std::string expanded;
  std::size_t at = 0;
  for (std::size_t open = 0; (open = text.find("${", at)) != std::string::npos;) {
    const std::size_t close = text.find('}', open);
    if (close == std::string::npos) throw InputError("--header: expected } behind ${");
    const std::string name = text.substr(open + 2, close - open - 2);
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) {
      throw InputError(fmt::format("--header: the environment has no {}", one_line(name)));
    }
    expanded += text.substr(at, open - at) + value;
    at = close + 1;
  }
  return expanded + text.substr(at);
}

void RemoteFlags::add(CLI::App& app) {
  const auto keep = [&](CLI::Option* option) { all_.push_back(option->group("Remote models")); };
  const auto text = [&](const char* name, std::string& value, const char* type, const char* what) {
    CLI::Option* option = app.add_option(name, value, what)->type_name(type);
    keep(option);
    return option;
  };
  text("--endpoint", options_.endpoint, "URL",
       "Another address for openai:, deepseek:, anthropic:");
  text("--key-file", options_.key_file, "FILE",
       "Its first line is the key, instead of $OPENAI_API_KEY, $DEEPSEEK_API_KEY, "
       "$ANTHROPIC_API_KEY, or $MOEBIUS_API_KEY for other servers");
  text("--ca-file", options_.ca_file, "FILE", "Certificates to trust instead of the system's");
  keep(add_texts(app, "--header", headers_,
                 "Sent with each request, \"NAME: VALUE\"; ${VARIABLE} in it is taken from the "
                 "environment; repeatable"));
  text("--concurrency", concurrency_, "N", "Requests in flight; auto: as many as the server bears")
      ->capture_default_str();
  keep(add_number(app, "--rpm", options_.requests_per_minute, 0.0, kMostPerMinute,
                  "Requests per minute; 0: no limit"));
  keep(add_number(app, "--tpm", options_.tokens_per_minute, 0.0, kMostPerMinute,
                  "Tokens per minute; 0: no limit"));
  keep(add_number(app, "--price-in", options_.price_in, 0.0, kMostMoney,
                  "Per million prompt tokens"));
  keep(add_number(app, "--price-out", options_.price_out, 0.0, kMostMoney,
                  "Per million answered tokens"));
  text("--currency", currency_, "NAME", "Of the prices")->capture_default_str();
  keep(add_number(app, "--cost-limit", options_.cost_limit, 0.0, kMostMoney,
                  "This call of the command stops before it spends more; 0: no limit"));
  keep(add_number(app, "--idle-timeout", idle_s_, 1.0, kLongestSeconds,
                  "Seconds without a byte until a request is tried again"));
  keep(add_number(app, "--timeout", total_s_, 1.0, kLongestSeconds,
                  "Seconds until a request is tried again in any case"));
  keep(app.add_flag("--no-stream", no_stream_, "Ask for answers in one piece"));
}

engine::RemoteOptions RemoteFlags::options(const RemoteModel& model) const {
  engine::RemoteOptions options = options_;
  options.dialect = model.dialect;
  options.model = model.name;
  if (!model.endpoint.empty()) {
    if (!options_.endpoint.empty()) {
      throw InputError("--endpoint: the address is part of --model already");
    }
    options.endpoint = model.endpoint;
  }
  if (concurrency_ != "auto" &&
      (!parse_number(concurrency_, options.concurrency) || options.concurrency < 1 ||
       options.concurrency > kMostConcurrent)) {
    throw InputError(fmt::format("--concurrency: expected auto or 1 .. {}, found '{}'",
                                 kMostConcurrent, one_line(concurrency_)));
  }
  if (options.cost_limit > 0 && currency().empty()) {
    throw InputError("--cost-limit: expected --price-in and --price-out with it");
  }
  for (const std::string& header : headers_) {
    options.headers.push_back(expand_environment(header));
  }
  options.idle_us = static_cast<std::int64_t>(idle_s_ * 1e6);
  options.total_us = static_cast<std::int64_t>(total_s_ * 1e6);
  options.stream = !no_stream_;
  return options;
}

std::string RemoteFlags::currency() const {
  return options_.price_in > 0 || options_.price_out > 0 ? currency_ : "";
}

void RemoteFlags::refuse_for_local() const {
  for (const CLI::Option* option : all_) {
    if (option->count() == 0) continue;
    throw InputError(option->get_name() + ": for models behind an API only");
  }
}

void forbid_core_dumps() {
  // One byte: too little for a file, and the kernel's sign that no handler is to be started either.
  const rlimit nothing{1, 1};
  ::setrlimit(RLIMIT_CORE, &nothing);
}

}  // namespace moebius::runner
