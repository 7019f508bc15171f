// Tensors of a checkpoint by name: opening, binding, and what was left over.
#include "engine/checkpoint/tensor_source.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "engine/checkpoint/checkpoint_files.h"
#include "engine/checkpoint/content_hash.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/shard_index.h"
#include "engine/checkpoint/strict_json.h"
#include "engine/checkpoint/widen.h"
#include "engine/engine.h"

namespace moebius::engine {
namespace {

using Entry = TensorSource::Entry;
using kernels::Dtype;

// Behind the name of a quantised matrix, "....weight".
constexpr const char* kBlockScale = "_scale_inv";
constexpr const char* kGroupScale = "_scale";
constexpr const char* kPacked = "_packed";
constexpr const char* kShape = "_shape";

constexpr std::uint16_t kMaxScaleBits = std::bit_cast<std::uint32_t>(kMaxGroupScale) >> 16;

std::optional<Dtype> bindable(std::string_view dtype) {
  if (dtype == "F32") return Dtype::kF32;
  if (dtype == "F16") return Dtype::kF16;
  if (dtype == "BF16") return Dtype::kBF16;
  if (dtype == "F8_E4M3") return Dtype::kF8E4M3;
  return std::nullopt;
}

std::int64_t scale_blocks(std::int64_t extent) {
  return extent / kernels::kScaleBlock + (extent % kernels::kScaleBlock != 0 ? 1 : 0);
}

class Tensors : public TensorSource {
 public:
  Tensors(std::string where, std::vector<Entry> entries, std::vector<MappedFile> files)
      : where_(std::move(where)), entries_(std::move(entries)), files_(std::move(files)) {
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return a.name < b.name; });
    const auto twin =
        std::adjacent_find(entries_.begin(), entries_.end(),
                           [](const Entry& a, const Entry& b) { return a.name == b.name; });
    if (twin != entries_.end()) {
      throw Error(twin->file + ": tensor " + quote(twin->name) + " appears twice, again in " +
                  std::next(twin)->file);
    }
    skipped_.resize(entries_.size());
  }

  void expect(const Quantization& quantization) override { quantization_ = quantization; }

  kernels::Matrix matrix(const std::string& name, std::int64_t rows, std::int64_t cols) override {
    if (kernels::is_packed(quantization_.dtype) && !has(name) && has(name + kPacked)) {
      return packed(name, rows, cols);
    }
    Entry& entry = find(name, {rows, cols});
    const auto dtype = bindable(entry.dtype);
    if (!dtype || entry.shape != std::vector<std::int64_t>{rows, cols}) {
      mismatch(entry, "F32, F16, BF16 or F8_E4M3", {rows, cols});
    }
    kernels::Matrix m{.dtype = *dtype, .rows = rows, .cols = cols};
    // Blocks stay blocks where other matrices of the model were quantised further.
    if (*dtype == Dtype::kF8E4M3 && quantization_.grouped() && !has(name + kBlockScale)) {
      bind_groups(name, entry, m);
    } else if (*dtype == Dtype::kF8E4M3) {
      m.scale = bind_scale(entry, rows, cols);
    }
    entry.used = true;
    m.data = aligned(entry, kernels::dtype_bytes(*dtype));
    return m;
  }

  Vector vector(const std::string& name, std::int64_t size) override {
    Entry& entry = find(name, {size});
    const auto dtype = bindable(entry.dtype);
    if (!dtype || dtype == Dtype::kF8E4M3 || entry.shape != std::vector<std::int64_t>{size}) {
      mismatch(entry, "F32, F16 or BF16", {size});
    }
    entry.used = true;
    auto& values = floats_.emplace_back(std::make_unique<float[]>(static_cast<std::size_t>(size)));
    widen(entry.data, *dtype, size, values.get());
    require_finite(entry, values.get(), size);
    return {.data = values.get(), .size = size};
  }

  bool has(const std::string& name) const override {
    const auto found = lower_bound(name);
    return found != entries_.end() && found->name == name;
  }

  void skip_prefix(std::string_view prefix) override {
    for (auto entry = lower_bound(prefix);
         entry != entries_.end() && entry->name.starts_with(prefix); ++entry) {
      skipped_[entry - entries_.begin()] = true;
    }
  }

