// Bytes per second through the tokenizer on one core.
//
//   tokenizer_bench TOKENIZER_JSON TEXT_FILE... [--benchmark_...]
#include <benchmark/benchmark.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/text/tokenizer.h"

namespace {

using moebius::engine::Tokenizer;

std::string read_file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error(std::string(path) + ": cannot be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

void load(benchmark::State& state, const std::string& json) {
  for (auto _ : state) benchmark::DoNotOptimize(Tokenizer::parse(json, "", "bench"));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(json.size()));
}

void encode(benchmark::State& state, const Tokenizer& tokenizer, const std::string& text) {
  std::size_t tokens = 0;
  for (auto _ : state) {
    const auto ids = tokenizer.encode(text);
    benchmark::DoNotOptimize(ids.data());
    tokens = ids.size();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.counters["bytes_per_token"] =
      static_cast<double>(text.size()) / static_cast<double>(tokens);
}

void decode(benchmark::State& state, const Tokenizer& tokenizer, const std::string& text) {
  const auto ids = tokenizer.encode(text);
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer.decode(ids));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc < 3) {
    std::fprintf(stderr, "usage: tokenizer_bench TOKENIZER_JSON TEXT_FILE...\n");
    return 2;
  }
  const std::string json = read_file(argv[1]);
  const auto tokenizer = Tokenizer::parse(json, "", argv[1]);
  benchmark::RegisterBenchmark("load", [&json](auto& state) {
    load(state, json);
  })->Unit(benchmark::kMillisecond);
  for (int i = 2; i < argc; ++i) {
    const std::string name = argv[i];
    const std::string text = read_file(argv[i]);
    benchmark::RegisterBenchmark(("encode/" + name).c_str(), [&tokenizer, text](auto& state) {
      encode(state, *tokenizer, text);
    })->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(("decode/" + name).c_str(), [&tokenizer, text](auto& state) {
      decode(state, *tokenizer, text);
    })->Unit(benchmark::kMillisecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tokenizer_bench: %s\n", error.what());
    return 2;
  }
}
