// Downloads data files with libcurl.
#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <filesystem>
#include <thread>

#include "tasks/dataset.h"
#include "tasks/download.h"
#include "tasks/source_files.h"

namespace moebius::tasks {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_file(const std::string& path, const char* what) {
  throw Error(path + ": cannot " + what + ": " + std::strerror(errno));
}

/// The incomplete file, open for writing behind what it has.
class Part {
 public:
  explicit Part(std::string path)
      : path_(std::move(path)),
        fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
    if (fd_ < 0) fail_file(path_, "create");
    struct stat status {};
    if (::fstat(fd_, &status) != 0) fail_file(path_, "read");
    size_ = status.st_size;
  }
  ~Part() { ::close(fd_); }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  std::int64_t size() const { return size_; }
  void clear() {
    if (::ftruncate(fd_, 0) != 0) fail_file(path_, "shorten");
    size_ = 0;
  }
  void append(const char* bytes, std::size_t count) {
    while (count > 0) {
      const ssize_t written = ::write(fd_, bytes, count);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_file(path_, "write");
      bytes += written;
      count -= static_cast<std::size_t>(written);
      size_ += written;
    }
  }
  void sync() {
    if (::fsync(fd_) != 0) fail_file(path_, "write");
  }

 private:
  std::string path_;
  int fd_;
  std::int64_t size_ = 0;
};

struct EasyClose {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Easy = std::unique_ptr<CURL, EasyClose>;

enum class Result { kDone, kAgain, kRefused };

/// One request for what is missing.
class Attempt {
 public:
  Attempt(const Download& wanted, Part& part) : wanted_(wanted), part_(part) {}

  /// kAgain: worth another try; why() says what went wrong.
  Result run() {
    prepare();
    const CURLcode code = curl_easy_perform(handle_.get());
    if (thrown_) std::rethrow_exception(thrown_);
    return judge(code);
  }
  const std::string& why() const { return why_; }

 private:
  void prepare() {
    handle_.reset(curl_easy_init());
    if (!handle_) throw Error(wanted_.url + ": libcurl is out of memory");
    CURL* curl = handle_.get();
    curl_easy_setopt(curl, CURLOPT_URL, wanted_.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "moebius");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(wanted_.stall_s));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(wanted_.stall_s));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_.data());
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Attempt::received);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
    if (part_.size() > 0) {
      curl_easy_setopt(curl, CURLOPT_RANGE, (std::to_string(part_.size()) + "-").c_str());
    }
  }

  static std::size_t received(const char* bytes, std::size_t size, std::size_t count, void* self) {
    auto* attempt = static_cast<Attempt*>(self);
    try {
      return attempt->take(bytes, size * count) ? size * count : CURL_WRITEFUNC_ERROR;
    } catch (...) {
      attempt->thrown_ = std::current_exception();  // must not cross C code
      return CURL_WRITEFUNC_ERROR;
    }
  }

  bool take(const char* bytes, std::size_t count) {
    const long status = http_status();
    if (status != 200 && status != 206) return false;
    if (!begun_ && status == 200) part_.clear();  // the server sends all of it
    if (!begun_) start_ = part_.size();
    begun_ = true;
    part_.append(bytes, count);
    if (wanted_.progress) wanted_.progress(part_.size(), total());
    return true;
  }

  long http_status() const {
    long status = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

  std::int64_t total() const {
    curl_off_t length = -1;
    curl_easy_getinfo(handle_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length < 0 ? -1 : start_ + length;
  }

  Result judge(CURLcode code) {
    const long status = http_status();
    if (status == 416) {  // nothing is left to send, or the part is not of this file
      why_ = "the server has no more bytes";
      return Result::kDone;
    }
    if (status >= 400) {
      why_ = "HTTP status " + std::to_string(status);
      return status == 408 || status == 429 || status >= 500 ? Result::kAgain : Result::kRefused;
    }
    if (code == CURLE_OK && !begun_ && part_.size() > 0 && status == 200) part_.clear();
    if (code == CURLE_OK) return Result::kDone;
    why_ = error_[0] != '\0' ? error_.data() : curl_easy_strerror(code);
    return code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ? Result::kRefused
                                                                             : Result::kAgain;
  }

  const Download& wanted_;
  Part& part_;
  Easy handle_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::exception_ptr thrown_;
  std::string why_;
  std::int64_t start_ = 0;
  bool begun_ = false;
};

/// Puts the part in place if its hash is right; else removes it and returns what it is.
std::string adopt(const Download& wanted, const std::string& part_path) {
  const std::string found = file_sha256(part_path);
  if (found == wanted.sha256) {
    if (std::rename(part_path.c_str(), wanted.path.c_str()) != 0) fail_file(wanted.path, "create");
    return "";
  }
  std::error_code ignored;
  fs::remove(part_path, ignored);
  return "expected sha256 " + wanted.sha256 + ", found " + found;
}

Result request(const Download& wanted, const std::string& part_path, bool& resumed,
               std::string& why) {
  Part part(part_path);
  resumed = part.size() > 0;
  Attempt attempt(wanted, part);
  const Result result = attempt.run();
  if (result == Result::kDone) part.sync();
  why = attempt.why();
  return result;
}

}  // namespace

void download(const Download& wanted) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) throw Error(wanted.url + ": libcurl cannot start");
  const std::string part_path = wanted.path + ".part";
  std::string why;
  std::int64_t pause_ms = wanted.pause_ms;
  for (int attempt = 0; attempt < wanted.attempts; ++attempt) {
    if (attempt > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
      pause_ms *= 2;
    }
    bool resumed = false;
    const Result result = request(wanted, part_path, resumed, why);
    if (result == Result::kRefused) break;
    if (result == Result::kAgain) continue;
    why = adopt(wanted, part_path);
    if (why.empty()) return;
    // What was resumed may have begun with another file's bytes; the whole file would not.
    if (!resumed) break;
  }
  throw Error(wanted.url + ": cannot be fetched: " + why);
}

namespace {

void fetch_one(const Source& source, const fs::path& folder,
               const std::function<void(const Source&, std::int64_t, std::int64_t)>& progress) {
  Download wanted{
      .url = source.url, .path = (folder / source.file).string(), .sha256 = source.sha256};
  if (progress) {
    wanted.progress = [&](std::int64_t done, std::int64_t all) { progress(source, done, all); };
  }
  download(wanted);
}

bool fetchable(const SourceSet& sources) {
  return std::all_of(sources.begin(), sources.end(),
                     [](const Source* each) { return !each->url.empty(); });
}

}  // namespace

void fetch(const Task& task, const std::string& data_dir,
           const std::function<void(const Source&, std::int64_t, std::int64_t)>& progress) {
  const Info& info = task.info();
  if (info.mini) return;
  const fs::path folder = fs::path(data_dir) / info.name;
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) throw Error(folder.string() + ": cannot be created: " + failure.message());
  std::vector<SourceSet> offered;
  for (const SourceSet& set : source_groups(info)) {
    const SourceSet missing = missing_sources(set, data_dir);
    if (missing.empty()) return;
    if (fetchable(missing)) offered.push_back(missing);
  }
  if (offered.empty()) {
    throw Error(info.name + ": expected a source that can be fetched, found none (" +
                info.sources.front().file + " must be put below " + data_dir + " by hand)");
  }
  for (const Source* source : offered.front()) fetch_one(*source, folder, progress);
}

}  // namespace moebius::tasks
