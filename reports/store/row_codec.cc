// The two columns that hold lists, written and read as JSON.
#include "reports/store/row_codec.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>

#include "reports/store.h"
#include "reports/store/json_integer.h"

namespace moebius::reports {
namespace {

using nlohmann::json;

void append_number(std::string& to, double value) {
  if (std::isnan(value)) {
    to += "\"nan\"";
  } else if (std::isinf(value)) {
    to += value > 0 ? "\"inf\"" : "\"-inf\"";
  } else {
    fmt::format_to(std::back_inserter(to), "{}", value);  // shortest that reads back the same
  }
}

std::int32_t int32(const json& value) {
  return static_cast<std::int32_t>(json_integer(value, std::numeric_limits<std::int32_t>::max()));
}

double number(const json& value) {
  if (value.is_number()) return value.get<double>();
  const std::string& text = value.get_ref<const std::string&>();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  throw Error("number expected in a stored list, found \"" + text + "\"");
}

/// Calls `row` for every entry, each a list of three.
template <typename Row>
void each_triple(const char* column, std::string_view text, Row row) {
  if (text.empty()) return;
  try {
    const json list = json::parse(text);
    for (const json& entry : list) {
      if (entry.size() != 3) throw Error("an entry has not three values");
      row(entry.at(0), entry.at(1), entry.at(2));
    }
  } catch (const std::exception& error) {  // json's and ours
    throw Error(std::string("stored column ") + column + " cannot be read: " + error.what());
  }
}

}  // namespace

std::string encode_choices(const std::vector<scorers::Choice>& choices) {
  std::string text;
  if (choices.empty()) return text;
  text.reserve(choices.size() * 32);
  for (const scorers::Choice& choice : choices) {
    text += text.empty() ? "[[" : ",[";
    append_number(text, choice.logprob);
    fmt::format_to(std::back_inserter(text), ",{},{}]", choice.tokens, choice.bytes);
  }
  return text + "]";
}

std::vector<scorers::Choice> decode_choices(std::string_view text) {
  std::vector<scorers::Choice> choices;
  each_triple("choices", text, [&](const json& logprob, const json& tokens, const json& bytes) {
    choices.push_back({number(logprob), int32(tokens), int32(bytes)});
  });
  return choices;
}

std::string encode_tests(const std::vector<scorers::TestOutcome>& tests) {
  if (tests.empty()) return {};
  json list = json::array();
  for (const scorers::TestOutcome& test : tests) {
    list.push_back({scorers::verdict_name(test.verdict), test.cpu_seconds, test.detail});
  }
  return list.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<scorers::TestOutcome> decode_tests(std::string_view text) {
  std::vector<scorers::TestOutcome> tests;
  each_triple("tests", text, [&](const json& verdict, const json& seconds, const json& detail) {
    tests.push_back({decode_verdict(verdict.get_ref<const std::string&>()),
                     seconds.is_null() ? 0 : number(seconds), detail.get<std::string>()});
  });
  return tests;
}

scorers::Verdict decode_verdict(std::string_view name) {
  scorers::Verdict verdict{};
  if (!scorers::parse_verdict(name, verdict)) {
    throw Error("stored verdict \"" + std::string(name) + "\" is not known to this version");
  }
  return verdict;
}

}  // namespace moebius::reports
