// The one door to a model: load it, ask it for tokens or log-probabilities,
// hear back later. Includes no CUDA and no JSON header; tensors, layers and
// the KV cache stay behind it, and a remote client can stand in its place.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::engine {

/// The model, its files or the machine cannot be used: bad checkpoint, unknown
/// template, too little memory. what() is one line that says where, what was expected and
/// what was found. Ends the run; never thrown for one bad request.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// How a token is chosen from the distribution.
struct Sampling {
  float temperature = 0;   // >= 0; 0 is greedy (ties to the lower id) and ignores the rest
  float top_p = 1;         // (0, 1]
  float min_p = 0;         // [0, 1]
  std::int32_t top_k = 0;  // >= 0; 0 is off
  std::uint64_t seed = 0;  // with Request::sample and the position fixes every draw
};

struct Message {
  std::string role;  // "system", "user", "assistant", ...
  std::string content;
};

/// Text, or token ids that are taken as they are.
struct Prompt {
  std::string text;
  std::vector<std::int32_t> ids;  // used instead of text when not empty
  std::vector<Message> chat;      // used instead of both when not empty; remote models only, whose
                                  // servers have the template
  /// Text only: true reads special tokens in it (rendered chats) and adds no
  /// BOS if the text starts with one; false treats them as plain text.
  bool special = true;
  /// Text only: put the tokenizer's BOS in front, if it has one that it adds. A prompt that
  /// then begins with two is refused: double BOS.
  bool add_bos = true;
};

/// Continue a prompt.
struct Generate {
  std::int32_t max_new_tokens = 256;  // > 0
  Sampling sampling;
  std::vector<std::string> stop;       // text is cut before the first one found
  std::vector<std::int32_t> stop_ids;  // besides the model's own end-of-sequence ids
  bool ignore_eos = false;             // end-of-sequence ids may be drawn and end nothing
  std::int32_t min_new_tokens = 0;     // no end-of-sequence or stop id is drawn before so many
  std::int32_t logprobs = 0;           // 0 .. 1024 alternatives kept per token
};

/// Log-probability of each continuation after the prompt.
struct Score {
  std::vector<Prompt> continuations;  // text is split from the prompt as lm-evaluation-harness does
  std::int32_t logprobs = 0;          // 0 .. 1024 alternatives kept per token
};

struct Growth;

struct Request {
  std::uint64_t id = 0;      // the caller's; returned unchanged
  std::uint64_t sample = 0;  // keys the random draws; equal requests with other samples draw anew
  Prompt prompt;
  std::optional<Generate> generate;  // exactly one of the two
  std::optional<Score> score;
  /// Of a generation; may be empty. Called by the engine's own thread for every token as it is
  /// drawn, before `done`; may submit and cancel. What it throws ends the engine, as in `done`.
  std::function<void(const Growth&)> on_token;
};

enum class Finish : std::uint8_t {
  kStop,         // end-of-sequence, a stop id or a stop string
  kLength,       // max_new_tokens reached
  kContextFull,  // prompt plus answer no longer fits the context; text holds what there is
  kCancelled,
  kRefused,   // the request cannot be served, or its logits are not finite; `error` says why in one
              // line
  kFiltered,  // remote: a content filter ended or replaced the answer
  kEmpty,     // remote: the server ended the answer before its first character
  kFailed,    // remote: no answer could be had; `error` says why in one line
};
const char* finish_name(Finish finish);

struct TokenChoice {
  std::int32_t id = 0;
  float logprob = 0;  // natural logarithm, of the distribution at temperature 1
};

struct GeneratedToken {
  std::int32_t id = 0;
  float logprob = 0;
  std::vector<TokenChoice> top;  // Generate::logprobs best, best first
};

/// What an answer has grown by; valid during the call that tells of it.
struct Growth {
  std::uint64_t id;  // the request's
  const GeneratedToken& token;
  /// New text that no stop string can take back; often empty. Those of all tokens together are
  /// what Completion::text begins with; what is held back at the end is there only.
  std::string_view text;
};

