// model verify --determinism: the same tokens must give the same bits, whatever else is
// computed beside them and however the work is cut.
#include "runner/verify_determinism.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "engine/text/tokenizer.h"
#include "runner/requests.h"

namespace moebius::runner {
namespace {

constexpr std::int32_t kNewTokens = 8;
constexpr std::int32_t kTopLogprobs = 5;
constexpr std::int32_t kWholeStep = 1024;  // rows; more than the longest sequence, so that
                                           // the plain run never cuts one

/// splitmix64: small, seeded, the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  std::int32_t below(std::int32_t limit) {
    return static_cast<std::int32_t>(next() % static_cast<std::uint64_t>(limit));
  }
  std::vector<std::int32_t> ids(std::int32_t count, std::int32_t vocab) {
    std::vector<std::int32_t> all(static_cast<std::size_t>(count));
    for (std::int32_t& id : all) id = below(vocab);
    return all;
  }

 private:
  std::uint64_t state_;
};

using Sequences = std::vector<std::vector<std::int32_t>>;
using Indexes = std::vector<std::size_t>;

Sequences choose_sequences(Random& random, std::int32_t vocab, std::int32_t context) {
  Sequences sequences;
  for (const std::int32_t length : {5, 64, 65, 150, 600}) {
    const std::int32_t fits = std::min(length, context - kNewTokens);
    if (fits < 2) throw engine::Error(fmt::format("context of {} tokens is too short", context));
    sequences.push_back(random.ids(fits, vocab));
  }
  // Shares two thirds of another sequence, an uneven number of tokens.
  std::vector<std::int32_t> branch = sequences[3];
  const std::size_t keep = branch.size() * 2 / 3 | 1;
  for (std::size_t i = std::min(keep, branch.size() - 1); i < branch.size(); ++i) {
    branch[i] = random.below(vocab);
  }
  sequences.push_back(std::move(branch));
  return sequences;
}

engine::Request score_request(const std::vector<std::int32_t>& ids, std::size_t split) {
  const auto middle = ids.begin() + static_cast<std::ptrdiff_t>(split);
  return {.prompt = {.ids = {ids.begin(), middle}},
          .score = engine::Score{{{.ids = {middle, ids.end()}}}}};
}

engine::Request generate_request(const std::vector<std::int32_t>& ids, float temperature) {
  const engine::Sampling sampling{.temperature = temperature, .top_p = 0.95F, .seed = 7};
  return {.prompt = {.ids = ids},
          .generate = engine::Generate{.max_new_tokens = kNewTokens,
                                       .sampling = sampling,
                                       .ignore_eos = true,
                                       .logprobs = kTopLogprobs}};
}

std::vector<engine::Request> make_requests(const Sequences& sequences) {
  std::vector<engine::Request> requests;
  for (const auto& ids : sequences) {
    requests.push_back(score_request(ids, 1));
    requests.push_back(generate_request(ids, 0));
    requests.push_back(generate_request(ids, 1));
    requests.back().sample = requests.size();
  }
  return requests;
}

/// A completion as bits.
struct Bits {
  std::vector<std::uint32_t> words;
  std::int64_t not_finite = 0;

  void add(std::int32_t id) { words.push_back(static_cast<std::uint32_t>(id)); }
  void add(float logprob) {
    words.push_back(std::bit_cast<std::uint32_t>(logprob));
    if (!std::isfinite(logprob)) ++not_finite;
  }
};

Bits to_bits(const engine::Completion& completion) {
  require_served(completion);
  Bits bits;
  for (const engine::GeneratedToken& token : completion.tokens) {
    bits.add(token.id);
    bits.add(token.logprob);
    for (const engine::TokenChoice& choice : token.top) {
      bits.add(choice.id);
      bits.add(choice.logprob);
    }
  }
  for (const engine::ScoredContinuation& continuation : completion.continuations) {
    for (const float logprob : continuation.logprobs) bits.add(logprob);
  }
  return bits;
}

void compare(const Bits& got, const Bits& want, const std::string& where, VariantReport& report) {
  const std::size_t count = std::max(got.words.size(), want.words.size());
  report.values += static_cast<std::int64_t>(count);
  report.not_finite += got.not_finite;
  for (std::size_t i = 0; i < count; ++i) {
    const bool both = i < got.words.size() && i < want.words.size();
    if (both && got.words[i] == want.words[i]) continue;
    if (report.differences++ == 0) report.first = fmt::format("{}, value {}", where, i);
  }
}

