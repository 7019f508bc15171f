// The safetensors header, read token by token so that nothing but the tensors it names is kept.
#include "engine/checkpoint/safetensors.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <span>
#include <utility>

#include "engine/checkpoint/strict_json.h"
#include "engine/engine.h"

namespace moebius::engine {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kMaxDimensions = 64;  // as PyTorch

struct Stored {
  TensorSource::Entry entry;
  std::vector<std::uint64_t> offsets;  // [begin, end) behind the header
};

class HeaderReader : public JsonEvents {
 public:
  explicit HeaderReader(const std::string& file) : file_(file) {}
  std::vector<Stored> take() { return std::move(tensors_); }

  bool null() override { unexpected("null"); }
  bool boolean(bool value) override { unexpected(value ? "true" : "false"); }
  bool number_float(double, const std::string& text) override { unexpected(text.substr(0, 40)); }
  bool number_integer(std::int64_t value) override {  // called for numbers with a minus
    unexpected(value == 0 ? "-0" : std::to_string(value));
  }

  bool number_unsigned(std::uint64_t value) override {
    if (in_ == In::kOffsets && tensors_.back().offsets.size() < 2) {
      tensors_.back().offsets.push_back(value);
    } else if (in_ == In::kShape && value <= kLargest &&
               tensors_.back().entry.shape.size() < kMaxDimensions) {
      tensors_.back().entry.shape.push_back(static_cast<std::int64_t>(value));
    } else {
      unexpected(std::to_string(value));
    }
    return true;
  }

  bool string(std::string& value) override {
    if (in_ == In::kMetadata) return true;
    if (in_ != In::kTensor || field_ != Field::kDtype) unexpected(quote(value, 40));
    tensors_.back().entry.dtype = std::move(value);
    return true;
  }

  bool start_object(std::size_t) override {
    switch (in_) {
      case In::kNothing:
        in_ = In::kNames;
        return true;
      case In::kNames:
        in_ = pending_metadata_ ? In::kMetadata : In::kTensor;
        return true;
      default:
        unexpected("an object");
    }
  }

  bool end_object() override {
    if (in_ == In::kTensor && seen_ != kAllFields) {
      throw Error(file_ + ": " + context() + ": expected dtype, shape and data_offsets, found " +
                  (seen_ == 0 ? "none of them" : "only some of them"));
    }
    in_ = In::kNames;
    return true;
  }

  bool start_array(std::size_t) override {
    if (in_ != In::kTensor || field_ == Field::kDtype) unexpected("an array");
    in_ = field_ == Field::kShape ? In::kShape : In::kOffsets;
    return true;
  }

  bool end_array() override {
    if (in_ == In::kOffsets && tensors_.back().offsets.size() != 2) {
      unexpected(std::to_string(tensors_.back().offsets.size()) + " of them");
    }
    in_ = In::kTensor;
    return true;
  }

  bool key(std::string& name) override {
    if (in_ == In::kTensor) {
      start_field(name);
    } else if (in_ == In::kMetadata) {
      if (!metadata_.insert(name).second) repeated(name);
    } else {
      start_tensor(name);
    }
    return true;
  }

 private:
  enum class In { kNothing, kNames, kMetadata, kTensor, kShape, kOffsets };
  enum class Field { kDtype, kShape, kOffsets };
  static constexpr int kAllFields = 7;
  static constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

  void start_tensor(std::string& name) {
    pending_metadata_ = name == "__metadata__";
    if (pending_metadata_) {
      if (std::exchange(had_metadata_, true)) repeated(name);
      return;
    }
    seen_ = 0;
    tensors_.emplace_back().entry.name = std::move(name);
    tensors_.back().entry.file = file_;
  }

  void start_field(const std::string& name) {
    constexpr std::string_view kNames[] = {"dtype", "shape", "data_offsets"};
    const auto found = std::find(std::begin(kNames), std::end(kNames), name);
    if (found == std::end(kNames)) unexpected("field " + quote(name));
    const int index = static_cast<int>(found - std::begin(kNames));
    if ((seen_ & (1 << index)) != 0) repeated(name);
    seen_ |= 1 << index;
    field_ = static_cast<Field>(index);
  }

  std::string context() const {
    if (in_ == In::kNothing) return "header";
    if (pending_metadata_) return "__metadata__";
    return "tensor " + quote(tensors_.back().entry.name);
  }

  const char* expected() const {
    switch (in_) {
      case In::kNames:
        return "an object";
      case In::kMetadata:
        return "a string";
      case In::kShape:
        return "at most 64 integers of 0 or more as shape";
      case In::kOffsets:
        return "two integers of 0 or more as data_offsets";
      case In::kTensor:
        return field_ == Field::kDtype ? "dtype (a string), shape and data_offsets"
                                       : "dtype, shape and data_offsets (arrays)";
      default:
        return "an object of tensors by name";
    }
  }

  [[noreturn]] void unexpected(const std::string& found) const {
    throw Error(file_ + ": " + context() + ": expected " + expected() + ", found " + found);
  }

  [[noreturn]] void repeated(const std::string& name) const {
    throw Error(file_ + ": " + context() + ": key " + quote(name) + " appears twice");
  }