  void require_all_used() const override {
    const Entry* first = nullptr;
    std::size_t count = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].used || skipped_[i]) continue;
      if (count++ == 0) first = &entries_[i];
    }
    if (count == 0) return;
    throw Error(where_ + ": expected only tensors that the model uses, found " +
                std::to_string(count) + " more, the first is " + quote(first->name) + ", " +
                describe(*first) + " in " + first->file);
  }

  std::vector<Entry> entries() const override { return entries_; }
  const std::vector<Entry>& sorted() const { return entries_; }

  std::string content_hash() const override {
    for (const MappedFile& file : files_) file.require_unchanged();
    std::string hash = hash_tensors(entries_);
    if (quantization_.grouped()) hash = hash_quantized(hash, quantization_.name());
    for (const MappedFile& file : files_) file.require_unchanged();
    return hash;
  }

 private:
  std::vector<Entry>::const_iterator lower_bound(std::string_view name) const {
    return std::lower_bound(entries_.begin(), entries_.end(), name,
                            [](const Entry& entry, std::string_view n) { return entry.name < n; });
  }

  Entry& find(const std::string& name, const std::vector<std::int64_t>& shape) {
    const auto found = lower_bound(name);
    if (found == entries_.end() || found->name != name) {
      throw Error(where_ + ": expected tensor " + quote(name) + " " + describe_shape(shape) +
                  ", found none of that name among " + std::to_string(entries_.size()));
    }
    return entries_[found - entries_.begin()];
  }

  [[noreturn]] static void mismatch(const Entry& entry, const std::string& dtypes,
                                    const std::vector<std::int64_t>& shape) {
    throw Error(entry.file + ": tensor " + quote(entry.name) + ": expected " + dtypes + " " +
                describe_shape(shape) + ", found " + describe(entry));
  }

  static void require_finite(const Entry& entry, const float* values, std::int64_t size) {
    for (std::int64_t i = 0; i < size; ++i) {
      if (std::isfinite(values[i])) continue;
      throw Error(
          entry.file + ": tensor " + quote(entry.name) + ": expected finite values, found " +
          (std::isnan(values[i]) ? "NaN" : "an infinity") + " at index " + std::to_string(i));
    }
  }

  Entry& find_part(const Entry& weight, const std::string& name, const char* dtype,
                   const std::vector<std::int64_t>& shape) {
    if (!has(name)) {
      throw Error(weight.file + ": tensor " + quote(weight.name) + ": expected " + dtype + " " +
                  describe_shape(shape) + " " + quote(name) + " with it, found none");
    }
    Entry& part = find(name, shape);
    if (part.dtype != dtype || part.shape != shape) mismatch(part, dtype, shape);
    part.used = true;
    return part;
  }

  // Codes in words of 32 bits, [rows, words], beside their shape and scales.
  kernels::Matrix packed(const std::string& name, std::int64_t rows, std::int64_t cols) {
    kernels::Matrix m{.dtype = quantization_.dtype, .rows = rows, .cols = cols};
    const std::vector<std::int64_t> words = {rows, static_cast<std::int64_t>(m.row_bytes() / 4)};
    Entry& codes = find(name + kPacked, words);
    if (codes.dtype != "I32" || codes.shape != words) mismatch(codes, "I32", words);
    const Entry& shape = find_part(codes, name + kShape, "I64", {2});
    std::int64_t stored[2] = {};
    std::memcpy(stored, shape.data, sizeof stored);
    if (stored[0] != rows || stored[1] != cols) {
      throw Error(shape.file + ": tensor " + quote(shape.name) + ": expected " +
                  describe_shape({rows, cols}) + ", found " +
                  describe_shape({stored[0], stored[1]}));
    }
    bind_groups(name, codes, m);
    codes.used = true;
    m.data = aligned(codes, sizeof(std::uint32_t));
    return m;
  }

  void bind_groups(const std::string& name, const Entry& weight, kernels::Matrix& m) {
    m.group = quantization_.group_of(m.cols);
    const std::int64_t groups = (m.cols + m.group - 1) / m.group;
    const Entry& scale = find_part(weight, name + kGroupScale, "BF16", {m.rows, groups});
    m.group_scale = static_cast<const std::uint16_t*>(aligned(scale, sizeof(std::uint16_t)));
    for (std::int64_t i = 0; i < m.rows * groups; ++i) {
      const std::uint16_t bits = m.group_scale[i];  // zero, or normal and positive up to the limit
      if (bits == 0 || (bits >= 0x0080 && bits <= kMaxScaleBits)) continue;
      float found = 0;
      widen(reinterpret_cast<const std::byte*>(&bits), Dtype::kBF16, 1, &found);
      throw Error(scale.file + ": tensor " + quote(scale.name) +
                  ": expected scales of zero or 2^-126 to 2^100, found " + std::to_string(found) +
                  " at index " + std::to_string(i));
    }
  }

  const float* bind_scale(const Entry& weight, std::int64_t rows, std::int64_t cols) {
    const std::vector<std::int64_t> shape = {scale_blocks(rows), scale_blocks(cols)};
    const Entry& scale = find_part(weight, weight.name + kBlockScale, "F32", shape);
    const auto* values = static_cast<const float*>(aligned(scale, sizeof(float)));
    require_finite(scale, values, shape[0] * shape[1]);
    return values;
  }

  // The format does not align tensors; writers do, so a copy is the exception.
  const void* aligned(const Entry& entry, std::size_t alignment) {
    if (reinterpret_cast<std::uintptr_t>(entry.data) % alignment == 0) return entry.data;
    const std::size_t count = (entry.bytes + sizeof(float) - 1) / sizeof(float);
    auto& copy = floats_.emplace_back(std::make_unique<float[]>(count));
    if (entry.bytes > 0) std::memcpy(copy.get(), entry.data, entry.bytes);
    return copy.get();
  }

  std::string where_;
  Quantization quantization_;
  std::vector<Entry> entries_;  // sorted by name
  std::vector<bool> skipped_;   // by entry
  std::vector<MappedFile> files_;
  std::vector<std::unique_ptr<float[]>> floats_;  // widened vectors and aligned copies
};

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