struct ScoredContinuation {
  std::vector<std::int32_t> ids;
  std::vector<float> logprobs;                // per token
  std::vector<std::vector<TokenChoice>> top;  // per token, Score::logprobs best, best first; empty
                                              // if that is 0
  double sum = 0;                             // of logprobs
  bool greedy = false;                        // every token was the most probable one
};

/// What a server says of an answer, and what it cost. Remote models only.
struct Served {
  std::string model;               // the name that answered
  std::string system_fingerprint;  // empty if it has none
  std::string endpoint;
  std::int64_t output_tokens = -1;  // thinking included; -1: not told
  std::int64_t reasoning_tokens = 0;
  std::int32_t attempts = 0;
  std::int64_t first_token_us = -1;  // from the last attempt's start; -1: not streamed
  double cost = 0;                   // in the currency of RemoteOptions' prices
};

struct Completion {
  std::uint64_t id = 0;
  Finish finish = Finish::kStop;
  std::string error;  // kRefused and kFailed only
  std::string text;   // generated, without the stop that ended it; always valid UTF-8
  std::string stop;   // which stop string ended it, if one did
  std::vector<GeneratedToken> tokens;
  std::vector<ScoredContinuation> continuations;
  std::int32_t prompt_tokens = 0;
  std::int32_t cached_tokens = 0;  // of those, how many another request had computed
  std::int64_t latency_us = 0;     // from submit to the last token; remote: of the last attempt
  std::optional<Served> served;
};

/// A model that answers requests in any order.
///
/// submit() returns at once; `done` is called once per request, from the engine's
/// own thread, and may submit more. A sequence's bits depend on its tokens and the
/// weights alone: not on what else is in flight.
class Engine {
 public:
  using Done = std::function<void(Completion)>;

  virtual ~Engine() = default;

  /// Takes a set of requests that is known together, so that shared prefixes are
  /// computed once. `done` must outlive them.
  virtual void submit(std::vector<Request> requests, Done done) = 0;

  /// Ends a request early; its Completion says kCancelled and holds what there is.
  virtual void cancel(std::uint64_t id) = 0;

  /// Waits until nothing is in flight. Throws what ended the engine's thread, if anything did.
  virtual void wait() = 0;

  /// Names weights, tokenizer and arithmetic for the results database.
  virtual std::string fingerprint() const = 0;
};

class Tokenizer;  // engine/text/tokenizer.h

/// `request` with each text replaced by the ids that submit() would make of it: BOS, and the
/// split between context and continuations, included. Throws Error with the reason if submit()
/// would refuse the text. Limits of a model (context, vocabulary) are not checked.
Request tokenized(Request request, const Tokenizer& tokenizer);

/// Submits, waits and returns the completions in the requests' order.
std::vector<Completion> run(Engine& engine, std::vector<Request> requests);

// ---- local models ---------------------------------------------------------------------

enum class Arithmetic : std::uint8_t {
  kF32,   // activations and cache to full float32 accuracy
  kBF16,  // activations enter products as bf16, cache in bf16: faster, as official code runs
};

enum class KvCache : std::uint8_t {
  kF32,
  kBF16,
  kFp8,  // e4m3 with scales (kernels/kv_write/fp8_cache.h). On the CPU the values, not their size:
         // it keeps them as bf16
};

enum class Device : std::uint8_t {
  kAuto,  // the GPU if there is one that serves, else the CPU
  kCpu,
  kCuda,  // Hopper (compute capability 9.0)
};

