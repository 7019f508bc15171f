#include "engine/checkpoint/checkpoint_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "engine/checkpoint/checkpoint_files.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/engine.h"

namespace moebius::engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kHeaderAlignment = 64;  // of the data behind it, so of every first tensor

std::size_t bytes_of(const OutgoingTensor& tensor) {
  std::size_t bytes = stored_dtype_bytes(tensor.dtype);
  for (const std::int64_t extent : tensor.shape) bytes *= static_cast<std::size_t>(extent);
  return bytes;
}

void write_at(const std::string& path, int fd, const void* data, std::size_t bytes,
              std::size_t offset) {
  const auto* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::pwrite(fd, from, bytes, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail_errno(path, "write", errno);
    from += done;
    offset += static_cast<std::size_t>(done);
    bytes -= static_cast<std::size_t>(done);
  }
}

int create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) fail_errno(path, "create", errno);
  return fd;
}

// A file system that cannot reserve says so; a disk too small is found when it is full, then.
void reserve(const std::string& path, int fd, std::size_t bytes) {
  const int code = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
  if (code != 0 && code != EOPNOTSUPP && code != EINVAL) {
    const std::string doing = "reserve " + std::to_string(bytes) + " bytes";
    fail_errno(path, doing.c_str(), code);
  }
}

// The length of the header, then the header: tensors in file order, padded with blanks.
std::string header_of(const std::vector<OutgoingTensor>& tensors) {
  Json json = {{"__metadata__", {{"format", "pt"}}}};
  std::size_t offset = 0;
  for (const OutgoingTensor& tensor : tensors) {
    const std::size_t bytes = bytes_of(tensor);
    json[tensor.name] = {{"dtype", tensor.dtype},
                         {"shape", tensor.shape},
                         {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = json.dump();
  text.resize((8 + text.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment - 8,
              ' ');
  std::string header;
  for (int i = 0; i < 8; ++i) header += static_cast<char>(text.size() >> (8 * i) & 255);
  return header + text;
}

void sync_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail_errno(path, "open", errno);
  const int code = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (code != 0 && code != EINVAL) fail_errno(path, "bring to the disk", code);
}

std::string shard_name(std::size_t shard, std::size_t count) {
  if (count == 1) return "model.safetensors";
  const auto digits = [](std::size_t number) {
    const std::string text = std::to_string(number);
    return std::string(text.size() < 5 ? 5 - text.size() : 0, '0') + text;
  };
  return "model-" + digits(shard) + "-of-" + digits(count) + ".safetensors";
}

// Renames unless the new name is taken.
void rename_folder(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno == EINVAL && ::rename(from.c_str(), to.c_str()) == 0) return;  // no such flag there
  fail_errno(to, "give the finished folder its name", errno);
}

}  // namespace

CheckpointWriter::CheckpointWriter(const std::string& directory,
                                   std::vector<OutgoingTensor> tensors,
                                   std::int64_t max_shard_bytes)
    : directory_(directory) {
  while (directory_.size() > 1 && directory_.ends_with('/')) directory_.pop_back();
  struct stat found = {};
  if (::lstat(directory_.c_str(), &found) == 0) {
    throw Error(directory_ + ": expected a name that is free, found a " +
                (S_ISDIR(found.st_mode) ? "folder" : "file"));
  }
  unfinished_ = directory_ + ".partial-" + std::to_string(::getpid());
  if (::mkdir(unfinished_.c_str(), 0777) != 0) fail_errno(unfinished_, "create", errno);
  try {
    place(std::move(tensors), max_shard_bytes);
  } catch (...) {
    discard();
    throw;
  }
}

CheckpointWriter::~CheckpointWriter() {
  if (!committed_) discard();
}

void CheckpointWriter::discard() noexcept {
  for (Shard& shard : shards_) {
    if (shard.fd >= 0) ::close(std::exchange(shard.fd, -1));
  }
  std::error_code ignored;
  std::filesystem::remove_all(unfinished_, ignored);
}

// Shards take tensors by name; in a shard the widest elements come first, so that all are
// aligned without gaps, as the safetensors library orders them.
void CheckpointWriter::place(std::vector<OutgoingTensor> tensors, std::int64_t max_shard_bytes) {
  std::sort(tensors.begin(), tensors.end(),
            [](const OutgoingTensor& a, const OutgoingTensor& b) { return a.name < b.name; });
  constexpr std::int64_t kEntryBytes = 200;  // of a header, more than any of them takes
  std::vector<OutgoingTensor> shard;
  std::int64_t filled = 0;
  for (OutgoingTensor& tensor : tensors) {
    const std::int64_t bytes =
        static_cast<std::int64_t>(bytes_of(tensor) + tensor.name.size()) + kEntryBytes;
    if (!shard.empty() && filled + bytes > max_shard_bytes) {
      add_shard(std::exchange(shard, {}));
      filled = 0;
    }
    filled += bytes;
    shard.push_back(std::move(tensor));
  }
  add_shard(std::move(shard));
  name_shards();
}

void CheckpointWriter::add_shard(std::vector<OutgoingTensor> tensors) {
  std::stable_sort(tensors.begin(), tensors.end(),
                   [](const OutgoingTensor& a, const OutgoingTensor& b) {
                     return stored_dtype_bytes(a.dtype) > stored_dtype_bytes(b.dtype);
                   });
  const std::string header = header_of(tensors);
  std::size_t offset = header.size();
  for (const OutgoingTensor& tensor : tensors) {
    const std::size_t bytes = bytes_of(tensor);
    if (!places_.emplace(tensor.name, Place{shards_.size(), offset, bytes}).second) {
      throw std::logic_error("CheckpointWriter: " + tensor.name + " twice");
    }
    offset += bytes;
    weight_bytes_ += static_cast<std::int64_t>(bytes);
  }
  const std::string name = "shard-" + std::to_string(shards_.size());
  const std::string path = unfinished_ + "/" + name;
  shards_.push_back({name, create(path)});
  reserve(path, shards_.back().fd, offset);
  write_at(path, shards_.back().fd, header.data(), header.size(), 0);
}

// Only now is their number known.
void CheckpointWriter::name_shards() {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    const std::string name = shard_name(i + 1, shards_.size());
    const std::string from = unfinished_ + "/" + shards_[i].name;
    const std::string to = unfinished_ + "/" + name;
    if (::rename(from.c_str(), to.c_str()) != 0) fail_errno(from, "rename", errno);
    shards_[i].name = name;
  }
  if (shards_.size() == 1) return;
  Json map = Json::object();
  for (const auto& [tensor, at] : places_) map[tensor] = shards_[at.shard].name;
  write_file(
      "model.safetensors.index.json",
      Json{{"metadata", {{"total_size", weight_bytes_}}}, {"weight_map", map}}.dump(2) + "\n");
}

