// Files of a checkpoint: small ones are read whole, large ones are mapped.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace moebius::engine {

/// Throws Error("path: cannot DOING: " and the text of errno `code`).
[[noreturn]] void fail_errno(const std::string& path, const char* doing, int code);

/// The bytes of the regular file `path`. Throws Error("path: ...") if there is
/// none, if it is a directory or another thing, unreadable, or longer than `max_bytes`.
std::string read_text_file(const std::string& path, std::int64_t max_bytes);

/// An open file descriptor.
class FileHandle {
 public:
  /// Opens the regular file `path` for reading; throws Error as read_text_file does.
  explicit FileHandle(const std::string& path);
  ~FileHandle();
  FileHandle(FileHandle&& other) noexcept;
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(FileHandle&&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;

  int get() const { return fd_; }
  struct stat status(const std::string& path) const;

 private:
  int fd_;
};

/// A regular file, mapped read-only.
///
/// Whoever shortens the file in place while it is mapped makes the next read behind its new
/// end a SIGBUS, which ends the process: no reader of a mapping can turn that
/// into an Error. require_unchanged() tells of it before a long read instead; replacing
/// the file by rename is harmless, since the mapping keeps the old one.
class MappedFile {
 public:
  explicit MappedFile(std::string path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(MappedFile&&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::byte* data() const { return data_; }  // null if the file is empty
  std::size_t bytes() const { return bytes_; }
  const std::string& path() const { return path_; }

  /// Throws Error if size or modification time are no longer what they were at opening.
  void require_unchanged() const;

 private:
  std::string path_;
  FileHandle file_;
  struct timespec modified_ = {};
  std::size_t bytes_ = 0;
  const std::byte* data_ = nullptr;
};

}  // namespace moebius::engine
