// Files of a checkpoint, by POSIX calls: every failure names the path and the reason.
#include "engine/checkpoint/checkpoint_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "engine/engine.h"

namespace moebius::engine {
namespace {

// Without O_NONBLOCK, opening a named pipe would wait for a writer.
int open_for_reading(const std::string& path) {
  if (path.find('\0') != std::string::npos) throw Error("a file name holds a NUL byte");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail_errno(path, "open", errno);
  return fd;
}

std::string too_long(const std::string& path, std::int64_t max_bytes) {
  return path + ": expected at most " + std::to_string(max_bytes) + " bytes, found more";
}

}  // namespace

void fail_errno(const std::string& path, const char* doing, int code) {
  throw Error(path + ": cannot " + doing + ": " + std::generic_category().message(code));
}

FileHandle::FileHandle(const std::string& path) : fd_(open_for_reading(path)) {
  struct stat info = {};
  const bool known = ::fstat(fd_, &info) == 0;
  if (known && S_ISREG(info.st_mode)) return;
  const int code = errno;
  ::close(fd_);
  if (!known) fail_errno(path, "inspect", code);
  throw Error(path + ": expected a regular file, found " +
              (S_ISDIR(info.st_mode) ? "a directory" : "something else"));
}

FileHandle::~FileHandle() {
  if (fd_ >= 0) ::close(fd_);
}

FileHandle::FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

struct stat FileHandle::status(const std::string& path) const {
  struct stat info = {};
  if (::fstat(fd_, &info) != 0) fail_errno(path, "inspect", errno);
  return info;
}

std::string read_text_file(const std::string& path, std::int64_t max_bytes) {
  const FileHandle file(path);
  const std::int64_t claimed = file.status(path).st_size;
  if (claimed > max_bytes) throw Error(too_long(path, max_bytes));
  // One byte more than claimed, so that the first read also sees the end of the file.
  std::string text(static_cast<std::size_t>(claimed) + 1, '\0');
  std::size_t filled = 0;
  for (;;) {
    if (filled == text.size()) text.resize(text.size() + 4096);
    const ssize_t got = ::read(file.get(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_errno(path, "read", errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > static_cast<std::size_t>(max_bytes)) throw Error(too_long(path, max_bytes));
  }
  text.resize(filled);
  return text;
}

// No madvise: a tensor is read front to back, which the default readahead is made
// for, and populating would read shards that `model info` never looks into.
MappedFile::MappedFile(std::string path) : path_(std::move(path)), file_(path_) {
  const struct stat info = file_.status(path_);
  bytes_ = static_cast<std::size_t>(info.st_size);
  modified_ = info.st_mtim;
  if (bytes_ == 0) return;
  void* memory = ::mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, file_.get(), 0);
  if (memory == MAP_FAILED) fail_errno(path_, "map", errno);
  data_ = static_cast<const std::byte*>(memory);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), bytes_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::move(other.file_)),
      modified_(other.modified_),
      bytes_(other.bytes_),
      data_(std::exchange(other.data_, nullptr)) {}

void MappedFile::require_unchanged() const {
  const struct stat now = file_.status(path_);
  if (static_cast<std::size_t>(now.st_size) != bytes_) {
    throw Error(path_ + ": expected " + std::to_string(bytes_) + " bytes as at opening, found " +
                std::to_string(now.st_size));
  }
  if (now.st_mtim.tv_sec != modified_.tv_sec || now.st_mtim.tv_nsec != modified_.tv_nsec) {
    throw Error(path_ + ": expected the file as at opening, found that it was written to");
  }
}

}  // namespace moebius::engine
