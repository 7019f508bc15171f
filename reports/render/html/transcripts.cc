// Streams transcripts into data blocks.
#include "reports/render/html/transcripts.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "reports/render/escape.h"
#include "reports/render/json_values.h"

namespace moebius::reports::html {
namespace {

using nlohmann::ordered_json;

class TextBlocks {
 public:
  TextBlocks(std::size_t run, Page& page, const HtmlSink& sink)
      : run_(run), page_(page), sink_(sink), limit_(page.budget.limit()) {}

  void add(const Sample& sample) {
    ordered_json json = ordered_json::object();
    if (count_ == 0 || sample.item.item != item_ || sample.set != set_) {
      item_ = sample.item.item;
      set_ = sample.set;
      add_question(sample.item, limit_, json);
    }
    sample.failure.empty() ? add_answer(sample, limit_, json) : add_failure(sample, limit_, json);
    texts_ += 2;  // as they were measured
    block_ += block_.empty() ? "[" : ",\n";
    block_ += dump_json(json, -1);
    ++count_;
    if (block_.size() >= kBlockBytes) flush();
  }

  void flush() {
    if (count_ == 0) return;
    block_ += "]";
    const std::string html = data_block(
        fmt::format("class=\"texts\" data-run=\"{}\" data-first=\"{}\"", run_, first_), block_);
    sink_(html);
    page_.budget.spent(texts_, block_.size(), html.size());
    limit_ = page_.budget.limit();
    first_ += count_;
    count_ = texts_ = 0;
    block_.clear();
  }

 private:
  static constexpr std::size_t kBlockBytes = 1 << 20;

  /// Whole, or {head, tail, left_out}.
  static ordered_json text_json(const std::string& text, std::size_t limit) {
    const std::string valid = valid_utf8(text);
    const Clip clipped = clip(valid, limit);
    if (clipped.left_out == 0) return valid;
    return {{"head", clipped.head}, {"tail", clipped.tail}, {"left_out", clipped.left_out}};
  }

  static void add_question(const Item& item, std::size_t limit, ordered_json& json) {
    json["prompt"] = text_json(item.prompt, limit);
    json["target"] = text_json(item.target, limit);
    json["prompt_tokens"] = item.prompt_tokens;
    json["prompt_sha256"] = item.prompt_sha256;
    json["cluster"] = item.cluster;
    json["tags"] = item.tags == "{}" ? "" : item.tags;
  }

  static void add_failure(const Sample& sample, std::size_t limit, ordered_json& json) {
    json["failure"] = sample.failure;
    json["message"] = text_json(sample.message, limit);
  }

  static void add_answer(const Sample& sample, std::size_t limit, ordered_json& json) {
    json["text"] = text_json(sample.text, limit);
    json["finish"] = sample.finish;
    json["stop"] = sample.stop;
    json["output_tokens"] = sample.output_tokens;
    json["cached_tokens"] = sample.cached_tokens;
    json["latency_ms"] = static_cast<double>(sample.latency_us) / 1000;
    json["output_sha256"] = sample.output_sha256;
    for (const scorers::Choice& choice : sample.choices) {
      json["choices"].push_back({choice.logprob, choice.tokens, choice.bytes});
    }
    for (const StoredScore& score : sample.scores) json["scores"].push_back(judged(score, limit));
  }

  static ordered_json judged(const StoredScore& stored, std::size_t limit) {
    const scorers::Score& score = stored.score;
    ordered_json json = {{"scorer", stored.scorer},
                         {"version", stored.version},
                         {"verdict", scorers::verdict_name(score.verdict)},
                         {"value", score.value},
                         {"reason", score.reason},
                         {"sandbox", score.sandbox},
                         {"extracted", text_json(score.extracted, limit)}};
    for (const scorers::TestOutcome& test : score.tests) {
      json["tests"].push_back({scorers::verdict_name(test.verdict), test.cpu_seconds, test.detail});
    }
    return json;
  }

  const std::size_t run_;
  Page& page_;
  const HtmlSink& sink_;
  std::size_t limit_;  // of each text in this block
  std::string block_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::size_t texts_ = 0;
  std::string item_;
  std::int64_t set_ = 0;
};

}  // namespace

void write_transcripts(std::size_t run, Page& page, const HtmlSink& sink) {
  TextBlocks blocks(run, page, sink);
  const BoardSource& source = page.runs[run].source;
  source.reader->each_sample(source.run.id, "",
                             [&](const SampleRow& row) { blocks.add(row.sample); });
  blocks.flush();
}

}  // namespace moebius::reports::html
