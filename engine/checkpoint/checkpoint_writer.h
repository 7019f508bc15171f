// A new folder of weights and files that is there whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::engine {

struct OutgoingTensor {
  std::string name;
  std::string dtype;  // of safetensors: "BF16"
  std::vector<std::int64_t> shape;
};

inline constexpr std::int64_t kMaxShardBytes = 5'000'000'000;

/// Writes model.safetensors, or shards of at most `max_shard_bytes` (a longer tensor has one of
/// its own) with their index, into a folder beside `directory` that takes its name at last.
///
/// The constructor makes all files at their full size, so that a disk too small is found
/// before anything is computed. Whatever throws, and a writer that goes away before commit(), takes
/// the unfinished folder along; a killed process leaves it, named `directory`.partial-PID.
/// Every function throws Error: the path, what was tried, why it failed.
class CheckpointWriter {
 public:
  /// `directory` must not exist, the folder it is in must.
  CheckpointWriter(const std::string& directory, std::vector<OutgoingTensor> tensors,
                   std::int64_t max_shard_bytes = kMaxShardBytes);
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// All of the tensor `name`, once. Any order.
  void write(const std::string& name, const void* data, std::size_t bytes);
  /// Another file of the folder: a plain name.
  void write_file(const std::string& name, std::string_view text);

  const std::string& unfinished() const { return unfinished_; }  // where it is until commit()
  std::int64_t weight_bytes() const { return weight_bytes_; }    // of all tensors

  /// Brings the tensors to the disk; none can be written any more. std::logic_error if one was not.
  void seal();
  /// Gives the folder its name, sealed if it was not.
  void commit();

 private:
  struct Shard {
    std::string name;
    int fd = -1;
  };
  struct Place {
    std::size_t shard = 0;
    std::size_t offset = 0, bytes = 0;
    bool written = false;
  };

  void place(std::vector<OutgoingTensor> tensors, std::int64_t max_shard_bytes);
  void add_shard(std::vector<OutgoingTensor> tensors);
  void name_shards();
  void sync(const std::string& path, int fd) const;
  void discard() noexcept;

  std::string directory_;
  std::string unfinished_;
  std::vector<Shard> shards_;
  std::map<std::string, Place> places_;
  std::int64_t weight_bytes_ = 0;
  bool committed_ = false;
};

}  // namespace moebius::engine
