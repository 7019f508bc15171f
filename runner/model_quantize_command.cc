// moebius model quantize: a checkpoint with fewer bits, and what that did to each matrix.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "runner/commands.h"
#include "runner/flags.h"
#include "runner/interrupt.h"
#include "runner/output.h"
#include "runner/requests.h"
#include "runner/table.h"

namespace moebius::runner {
namespace {

using engine::QuantizedTensor;

/// Of several matrices, or of all.
struct QuantizedSum {
  std::string kind;
  std::int64_t matrices = 0;
  std::int64_t bytes_before = 0, bytes_after = 0;
  double max_error = 0;
  double squared_error = 0, squares = 0;

  void add(const QuantizedTensor& tensor) {
    ++matrices;
    bytes_before += tensor.bytes_before;
    bytes_after += tensor.bytes_after;
    max_error = std::max(max_error, tensor.max_error);
    squared_error += tensor.rms_error * tensor.rms_error * tensor.squares;
    squares += tensor.squares;
  }
  double rms_error() const { return squares > 0 ? std::sqrt(squared_error / squares) : 0; }
};

/// By kind in the order of their first matrices, then "all".
std::vector<QuantizedSum> sums_of(const std::vector<QuantizedTensor>& tensors) {
  std::vector<QuantizedSum> sums;
  QuantizedSum all{.kind = "all"};
  for (const QuantizedTensor& tensor : tensors) {
    auto sum = std::find_if(sums.begin(), sums.end(),
                            [&](const QuantizedSum& s) { return s.kind == tensor.kind; });
    if (sum == sums.end()) sum = sums.insert(sum, {.kind = tensor.kind});
    sum->add(tensor);
    all.add(tensor);
  }
  sums.push_back(all);
  return sums;
}

Json tensor_json(const QuantizedTensor& tensor) {
  return {{"name", tensor.name},
          {"kind", tensor.kind},
          {"shape", {tensor.rows, tensor.cols}},
          {"bytes_before", tensor.bytes_before},
          {"bytes_after", tensor.bytes_after},
          {"max_error", tensor.max_error},
          {"rms_error", tensor.rms_error}};
}

Json sum_json(const QuantizedSum& sum) {
  return {{"kind", sum.kind},
          {"matrices", sum.matrices},
          {"bytes_before", sum.bytes_before},
          {"bytes_after", sum.bytes_after},
          {"max_error", sum.max_error},
          {"rms_error", sum.rms_error()}};
}

Json report_json(const engine::QuantizeReport& report, const std::vector<QuantizedTensor>& tensors,
                 const std::string& out) {
  Json list = Json::array(), sums = Json::array();
  for (const auto& tensor : tensors) list.push_back(tensor_json(tensor));
  for (const auto& sum : sums_of(tensors)) sums.push_back(sum_json(sum));
  return {{"out", out},
          {"scheme", report.scheme},
          {"quantized", report.quantized},
          {"kept", report.kept},
          {"bytes_before", report.bytes_before},
          {"bytes_after", report.bytes_after},
          {"sums", std::move(sums)},
          {"tensors", std::move(list)}};
}

std::string size_text(std::int64_t bytes) {
  return human_bytes(static_cast<double>(bytes));
}

std::string report_text(const engine::QuantizeReport& report,
                        const std::vector<QuantizedTensor>& tensors, const std::string& out) {
  const auto errors = [](double value) { return fmt::format("{:.2e}", value); };
  Table table({"tensor", "shape", "before", "after", "max error", "rms error"});
  for (const auto& tensor : tensors) {
    table.add({one_line(tensor.name), fmt::format("{} x {}", tensor.rows, tensor.cols),
               size_text(tensor.bytes_before), size_text(tensor.bytes_after),
               errors(tensor.max_error), errors(tensor.rms_error)});
  }
  Table sums({"kind", "matrices", "before", "after", "max error", "rms error"});
  for (const QuantizedSum& sum : sums_of(tensors)) {
    sums.add({sum.kind, fmt::to_string(sum.matrices), size_text(sum.bytes_before),
              size_text(sum.bytes_after), errors(sum.max_error), errors(sum.rms_error())});
  }
  return table.text() + "\n" + sums.text() +
         fmt::format("\n{}: {} matrices as {}, {} tensors as they were, {} -> {}\n", one_line(out),
                     report.quantized, report.scheme, report.kept, size_text(report.bytes_before),
                     size_text(report.bytes_after));
}

/// "61 %  model.layers.3.mlp.down_proj.weight", over itself, on a terminal.
class QuantizeLine {
 public:
  ~QuantizeLine() { clear_progress(); }
  void show(const QuantizedTensor& tensor, double share) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || now - shown_ < std::chrono::milliseconds(150)) return;
    shown_ = now;
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    fmt::print(stderr, "\r{:.0f} %, {:.0f} s left  {}\x1b[K", 100 * share,
               seconds * (1 - share) / share, one_line(tensor.name));
    std::fflush(stderr);
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_;
};

struct QuantizeInterrupted {};

class ModelQuantizeCommand : public Command {
 public:
  explicit ModelQuantizeCommand(CLI::App* app) : Command(app) {
    app->add_option("MODEL", options_.model,
                    "Model directory (Hugging Face layout), or \"embedded\"")
        ->type_name("")
        ->required();
    app->add_option("--to", options_.to,
                    "fp8 (128x128 blocks), fp8-channel, int8 (groups of 128) or int4 (groups of "
                    "32); int8 and int4 also with :channel or :group=N")
        ->type_name("FORMAT:{fp8,fp8-channel,int8,int4}")
        ->required();
    app->add_option("--out", options_.out, "Folder to make; its name must be free")
        ->type_name("DIR")
        ->required();
    app->add_option("--keep", keep_,
                    "Matrices that stay as they are: embed (always), lm_head, router, attention, "
                    "experts, shared, dense, layers.N")
        ->type_name("LIST")
        ->default_str("router,lm_head,embed");
    add_number(*app, "--threads", options_.threads, 0, 4096, "0: one for each core");
    app->add_flag("--json", json_, "One JSON line");
    app->footer(examples({
        "moebius model quantize embedded --to int4 --out ./mini-int4",
        "moebius model quantize ./qwen3 --to int8:group=64 --keep router,embed --out ./qwen3-int8",
        "moebius model quantize ./v2-lite --to fp8 --out ./v2-lite-fp8 --json",
    }));
  }