void CheckpointWriter::write(const std::string& name, const void* data, std::size_t bytes) {
  const auto found = places_.find(name);
  if (found == places_.end() || found->second.bytes != bytes || found->second.written) {
    throw std::logic_error("CheckpointWriter: " + name + " is unknown, written or of another size");
  }
  const Shard& shard = shards_[found->second.shard];
  write_at(unfinished_ + "/" + shard.name, shard.fd, data, bytes, found->second.offset);
  found->second.written = true;
}

void CheckpointWriter::write_file(const std::string& name, std::string_view text) {
  const std::string path = unfinished_ + "/" + name;
  const int fd = create(path);
  try {
    write_at(path, fd, text.data(), text.size(), 0);
    sync(path, fd);
  } catch (...) {
    ::close(fd);
    throw;
  }
  if (::close(fd) != 0) fail_errno(path, "close", errno);
}

void CheckpointWriter::sync(const std::string& path, int fd) const {
  if (::fsync(fd) != 0) fail_errno(path, "bring to the disk", errno);
}

void CheckpointWriter::seal() {
  for (const auto& [name, at] : places_) {
    if (!at.written) throw std::logic_error("CheckpointWriter: " + name + " was not written");
  }
  for (Shard& shard : shards_) {
    if (shard.fd < 0) continue;
    const std::string path = unfinished_ + "/" + shard.name;
    sync(path, shard.fd);
    if (::close(std::exchange(shard.fd, -1)) != 0) fail_errno(path, "close", errno);
  }
}

void CheckpointWriter::commit() {
  seal();
  sync_folder(unfinished_);
  rename_folder(unfinished_, directory_);
  committed_ = true;
  const std::string parent = std::filesystem::path(directory_).parent_path().string();
  sync_folder(parent.empty() ? "." : parent);
}

}  // namespace moebius::engine