void append(std::vector<Entry>& all, const MappedFile& file) {
  auto entries = read_safetensors(file.data(), file.bytes(), file.path());
  std::move(entries.begin(), entries.end(), std::back_inserter(all));
}

std::unique_ptr<Tensors> open_files(const std::string& where,
                                    const std::vector<std::string>& paths) {
  std::vector<MappedFile> files;
  std::vector<Entry> entries;
  for (const std::string& path : paths) {
    files.emplace_back(path);
    append(entries, files.back());
    files.back().require_unchanged();
  }
  return std::make_unique<Tensors>(where, std::move(entries), std::move(files));
}

// The files that the index names, each once; throws for the first that is not there.
std::vector<std::string> shard_paths(const std::vector<ShardedTensor>& listed,
                                     const std::string& folder, const std::string& index) {
  std::map<std::string, std::pair<std::size_t, const std::string*>> shards;
  for (const ShardedTensor& tensor : listed) {
    auto& [tensors, first] = shards[tensor.shard];
    if (tensors++ == 0) first = &tensor.name;
  }
  std::vector<std::string> paths;
  for (const auto& [shard, content] : shards) {
    paths.push_back(folder + shard);
    if (exists(paths.back())) continue;
    throw Error(index + ": expected shard " + quote(shard) + " beside it with " +
                std::to_string(content.first) + " tensors, the first " + quote(*content.second) +
                ", found no such file");
  }
  return paths;
}

// What is in `all` and not in `known`; both sorted.
std::vector<ShardedTensor> missing_from(const std::vector<ShardedTensor>& known,
                                        const std::vector<ShardedTensor>& all) {
  std::vector<ShardedTensor> rest;
  std::set_difference(all.begin(), all.end(), known.begin(), known.end(), std::back_inserter(rest));
  return rest;
}

void check_index(const std::vector<ShardedTensor>& listed, const std::vector<Entry>& entries,
                 const std::string& folder, const std::string& index) {
  std::vector<ShardedTensor> stored;
  stored.reserve(entries.size());
  for (const Entry& entry : entries)
    stored.push_back({entry.name, entry.file.substr(folder.size())});
  const auto found = [](const std::vector<ShardedTensor>& tensors, const char* what) {
    return ", found " + std::to_string(tensors.size()) + what + ", the first is " +
           quote(tensors[0].name) + " in " + quote(tensors[0].shard);
  };
  if (const auto absent = missing_from(stored, listed); !absent.empty()) {
    throw Error(index + ": expected each tensor in the shard named" + found(absent, " not there"));
  }
  if (const auto unlisted = missing_from(listed, stored); !unlisted.empty()) {
    throw Error(index + ": expected every tensor of the shards" + found(unlisted, " not listed"));
  }
}

std::unique_ptr<TensorSource> open_sharded(const std::string& folder, const std::string& index) {
  const auto listed = read_shard_index(read_text_file(index, kMaxHeaderBytes), index);
  const auto paths = shard_paths(listed, folder, index);
  const std::string single = folder + "model.safetensors";
  if (exists(single) && std::find(paths.begin(), paths.end(), single) == paths.end()) {
    throw Error(index + ": expected it to be the only list of weights, found " + single +
                " beside it, which it does not name");
  }
  auto tensors = open_files(index, paths);
  check_index(listed, tensors->sorted(), folder, index);
  return tensors;
}

}  // namespace

std::unique_ptr<TensorSource> open_tensors(const std::string& directory) {
  const std::string folder = directory.ends_with('/') ? directory : directory + "/";
  const std::string single = folder + "model.safetensors";
  const std::string index = single + ".index.json";
  if (exists(index)) return open_sharded(folder, index);
  if (exists(single)) return open_files(single, {single});
  throw Error(directory + ": expected model.safetensors or model.safetensors.index.json, found " +
              (exists(directory) ? "neither" : "no such directory"));
}

std::unique_ptr<TensorSource> open_tensors(const std::byte* data, std::size_t bytes,
                                           const std::string& what) {
  return std::make_unique<Tensors>(what, read_safetensors(data, bytes, what),
                                   std::vector<MappedFile>{});
}

}  // namespace moebius::engine