  const std::string& file_;
  std::vector<Stored> tensors_;
  std::set<std::string> metadata_;
  In in_ = In::kNothing;
  Field field_ = Field::kDtype;
  int seen_ = 0;  // bit by Field
  bool pending_metadata_ = false;
  bool had_metadata_ = false;
};

std::uint64_t header_bytes(const std::byte* data, std::size_t bytes, const std::string& file) {
  if (bytes < kLengthBytes) {
    throw Error(file + ": expected 8 bytes of header length, found a file of " +
                std::to_string(bytes) + " bytes");
  }
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) {
    length = length << 8 | std::to_integer<std::uint64_t>(data[i]);
  }
  const std::uint64_t most = std::min<std::uint64_t>(kMaxHeaderBytes, bytes - kLengthBytes);
  if (length > most) {
    throw Error(file + ": expected a header of at most " + std::to_string(most) +
                " bytes, found a header length of " + std::to_string(length));
  }
  return length;
}

std::string describe_range(const Stored& tensor) {
  return quote(tensor.entry.name) + " at bytes " + std::to_string(tensor.offsets[0]) + ".." +
         std::to_string(tensor.offsets[1]);
}

// Shape times dtype, and that the byte range is as long and inside the data.
void check_range(const Stored& tensor, std::size_t data_bytes) {
  const TensorSource::Entry& entry = tensor.entry;
  const auto fail = [&](const std::string& what) {
    throw Error(entry.file + ": tensor " + quote(entry.name) + ": " + what);
  };
  std::uint64_t want = stored_dtype_bytes(entry.dtype);
  if (want == 0) fail("expected a safetensors dtype, found " + quote(entry.dtype, 40));
  for (const std::int64_t extent : entry.shape) {
    if (__builtin_mul_overflow(want, static_cast<std::uint64_t>(extent), &want)) {
      fail("expected a shape of less than 2^64 bytes, found " + describe_shape(entry.shape));
    }
  }
  const std::uint64_t begin = tensor.offsets[0];
  const std::uint64_t end = tensor.offsets[1];
  if (begin > end || end > data_bytes) {
    fail("expected bytes inside the " + std::to_string(data_bytes) + " of data, found " +
         std::to_string(begin) + ".." + std::to_string(end));
  }
  if (end - begin != want) {
    fail("expected " + std::to_string(want) + " bytes for " + describe(entry) + ", found " +
         std::to_string(end - begin));
  }
}

// In order of their offsets, each tensor begins where the one before it ends.
void check_cover(const std::vector<Stored>& tensors, std::size_t data_bytes,
                 const std::string& file) {
  std::vector<std::uint32_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return tensors[a].offsets < tensors[b].offsets;
  });
  std::uint64_t covered = 0;
  const Stored* before = nullptr;
  for (const std::uint32_t i : order) {
    const Stored& tensor = tensors[i];
    if (tensor.offsets[0] < covered) {
      throw Error(file + ": tensor " + describe_range(tensor) + " overlaps " +
                  describe_range(*before));
    }
    if (tensor.offsets[0] > covered) {
      throw Error(file + ": expected a tensor at byte " + std::to_string(covered) +
                  " of the data, found a gap before " + describe_range(tensor));
    }
    covered = tensor.offsets[1];
    before = &tensor;
  }
  if (covered != data_bytes) {
    throw Error(file + ": expected " + std::to_string(covered) + " bytes of data, found " +
                std::to_string(data_bytes));
  }
}

}  // namespace

std::size_t stored_dtype_bytes(std::string_view dtype) {
  struct Named {
    std::string_view name;
    std::size_t bytes;
  };
  static constexpr Named kDtypes[] = {
      {"F32", 4}, {"BF16", 2}, {"F8_E4M3", 1}, {"F16", 2},  {"F64", 8},
      {"I64", 8}, {"I32", 4},  {"I16", 2},     {"I8", 1},   {"U64", 8},
      {"U32", 4}, {"U16", 2},  {"U8", 1},      {"BOOL", 1}, {"F8_E5M2", 1},
  };
  for (const Named& known : kDtypes) {
    if (known.name == dtype) return known.bytes;
  }
  return 0;
}

std::vector<TensorSource::Entry> read_safetensors(const std::byte* data, std::size_t bytes,
                                                  const std::string& file) {
  const std::uint64_t length = header_bytes(data, bytes, file);
  const std::string_view text(reinterpret_cast<const char*>(data) + kLengthBytes, length);
  if (!text.starts_with('{')) {
    throw Error(file + ": header: expected \"{\", found " + quote(text.substr(0, 1)));
  }
  HeaderReader reader(file);
  parse_json_events(text, file + ": header", reader);
  std::vector<Stored> tensors = reader.take();
  const std::size_t data_bytes = bytes - kLengthBytes - length;
  for (const Stored& tensor : tensors) check_range(tensor, data_bytes);
  check_cover(tensors, data_bytes, file);
  std::vector<TensorSource::Entry> entries;
  entries.reserve(tensors.size());
  for (Stored& tensor : tensors) {
    tensor.entry.data = data + kLengthBytes + length + tensor.offsets[0];
    tensor.entry.bytes = tensor.offsets[1] - tensor.offsets[0];
    entries.push_back(std::move(tensor.entry));
  }
  return entries;
}

std::string describe_shape(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t extent : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(extent);
  }
  return text + "]";
}

std::string describe(const TensorSource::Entry& entry) {
  return entry.dtype + " " + describe_shape(entry.shape);
}

}  // namespace moebius::engine
