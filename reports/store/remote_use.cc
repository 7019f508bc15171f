// What a run used of a server: kept as JSON with the attempt's environment, summed when read.
#include "reports/store/remote_use.h"

#include <nlohmann/json.hpp>

#include "reports/store/json_integer.h"

namespace moebius::reports {
namespace {

using RemoteJson = nlohmann::json;

RemoteJson remote_json(const RemoteUse& use) {
  return {{"dialect", use.dialect},
          {"endpoint", use.endpoint},
          {"model", use.model},
          {"models", use.models},
          {"fingerprints", use.fingerprints},
          {"answers", use.answers},
          {"attempts", use.attempts},
          {"prompt_tokens", use.prompt_tokens},
          {"cached_tokens", use.cached_tokens},
          {"output_tokens", use.output_tokens},
          {"reasoning_tokens", use.reasoning_tokens},
          {"uncounted", use.uncounted},
          {"price_in", use.price_in},
          {"price_out", use.price_out},
          {"cost", use.cost},
          {"currency", use.currency}};
}

void add_counts(const RemoteJson& counts, std::map<std::string, std::int64_t>& to) {
  for (const auto& [name, count] : counts.items()) to[name] += json_count(count);
}

void add_attempt(const RemoteJson& json, RemoteUse& use) {
  use.dialect = json.at("dialect");
  use.endpoint = json.at("endpoint");
  use.model = json.at("model");
  add_counts(json.at("models"), use.models);
  add_counts(json.at("fingerprints"), use.fingerprints);
  use.answers += json_count(json.at("answers"));
  use.attempts += json_count(json.at("attempts"));
  use.prompt_tokens += json_count(json.at("prompt_tokens"));
  use.cached_tokens += json_count(json.at("cached_tokens"));
  use.output_tokens += json_count(json.at("output_tokens"));
  use.reasoning_tokens += json_count(json.at("reasoning_tokens"));
  use.uncounted += json_count(json.at("uncounted"));
  use.price_in = json.at("price_in");
  use.price_out = json.at("price_out");
  use.cost += json.at("cost").get<double>();
  const std::string currency = json.at("currency");
  if (!currency.empty()) use.currency = currency;
}

}  // namespace

void note_remote(Database& database, std::int64_t run, const RemoteUse& use) {
  Statement update(database,
                   "UPDATE environments SET environment = json_set(environment, '$.remote',"
                   " json(?2)) WHERE id = (SELECT max(id) FROM environments WHERE run_id = ?1)");
  const std::string text =
      remote_json(use).dump(-1, ' ', false, RemoteJson::error_handler_t::replace);
  update.bind(1, run).bind(2, text).run();
  if (database.changes() == 0) {
    throw Error(database.path() + ": no run " + std::to_string(run));
  }
}

std::optional<RemoteUse> read_remote(Database& database, std::int64_t run) {
  Statement select(database,
                   "SELECT json_extract(environment, '$.remote') FROM environments WHERE"
                   " run_id = ? AND CASE WHEN json_valid(environment) THEN"
                   " json_type(environment, '$.remote') END = 'object' ORDER BY id");
  select.bind(1, run);
  std::optional<RemoteUse> all;
  while (select.step()) {
    if (!all) all.emplace();
    try {
      add_attempt(RemoteJson::parse(select.text(0)), *all);
    } catch (const std::exception& error) {  // json's and ours
      throw Error(database.path() + ": run " + std::to_string(run) +
                  ": what is stored of its server cannot be read: " + error.what());
    }
  }
  return all;
}

}  // namespace moebius::reports
