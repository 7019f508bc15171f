// golden.json: what a reference implementation computed for given token ids.
#include "runner/golden.h"

#include <fmt/format.h>

#include <algorithm>

#include "runner/flags.h"
#include "runner/input.h"

namespace moebius::runner {
namespace {

std::string at(const Fields& fields, const char* name) {
  return fmt::format("{}: \"{}\"", fields.where(), name);
}

void require_length(std::size_t found, std::size_t expected, const std::string& where) {
  if (found != expected) {
    throw InputError(fmt::format("{}: expected {} entries, found {}", where, expected, found));
  }
}

/// [outer][inner] of ids or numbers.
template <typename Row>
std::vector<Row> json_rows(const nlohmann::json& value, const std::string& where,
                           Row (*read)(const nlohmann::json&, const std::string&)) {
  std::vector<Row> rows;
  for (const nlohmann::json& item : json_array(value, where)) {
    rows.push_back(read(item, fmt::format("{}[{}]", where, rows.size())));
  }
  return rows;
}

/// Chosen experts of one layer, each position's set in ascending order.
std::vector<std::vector<std::int32_t>> expert_sets(const nlohmann::json& value,
                                                   const std::string& where,
                                                   std::size_t positions) {
  auto sets = json_rows(value, where, json_ids);
  require_length(sets.size(), positions, where);
  for (auto& set : sets) std::sort(set.begin(), set.end());
  return sets;
}

std::vector<std::int32_t> input_ids(const Fields& fields) {
  auto ids = json_ids(fields.at("input_ids"), at(fields, "input_ids"));
  if (ids.empty()) throw InputError(at(fields, "input_ids") + ": expected at least one token");
  return ids;
}

void read_top(const Fields& fields, GoldenCase& golden) {
  golden.top_ids = json_rows(fields.at("top5_ids"), at(fields, "top5_ids"), json_ids);
  golden.top_logprobs =
      json_rows(fields.at("top5_logprobs"), at(fields, "top5_logprobs"), json_numbers);
  require_length(golden.top_ids.size(), golden.ids.size(), at(fields, "top5_ids"));
  require_length(golden.top_logprobs.size(), golden.ids.size(), at(fields, "top5_logprobs"));
  for (std::size_t i = 0; i < golden.top_ids.size(); ++i) {
    if (golden.top_ids[i].empty()) {
      throw InputError(
          fmt::format("{}[{}]: expected at least one token", at(fields, "top5_ids"), i));
    }
    require_length(golden.top_logprobs[i].size(), golden.top_ids[i].size(),
                   fmt::format("{}[{}]", at(fields, "top5_logprobs"), i));
  }
}

void read_hidden(const nlohmann::json& levels, const std::string& where, GoldenCase& golden) {
  golden.hidden_l2 = json_rows(levels, where, json_numbers);
  for (std::size_t level = 0; level < golden.hidden_l2.size(); ++level) {
    require_length(golden.hidden_l2[level].size(), golden.hidden_positions.size(),
                   fmt::format("{}[{}]", where, level));
  }
}

void read_layer_routing(const Fields& fields, GoldenCase& golden) {
  const nlohmann::json& layers = fields.at("routed_experts");
  const std::string where = at(fields, "routed_experts");
  if (!layers.is_object()) {
    throw InputError(fmt::format("{}: expected an object, found {}", where, layers.type_name()));
  }
  for (const auto& [key, sets] : layers.items()) {
    GoldenRouting routing;
    if (!parse_number(key, routing.layer) || routing.layer < 0) {
      throw InputError(fmt::format("{}: expected a layer number, found \"{}\"", where, key));
    }
    routing.experts = expert_sets(sets, fmt::format("{}.{}", where, key), golden.ids.size());
    golden.routing.push_back(std::move(routing));
  }
}

/// One of "cases".
GoldenCase read_case(const nlohmann::json& value, const std::string& where) {
  const Fields fields(value, where);
  GoldenCase golden;
  golden.ids = input_ids(fields);
  golden.name = fmt::format("{} tokens", golden.ids.size());
  golden.logits_last = json_numbers(fields.at("logits_last"), at(fields, "logits_last"));
  read_top(fields, golden);
  golden.next_logprobs =
      json_numbers(fields.at("next_token_logprobs"), at(fields, "next_token_logprobs"));
  require_length(golden.next_logprobs.size(), golden.ids.size() - 1,
                 at(fields, "next_token_logprobs"));
  golden.hidden_positions = {0, static_cast<std::int64_t>(golden.ids.size()) - 1};
  read_hidden(fields.at("hidden_l2"), at(fields, "hidden_l2"), golden);
  read_layer_routing(fields, golden);
  if (fields.has("greedy_16")) {
    golden.greedy = json_ids(fields.at("greedy_16"), at(fields, "greedy_16"));
  }
  return golden;
}

/// One of "prompts".
GoldenCase read_prompt(const nlohmann::json& value, const std::string& where) {
  const Fields fields(value, where);
  GoldenCase golden;
  golden.ids = input_ids(fields);
  golden.name = fmt::format("{}, {} tokens", fields.text("benchmark"), golden.ids.size());
  golden.text = fields.text("prompt");
  golden.logits_last = json_numbers(fields.at("last_logits"), at(fields, "last_logits"));
  for (const std::int32_t id :
       json_ids(fields.at("argmax_per_position"), at(fields, "argmax_per_position"))) {
    golden.top_ids.push_back({id});
  }
  require_length(golden.top_ids.size(), golden.ids.size(), at(fields, "argmax_per_position"));

  for (std::size_t i = 0; i < golden.ids.size(); ++i) {
    golden.hidden_positions.push_back(static_cast<std::int64_t>(i));
  }
  golden.final_norm_apart = true;
  const Fields norms(fields.at("hidden_norms"), at(fields, "hidden_norms"));
  read_hidden(norms.at("values"), at(norms, "values"), golden);

  for (const nlohmann::json& sets : fields.array("experts")) {
    const auto layer = static_cast<std::int64_t>(golden.routing.size());
    golden.routing.push_back(
        {.layer = layer,
         .among_mixtures = true,
         .experts = expert_sets(sets, fmt::format("{}[{}]", at(fields, "experts"), layer),
                                golden.ids.size())});
  }
  golden.greedy = json_ids(fields.at("greedy_ids"), at(fields, "greedy_ids"));
  return golden;
}

}  // namespace

Golden parse_golden(const std::string& json, const std::string& where) {
  const nlohmann::json document = parse_json(json, where);
  const Fields fields(document, where);
  const bool cases = fields.has("cases");
  if (cases == fields.has("prompts")) {
    throw InputError(where + ": expected one of \"cases\", \"prompts\"");
  }
  const char* list = cases ? "cases" : "prompts";
  Golden golden;
  if (fields.has("source")) golden.source = fields.text("source");
  if (fields.has("transformers")) golden.source = "transformers " + fields.text("transformers");
  for (const nlohmann::json& item : fields.array(list)) {
    const std::string place = fmt::format("{}: {}[{}]", where, list, golden.cases.size());
    golden.cases.push_back(cases ? read_case(item, place) : read_prompt(item, place));
  }
  if (golden.cases.empty()) throw InputError(fmt::format("{}: \"{}\" is empty", where, list));
  return golden;
}

Golden read_golden(const std::string& path) {
  return parse_golden(read_all(path, kMaxGoldenBytes), input_name(path));
}

}  // namespace moebius::runner