/// Everything that is compared, and what the plain run made of it.
class SelfTest {
 public:
  SelfTest(const EngineFactory& load, const DeterminismOptions& options,
           const std::function<void(const std::string&)>& progress)
      : load_(load), options_(options), progress_(progress), random_(options.seed) {}

  DeterminismReport run();

 private:
  static engine::LocalOptions plain() {
    return {.threads = 1, .max_batch_rows = kWholeStep, .share_prefixes = false};
  }
  void prepare(engine::LocalEngine& engine);
  VariantReport& start(const std::string& name);
  Indexes in_order() const;
  void run_together(engine::LocalEngine& engine, const Indexes& which, std::size_t mates,
                    VariantReport& report);
  void run_batches(engine::LocalEngine& engine, const std::string& name, const Indexes& order,
                   std::size_t batch);
  void run_batch_variants(engine::LocalEngine& engine);
  void run_option_variants();
  void run_device_variants();
  void run_set(const std::string& name, const engine::LocalOptions& options);
  void score_generated(engine::LocalEngine& engine, const std::string& name);

  const EngineFactory& load_;
  const DeterminismOptions& options_;
  const std::function<void(const std::string&)>& progress_;
  Random random_;
  std::int32_t vocab_ = 0;
  std::vector<engine::Request> requests_;
  std::vector<engine::Completion> alone_;  // of requests_
  std::vector<Bits> bits_;                 // of alone_
  DeterminismReport report_;
};

void SelfTest::prepare(engine::LocalEngine& engine) {
  // A padded vocabulary has ids that no tokenizer knows.
  vocab_ = engine.info().vocab;
  if (engine.has_tokenizer()) vocab_ = std::min(vocab_, engine.tokenizer().vocab());
  const Sequences sequences = choose_sequences(random_, vocab_, engine.info().context);
  for (const auto& ids : sequences) {
    report_.lengths.push_back(static_cast<std::int32_t>(ids.size()));
  }
  requests_ = make_requests(sequences);
  report_.requests = static_cast<std::int64_t>(requests_.size());
  if (progress_) progress_("each alone");
  for (const engine::Request& request : requests_) {
    alone_.push_back(std::move(engine::run(engine, {request}).at(0)));
    bits_.push_back(to_bits(alone_.back()));
  }
}

VariantReport& SelfTest::start(const std::string& name) {
  if (progress_) progress_(name);
  report_.variants.push_back({.name = name});
  return report_.variants.back();
}

Indexes SelfTest::in_order() const {
  Indexes order(requests_.size());
  std::iota(order.begin(), order.end(), 0);
  return order;
}

/// One set of requests: those at `which`, and `mates` short ones nobody compares.
void SelfTest::run_together(engine::LocalEngine& engine, const Indexes& which, std::size_t mates,
                            VariantReport& report) {
  std::vector<engine::Request> set;
  for (const std::size_t index : which) set.push_back(requests_[index]);
  for (std::size_t i = 0; i < mates; ++i) {
    const std::int32_t length = std::min(2 + random_.below(30), engine.info().context - kNewTokens);
    set.push_back(generate_request(random_.ids(length, vocab_), 0));
  }
  for (std::size_t i = 0; i < set.size(); ++i) set[i].id = i;
  const std::vector<engine::Completion> completions = engine::run(engine, std::move(set));
  for (std::size_t i = 0; i < which.size(); ++i) {
    compare(to_bits(completions.at(i)), bits_[which[i]], fmt::format("request {}", which[i]),
            report);
  }
}

/// All requests in `order`, `batch` at a time, the last batch filled up with mates.
void SelfTest::run_batches(engine::LocalEngine& engine, const std::string& name,
                           const Indexes& order, std::size_t batch) {
  VariantReport& report = start(name);
  for (std::size_t begin = 0; begin < order.size(); begin += batch) {
    const std::size_t end = std::min(begin + batch, order.size());
    const Indexes which(order.begin() + static_cast<std::ptrdiff_t>(begin),
                        order.begin() + static_cast<std::ptrdiff_t>(end));
    run_together(engine, which, batch - which.size(), report);
  }
}