struct LocalOptions {
  Device device = Device::kAuto;
  int devices = 1;  // GPUs, each with all weights; they share the requests
  int threads = 0;  // 0: one per usable core; on a GPU they only read the checkpoint
  std::optional<Arithmetic> arithmetic;  // absent: kF32 on the CPU, kBF16 on a GPU
  std::optional<KvCache> kv_cache;       // its dtype; absent: as the arithmetic. On a GPU only
                                         // that, or under kBF16 kFp8 for grouped-query
                                         // attention with heads of 64 or 128 columns and
                                         // for MLA with latents of 512 and 64 columns
  std::int32_t max_context = 0;          // tokens; 0: what the model allows
  std::int32_t max_batch_rows = 0;       // tokens computed in one step; 0: 512 on the CPU, on a
                                         // GPU 8192 or what its memory allows
  std::int64_t kv_bytes = 0;             // memory for the KV cache; 0: a share of what is free
  std::int64_t max_kv_tokens = 0;        // the cache holds at most so many, so that another model
                                         // fits beside this one; 0: no limit
  std::int32_t prefill_chunk = 0;        // at most so many tokens of one prompt a step; 0: no limit
  bool share_prefixes = true;
  bool graphs = true;    // GPU: decoding steps are replayed; changes no bit
  bool profile = false;  // keep figures of every kernel for take_profile(); changes no bit
  /// Bytes of weights that have reached the GPU; called from several threads, one at a time.
  std::function<void(std::int64_t done, std::int64_t total)> progress;
};

/// What `model info` prints.
struct ModelInfo {
  std::string path;
  std::string architecture;                                  // config.json "architectures"[0]
  std::string family;                                        // the file in families/
  std::int64_t parameters = 0;                               // stored, MTP layers not counted
  std::int64_t active_parameters = 0;                        // per token, embedding row included
  std::int64_t matrix_parameters = 0;                        // of those, in products that every
                                                             // prompt token takes part in: neither
                                                             // embedding nor head; 0 if not known
  std::vector<std::pair<std::string, std::int64_t>> dtypes;  // name, parameters
  std::int64_t weight_bytes = 0;
  std::int64_t active_weight_bytes = 0;  // read to decode one token of one sequence
  std::int64_t kv_bytes_per_token = 0;
  std::int32_t layers = 0;
  std::int32_t vocab = 0;
  std::int32_t context = 0;
  std::string weights_hash;          // sha256 over names, shapes, dtypes and bytes
  std::string tokenizer_hash;        // sha256 of tokenizer.json; empty without one
  std::int64_t skipped_tensors = 0;  // recognised and not used (MTP)
};

/// What a forward pass saw inside: for `model verify`.
struct Trace {
  std::vector<std::vector<float>> hidden_l2;  // [layers + 1][rows]: after embedding, after each
                                              // layer (the last after the final norm)
  std::vector<std::vector<std::vector<std::int32_t>>>
      experts;  // [layers][rows][top_k] ascending; empty for dense layers
  std::vector<std::vector<float>> logits;  // [rows][vocab]
};

/// All launches of one kernel together.
struct KernelFigures {
  std::string kernel;
  std::int64_t calls = 0;
  std::int64_t ns = 0;
  std::int64_t bytes = 0;  // each operand once; 0 with flops 0: not declared
  double flops = 0;        // useful multiply-adds, twice
};

/// What the kernels of an engine did.
struct KernelProfile {
  std::string device;                  // "cpu", "NVIDIA H200"
  std::vector<KernelFigures> kernels;  // most time first; copies and fills of a GPU too
  std::int64_t busy_ns = 0;            // at least one was running; every GPU counts for itself
  std::int64_t wall_ns = 0;            // what the profile covers
  std::int64_t seen_ns = 0;            // of that was recorded; the rest is estimated from it
  std::int64_t lost = 0;               // launches that ran, but of which no figures arrived
};

/// A checkpoint loaded into this process.
class LocalEngine : public Engine {
 public:
  virtual const ModelInfo& info() const = 0;
  virtual bool has_tokenizer() const = 0;
  virtual const Tokenizer& tokenizer() const = 0;  // throws Error without one

  /// One plain forward pass over `ids`, everything recorded. Not while requests are in flight.
  virtual Trace trace(std::span<const std::int32_t> ids) = 0;

