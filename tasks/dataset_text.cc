// Bytes of data files: unpacking by libarchive, lines, hashes, UTF-8.
#include <archive.h>
#include <archive_entry.h>
#include <openssl/evp.h>

#include <array>
#include <fstream>

#include "tasks/dataset.h"

namespace moebius::tasks {
namespace {

struct ArchiveClose {
  void operator()(archive* handle) const { archive_read_free(handle); }
};
using ArchivePtr = std::unique_ptr<archive, ArchiveClose>;

constexpr std::size_t kBlockBytes = 1 << 16;

[[noreturn]] void fail_reading(const std::string& name, archive* handle) {
  const char* why = archive_error_string(handle);
  throw Error(name + ": cannot be read: " + (why != nullptr ? why : "unknown reason"));
}

/// Only filters that are compiled in: libarchive would start programs for some others.
ArchivePtr new_archive(const std::string& name) {
  ArchivePtr handle(archive_read_new());
  if (!handle) throw Error(name + ": cannot be read: out of memory");
  archive_read_support_filter_gzip(handle.get());
  archive_read_support_filter_xz(handle.get());
  archive_read_support_filter_bzip2(handle.get());
  return handle;
}

void open_file(archive* handle, const std::string& path) {
  if (archive_read_open_filename(handle, path.c_str(), kBlockBytes) != ARCHIVE_OK) {
    fail_reading(path, handle);
  }
}

/// Adds unpacked bytes up, so that a bomb ends.
class Budget {
 public:
  void spend(const std::string& name, std::int64_t bytes) {
    spent_ += bytes;
    if (spent_ > kMaxTotalBytes) {
      throw Error(name + ": expected at most " + std::to_string(kMaxTotalBytes) +
                  " bytes unpacked, found more");
    }
  }

 private:
  std::int64_t spent_ = 0;
};

std::string hex(const unsigned char* bytes, unsigned size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

class Hash {
 public:
  Hash() : context_(EVP_MD_CTX_new()) {
    if (context_ == nullptr || EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) != 1) {
      throw Error("SHA-256 is not available");
    }
  }
  ~Hash() { EVP_MD_CTX_free(context_); }
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;

  void add(const char* bytes, std::size_t size) { EVP_DigestUpdate(context_, bytes, size); }
  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_DigestFinal_ex(context_, digest.data(), &size);
    return hex(digest.data(), size);
  }

 private:
  EVP_MD_CTX* context_;
};

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  Hash hash;
  hash.add(bytes.data(), bytes.size());
  return hash.finish();
}

std::string file_sha256(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(path + ": cannot be opened");
  Hash hash;
  std::string block(1 << 20, '\0');
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0) {
    hash.add(block.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) throw Error(path + ": cannot be read");
  return hash.finish();
}

bool valid_utf8(std::string_view bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || bytes.size() - i <= static_cast<std::size_t>(more)) {
      return false;
    }
    std::uint32_t code = lead & (0x3fU >> more);
    for (int k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(bytes[i + static_cast<std::size_t>(k)]);
      if ((next & 0xc0U) != 0x80U) return false;
      code = (code << 6) | (next & 0x3fU);
    }
    const bool short_form = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
    if (short_form || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    i += static_cast<std::size_t>(more) + 1;
  }
  return true;
}

struct LineReader::Impl {
  std::string name;
  ArchivePtr handle;
  std::string block = std::string(kBlockBytes, '\0');
  std::size_t begin = 0;
  std::size_t end = 0;
  std::int64_t line_number = 0;
  bool empty = false;  // a file without bytes has no entry
  Budget budget;

  void start() {
    archive_entry* entry = nullptr;
    const int result = archive_read_next_header(handle.get(), &entry);
    empty = result == ARCHIVE_EOF;
    if (!empty && result != ARCHIVE_OK) fail_reading(name, handle.get());
  }

  /// False at the end of the text.
  bool fill() {
    if (empty) return false;
    const la_ssize_t count = archive_read_data(handle.get(), block.data(), block.size());
    if (count < 0) fail_reading(name, handle.get());
    budget.spend(name, count);
    begin = 0;
    end = static_cast<std::size_t>(count);
    empty = count == 0;
    return !empty;
  }
};