void SelfTest::run_batch_variants(engine::LocalEngine& engine) {
  const Indexes order = in_order();
  for (const std::int32_t batch : options_.batches) {
    run_batches(engine, fmt::format("batch of {}", batch), order, static_cast<std::size_t>(batch));
  }
  const Indexes reversed(order.rbegin(), order.rend());
  run_batches(engine, "batch of 7, reverse order", reversed, 7);
  Indexes shuffled = order;
  for (const int round : {1, 2}) {
    for (std::size_t i = shuffled.size() - 1; i > 0; --i) {
      std::swap(shuffled[i], shuffled[random_.next() % (i + 1)]);
    }
    run_batches(engine, fmt::format("batch of 7, random order {}", round), shuffled, 7);
  }
}

/// Loads anew and runs all requests as one set.
void SelfTest::run_set(const std::string& name, const engine::LocalOptions& options) {
  const auto engine = load_(options);
  run_batches(*engine, name, in_order(), requests_.size());
}

void SelfTest::run_option_variants() {
  for (const std::int32_t chunk : {1, 7, 64}) {
    engine::LocalOptions options = plain();
    options.prefill_chunk = chunk;
    run_set(fmt::format("prefill chunks of {}", chunk), options);
  }
  run_set("prefill in one piece", plain());

  engine::LocalOptions launched = plain();
  launched.graphs = false;
  run_set("without graphs", launched);

  engine::LocalOptions narrow = plain();
  narrow.max_batch_rows = 16;
  run_set("steps of 16 rows", narrow);

  engine::LocalOptions threads = plain();
  threads.threads = 2;
  run_set("2 threads", threads);
  threads.prefill_chunk = 7;
  run_set("2 threads, chunks of 7", threads);

  engine::LocalOptions shared = plain();
  shared.share_prefixes = true;
  const auto engine = load_(shared);
  run_batches(*engine, "prefixes shared", in_order(), requests_.size());
  run_batches(*engine, "prefixes shared, again", in_order(), requests_.size());
  score_generated(*engine, "generated, then scored, prefixes shared");
}

/// The requests dealt out among replicas: whole, in another order, and with what shares a prefix.
void SelfTest::run_device_variants() {
  engine::LocalOptions several = plain();
  several.devices = options_.devices;
  const std::string name = fmt::format("{} devices", options_.devices);
  {
    const auto engine = load_(several);
    const Indexes order = in_order();
    run_batches(*engine, name, order, order.size());
    run_batches(*engine, name + ", reverse order", {order.rbegin(), order.rend()}, order.size());
    run_batches(*engine, name + ", batch of 64", order, 64);
  }
  several.share_prefixes = true;
  run_set(name + ", prefixes shared", several);
}

/// A generated token's log-probability must be the one that scoring it gives.
void SelfTest::score_generated(engine::LocalEngine& engine, const std::string& name) {
  VariantReport& report = start(name);
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (!requests_[i].generate) continue;
    Bits want;
    std::vector<std::int32_t> ids = requests_[i].prompt.ids;
    for (const engine::GeneratedToken& token : alone_[i].tokens) {
      ids.push_back(token.id);
      want.add(token.logprob);
    }
    const auto scored = engine::run(engine, {score_request(ids, requests_[i].prompt.ids.size())});
    compare(to_bits(scored.at(0)), want, fmt::format("request {}", i), report);
  }
}

DeterminismReport SelfTest::run() {
  {
    const auto engine = load_(plain());
    prepare(*engine);
    run_batch_variants(*engine);
    score_generated(*engine, "generated, then scored");
  }
  run_option_variants();
  if (options_.devices > 1) run_device_variants();
  return std::move(report_);
}

}  // namespace

bool DeterminismReport::pass() const {
  return !variants.empty() && std::all_of(variants.begin(), variants.end(),
                                          [](const VariantReport& v) { return v.pass(); });
}

DeterminismReport verify_determinism(const EngineFactory& load, const DeterminismOptions& options,
                                     const std::function<void(const std::string&)>& progress) {
  return SelfTest(load, options, progress).run();
}

}  // namespace moebius::runner