  /// Teacher forcing: as trace(), but without hidden_l2, and of the positions from `first` on, 0 ..
  /// ids.size() - 1. What the last call has left in the cache of a common prefix is not computed
  /// again, which changes no bit: a long answer may be followed a few positions at a time. Each
  /// position costs a row of logits, vocabulary times 4 bytes, that on a GPU comes to the host. Not
  /// while requests are in flight.
  virtual Trace follow(std::span<const std::int32_t> ids, std::int32_t first) = 0;

  /// Tokens that each expert was given since the last call: [layers][experts], a dense layer's
  /// empty. A prefix that several requests share counts once. Not while requests are in flight.
  virtual std::vector<std::vector<std::int64_t>> take_expert_loads() = 0;

  /// Figures since the last call, or since the model was loaded. Throws Error unless
  /// LocalOptions::profile. Not while requests are in flight.
  virtual KernelProfile take_profile() = 0;
};

/// `model`: a directory in Hugging Face layout, or "embedded". Throws Error.
std::unique_ptr<LocalEngine> load(const std::string& model, const LocalOptions& options);

/// Reads and checks a checkpoint without preparing it to run. Throws Error.
ModelInfo inspect(const std::string& model);

// ---- a checkpoint with fewer bits ---------------------------------------------------------

struct QuantizeOptions {
  std::string model;  // as for load(); floats, or fp8 in blocks to become int4
  /// "fp8" (blocks of 128 x 128), "int8" (groups of 128), "int4" (groups of 32); with ":channel"
  /// or "-channel" one scale for each output, with ":group=N" (int8, int4) other groups.
  std::string to;
  std::string out;  // a folder that is made; the name must be free
  /// Matrices that stay as they are: "embed" (must be among them), "lm_head", "router",
  /// "attention", "experts", "shared" (experts that serve every token), "dense" (other MLPs),
  /// "layers.N".
  std::vector<std::string> keep = {"router", "lm_head", "embed"};
  int threads = 0;  // 0: one per usable core
  std::int64_t max_shard_bytes = 5'000'000'000;
};

/// One matrix, before and after.
struct QuantizedTensor {
  std::string name;
  std::string kind;  // a word of QuantizeOptions::keep, or "other"
  std::int64_t rows = 0, cols = 0;
  std::int64_t bytes_before = 0, bytes_after = 0;  // scales included
  double max_error = 0;                            // largest difference / largest magnitude
  double rms_error = 0;                            // of the differences / of the values
  double squares = 0;                              // sum over the values, for errors of several
};

struct QuantizeReport {
  std::string scheme;                              // "int4:group=32"
  std::int64_t quantized = 0, kept = 0;            // matrices; tensors left as they are
  std::int64_t bytes_before = 0, bytes_after = 0;  // of all tensors
};

/// Writes `model` with quantised experts, attention and dense layers, tensor by tensor: memory
/// for the largest one and its float32 copy is enough. Tokenizer, templates and the like are
/// copied. The folder is there whole, read back and found good, or not at all: an unfinished one
/// has another name and no config.json, and is taken away unless the process is killed.
/// `done` hears of each matrix in name order, and of the share of all bytes so far, in (0, 1]; what
/// it throws ends the work. Throws Error: bad options, weights that are quantised already, no room.
QuantizeReport quantize(const QuantizeOptions& options,
                        const std::function<void(const QuantizedTensor&, double share)>& done);

// ---- remote models --------------------------------------------------------------------

/// A server and how to ask it.
struct RemoteOptions {
  std::string dialect = "compatible";  // or "openai", "deepseek", "anthropic"
  std::string endpoint;                // "https://host:8000/v1"; empty: the dialect's own
  std::string model;
  std::string key_file;              // first line is the key; empty: the dialect's variable of the
                                     // environment, or no key
  std::vector<std::string> headers;  // "Name: value", besides the dialect's; values are secrets
  std::string ca_file;               // certificates trusted instead of the system's
  bool stream = true;                // Generate: answers in pieces, with first-token time
  bool prompt_logprobs = false;      // Score by vLLM's prompt_logprobs, not by echo
  int concurrency = 0;               // requests in flight; 0: found out
  double requests_per_minute = 0;    // 0: no limit
  double tokens_per_minute = 0;
  double price_in = 0;  // per million prompt tokens
  double price_out = 0;
  double cost_limit = 0;                    // 0: none
  std::int64_t idle_us = 300'000'000;       // longest time without a byte
  std::int64_t total_us = 3'600'000'000;    // longest time of one attempt
  std::int64_t outage_us = 3'600'000'000;   // without any answer for so long: given up
  std::int64_t first_pause_us = 500'000;    // before a second attempt, at most; doubled each time
  std::int64_t max_answer_bytes = 1 << 26;  // a longer one fails
  std::uint64_t seed = 0;                   // of the pauses between attempts
  /// Told in one line that an outage is waited out, and that it is over; by the engine's thread.
  std::function<void(const std::string&)> notice;
};