LineReader::LineReader(const std::string& path) : impl_(std::make_unique<Impl>()) {
  impl_->name = path;
  impl_->handle = new_archive(path);
  archive_read_support_format_raw(impl_->handle.get());
  archive_read_support_format_empty(impl_->handle.get());
  open_file(impl_->handle.get(), path);
  impl_->start();
}

LineReader::LineReader(std::string name, std::string_view contents)
    : impl_(std::make_unique<Impl>()) {
  impl_->name = std::move(name);
  impl_->handle = new_archive(impl_->name);
  archive_read_support_format_raw(impl_->handle.get());
  archive_read_support_format_empty(impl_->handle.get());
  if (archive_read_open_memory(impl_->handle.get(), contents.data(), contents.size()) !=
      ARCHIVE_OK) {
    fail_reading(impl_->name, impl_->handle.get());
  }
  impl_->start();
}

LineReader::~LineReader() = default;

bool LineReader::next(std::string& line) {
  line.clear();
  Impl& in = *impl_;
  bool some = false;
  while (in.begin < in.end || in.fill()) {
    some = true;
    const std::string_view left(in.block.data() + in.begin, in.end - in.begin);
    const std::size_t stop = left.find('\n');
    line.append(left.substr(0, stop));
    if (line.size() > kMaxLineBytes) {
      throw Error(in.name + ":" + std::to_string(in.line_number + 1) +
                  ": expected a line of at most " + std::to_string(kMaxLineBytes) +
                  " bytes, found a longer one");
    }
    in.begin += stop == std::string_view::npos ? left.size() : stop + 1;
    if (stop != std::string_view::npos) break;
  }
  if (!some) return false;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  ++in.line_number;
  return true;
}

std::string LineReader::rest() {
  std::string text;
  Impl& in = *impl_;
  while (in.begin < in.end || in.fill()) {
    text.append(in.block, in.begin, in.end - in.begin);
    in.begin = in.end;
    if (text.size() > kMaxMemberBytes) {
      throw Error(in.name + ": expected at most " + std::to_string(kMaxMemberBytes) +
                  " bytes, found more");
    }
  }
  return text;
}

const std::string& LineReader::name() const {
  return impl_->name;
}
std::int64_t LineReader::line_number() const {
  return impl_->line_number;
}
std::string LineReader::where() const {
  return impl_->name + ":" + std::to_string(impl_->line_number);
}

namespace {

std::string read_member(archive* handle, const std::string& name, Budget& budget) {
  std::string text;
  std::string block(kBlockBytes, '\0');
  for (;;) {
    const la_ssize_t count = archive_read_data(handle, block.data(), block.size());
    if (count < 0) fail_reading(name, handle);
    if (count == 0) return text;
    budget.spend(name, count);
    text.append(block, 0, static_cast<std::size_t>(count));
    if (text.size() > kMaxMemberBytes) {
      throw Error(name + ": expected at most " + std::to_string(kMaxMemberBytes) +
                  " bytes, found more");
    }
  }
}

}  // namespace

void each_member(
    const std::string& path, const std::function<bool(const std::string&)>& wanted,
    const std::function<void(const std::string& name, const std::string& text)>& visit) {
  const ArchivePtr handle = new_archive(path);
  archive_read_support_format_tar(handle.get());
  open_file(handle.get(), path);
  Budget budget;
  archive_entry* entry = nullptr;
  for (std::int64_t members = 0;; ++members) {
    const int result = archive_read_next_header(handle.get(), &entry);
    if (result == ARCHIVE_EOF) return;
    if (result != ARCHIVE_OK) fail_reading(path, handle.get());
    if (members == kMaxMembers) {
      throw Error(path + ": expected at most " + std::to_string(kMaxMembers) +
                  " files in the archive, found more");
    }
    const char* name = archive_entry_pathname(entry);
    if (name == nullptr || archive_entry_filetype(entry) != AE_IFREG || !wanted(name)) {
      budget.spend(path, archive_entry_size(entry));
      continue;
    }
    visit(name, read_member(handle.get(), path + "!" + name, budget));
  }
}

}  // namespace moebius::tasks
