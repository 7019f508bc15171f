// Reading reference rows.
#include "scorers/code/testing/reference.h"

#include <zlib.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <sstream>
#include <thread>

#include "scorers/scorer.h"

namespace moebius::scorers::code {

std::string shared_folder() {
  const char* folder = std::getenv("MOEBIUS_SHARED");
  return folder == nullptr ? "" : folder;
}

std::vector<nlohmann::json> read_rows(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw Error("reference: " + path + ": cannot be opened");
  std::string text;
  char bytes[1 << 16];
  int got = 0;
  while ((got = gzread(file.get(), bytes, sizeof bytes)) > 0) {
    text.append(bytes, static_cast<std::size_t>(got));
  }
  if (got < 0) throw Error("reference: " + path + ": cannot be unpacked");
  std::vector<nlohmann::json> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) rows.push_back(nlohmann::json::parse(line));
  }
  return rows;
}

std::vector<nlohmann::json> sample_rows(std::vector<nlohmann::json> rows, std::size_t stride) {
  if (std::getenv("MOEBIUS_ALL_ROWS") != nullptr) return rows;
  std::vector<nlohmann::json> some;
  for (std::size_t i = 0; i < rows.size(); i += stride) some.push_back(std::move(rows[i]));
  return some;
}

void in_parallel(std::size_t count, const std::function<void(std::size_t)>& judge) {
  constexpr int kThreads = 4;
  std::atomic<std::size_t> next{0};
  std::exception_ptr failed;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      try {
        for (std::size_t i = next++; i < count; i = next++) judge(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        failed = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (failed) std::rethrow_exception(failed);
}

}  // namespace moebius::scorers::code