/// A model behind an HTTP API. Requests may hold chats. What goes wrong with one request is its
/// Finish: kRefused, kFiltered, kEmpty, kFailed. What goes wrong with all of them (a wrong key, no
/// credit, the cost limit, an outage without end) cancels what is left, and wait() throws Error
/// with the reason. Nothing of this repeats bit for bit: fingerprint() names endpoint and model,
/// not weights. Throws Error: bad options, a key that cannot be read, no libcurl.
std::unique_ptr<Engine> connect(const RemoteOptions& options);

/// Throws Error with the reason if the options' dialect cannot ask `request`. Asks no server: one
/// that speaks the dialect may still reject it.
void check_request(const RemoteOptions& options, const Request& request);

// ---- what `bench engine` measures against ------------------------------------------------

/// What this machine can do at most, measured, not read from a data sheet.
struct EngineLimits {
  double read_gb_s = 0;      // reading memory once, 1e9 bytes a second, all threads together
  double copy_gb_s = 0;      // GPU: copying within its memory, read and written together
  double matrix_tflops = 0;  // 1e12 floating-point operations a second of the best matrix unit
  double fp8_tflops = 0;     // GPU: the same in fp8
  double f32_tflops = 0;     // GPU: of the vector units
  std::string matrix_path;   // which one that is: "amx_bf16", "avx512_bf16", "wgmma_bf16", ...
};

/// Measures for about a second, on the device that load() would choose for `options`. A GPU needs
/// 8 GiB of its memory for that. Throws Error as load() does.
EngineLimits measure_limits(const LocalOptions& options);

/// How the matrices of made-up weights are stored.
enum class WeightDtype : std::uint8_t {
  kBF16,
  kF8E4M3,  // with a scale for each block of 128 x 128; embedding, router and head stay kBF16
};

/// A known large model, or the first of its layers.
struct Shape {
  std::string name;  // "qwen3-30b-a3b"; an unknown one throws Error that lists the known ones
  int layers = 0;    // 0: all of them, of the largest models a few
  std::optional<WeightDtype> dtype;  // absent: as the model was published first
};

/// `shape` with made-up weights, for speed only. Without a tokenizer. On a GPU the weights are made
/// there. Throws Error.
std::unique_ptr<LocalEngine> load_shape(const Shape& shape, const LocalOptions& options);

// ---- what `bench kernels` measures -------------------------------------------------------

/// One kernel at one shape.
struct KernelTiming {
  std::string kernel;
  std::string shape;  // "V3 o_proj 64 x 7168 x 16384"
  double ns = 0;      // of one launch, median
  double spread = 0;  // (slowest - fastest) / median
  std::int64_t bytes = 0;
  std::int64_t flops = 0;
  std::string error;  // why there is no time; usually empty
};

/// The device that load() would choose for `options`: "cpu" or a GPU's name. Throws Error as
/// load() does.
std::string device_name(const LocalOptions& options);

/// Times every kernel at shapes of real models on that device, those of which
/// `wanted("kernel shape")` is true; calls `done` after each. Throws Error.
void bench_kernels(const LocalOptions& options,
                   const std::function<bool(const std::string&)>& wanted,
                   const std::function<void(const KernelTiming&)>& done);

}  // namespace moebius::engine
