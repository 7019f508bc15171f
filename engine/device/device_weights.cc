#include "engine/device/device_weights.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/device/random_fill.h"

namespace moebius::engine {
namespace {

using kernels::DeviceStream;
using kernels::PinnedMemory;

constexpr std::size_t kStagingBytes = 16 << 20;
constexpr int kMaxThreads = 16;

/// Rows of a part that are read, converted and copied together.
struct Piece {
  const WeightPart* part = nullptr;
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::size_t bytes() const { return static_cast<std::size_t>(end - begin) * part->row_bytes(); }
};

bool made_up(const WeightPart& part, const WeightStreaming& streaming) {
  return streaming.made_up && part.made_up_scale > 0;
}

std::vector<Piece> pieces_of(std::span<const WeightPart> parts, const WeightStreaming& streaming) {
  std::vector<Piece> pieces;
  for (const WeightPart& part : parts) {
    if (made_up(part, streaming) || part.rows == 0 || part.ld == 0) continue;
    const auto rows =
        static_cast<std::int64_t>(std::max<std::size_t>(1, kStagingBytes / part.row_bytes()));
    for (std::int64_t at = 0; at < part.rows; at += rows) {
      pieces.push_back({&part, at, std::min(part.rows, at + rows)});
    }
  }
  return pieces;
}

void make_up(std::span<const WeightPart> parts, const WeightStreaming& streaming) {
  const DeviceStream stream;
  std::uint64_t seed = 0;
  for (const WeightPart& part : parts) {
    if (!made_up(part, streaming)) continue;
    kernels::random_fill_cuda({.data = part.data,
                               .dtype = part.dtype,
                               .count = part.rows * part.ld,
                               .scale = part.made_up_scale,
                               .positive = part.positive,
                               .seed = ++seed},
                              stream.stream());
  }
  kernels::device_wait(stream.stream());
}

/// The threads' common state: what is left to do, and what went wrong.
class Streamer {
 public:
  Streamer(std::vector<Piece> pieces, const WeightStreaming& streaming, int device)
      : pieces_(std::move(pieces)), streaming_(streaming), device_(device) {
    for (const Piece& piece : pieces_) {
      total_ += static_cast<std::int64_t>(piece.bytes());
      widest_ = std::max(widest_, piece.bytes());
    }
  }

  void run() {
    int threads = streaming_.threads;
    if (threads == 0) threads = static_cast<int>(std::thread::hardware_concurrency());
    threads = std::clamp(threads, 1, kMaxThreads);
    {
      std::vector<std::jthread> workers;
      for (int i = 0; i < threads; ++i) workers.emplace_back([this] { work(); });
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void work() {
    try {
      copy_pieces();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      next_ = pieces_.size();
    }
  }

  void copy_pieces() {
    kernels::use_device(device_);
    const std::array<DeviceStream, 2> streams;
    const std::array<PinnedMemory, 2> staging{PinnedMemory(widest_), PinnedMemory(widest_)};
    for (std::size_t turn = 0;; turn ^= 1) {
      const std::size_t i = next_++;
      if (i >= pieces_.size()) break;
      const Piece& piece = pieces_[i];
      kernels::device_wait(streams[turn].stream());  // until this buffer is free again
      piece.part->fill(piece.begin, piece.end, staging[turn].data());
      kernels::device_copy(
          piece.part->data + piece.begin * static_cast<std::int64_t>(piece.part->row_bytes()),
          staging[turn].data(), piece.bytes(), streams[turn].stream());
      report(static_cast<std::int64_t>(piece.bytes()));
    }
    for (const DeviceStream& stream : streams) kernels::device_wait(stream.stream());
  }

  void report(std::int64_t bytes) {
    if (!streaming_.progress) return;
    const std::lock_guard lock(mutex_);
    done_ += bytes;
    streaming_.progress(done_, total_);
  }

  std::vector<Piece> pieces_;
  const WeightStreaming& streaming_;
  int device_;
  std::int64_t total_ = 0;
  std::size_t widest_ = 0;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;  // guards the rest
  std::int64_t done_ = 0;
  std::exception_ptr error_;
};

}  // namespace

DeviceWeights::DeviceWeights(const Config& config, const ModelWeights& weights,
                             Arithmetic arithmetic, const WeightStreaming& streaming) {
  memory_ = kernels::DeviceMemory(WeightLayout(config, weights, arithmetic, nullptr).bytes());
  const WeightLayout layout(config, weights, arithmetic, static_cast<std::byte*>(memory_.data()));
  make_up(layout.parts(), streaming);
  Streamer(pieces_of(layout.parts(), streaming), streaming, kernels::current_device()).run();
  model_ = layout.model();
}

}  // namespace moebius::engine