  int run(Output& out) override {
    if (app()->get_option("--keep")->count() > 0) options_.keep = words_of(keep_);
    std::vector<QuantizedTensor> tensors;
    try {
      const engine::QuantizeReport report = quantize(tensors);
      out.write(json_ ? json_line(report_json(report, tensors, options_.out))
                      : report_text(report, tensors, options_.out));
      return kOk;
    } catch (const QuantizeInterrupted&) {
      return kInterrupted;
    }
  }

 private:
  engine::QuantizeReport quantize(std::vector<QuantizedTensor>& tensors) const {
    const InterruptFlag interrupt("taking the unfinished folder away");
    QuantizeLine line;
    return engine::quantize(options_, [&](const QuantizedTensor& tensor, double share) {
      if (interrupt.raised()) throw QuantizeInterrupted();
      tensors.push_back(tensor);
      line.show(tensor, share);
    });
  }

  static std::vector<std::string> words_of(const std::string& list) {
    std::vector<std::string> words;
    for (std::size_t begin = 0; begin <= list.size();) {
      const std::size_t end = std::min(list.find(',', begin), list.size());
      words.push_back(list.substr(begin, end - begin));
      begin = end + 1;
    }
    return words;
  }

  engine::QuantizeOptions options_;
  std::string keep_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> add_model_quantize_command(CLI::App& model) {
  return std::make_unique<ModelQuantizeCommand>(
      model.add_subcommand("quantize", "Write a checkpoint with fewer bits: fp8, int8 or int4"));
}

}  // namespace moebius::runner
