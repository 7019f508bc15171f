#include "runner/report_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runner/input.h"

namespace moebius::runner {
namespace {

int open_report(const std::string& path) {
  if (path.empty()) return -1;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd >= 0) return fd;
  throw InputError(fmt::format("{}: cannot be written: {}", one_line(path), std::strerror(errno)));
}

}  // namespace

void add_out(CLI::App& app, std::string& path) {
  app.add_option("--out", path, "Where the report is written; none: standard output")
      ->type_name("FILE");
}

ReportFile::ReportFile(const std::string& path, Output& out)
    : path_(path), fd_(open_report(path)), file_(fd_), out_(out) {}

ReportFile::~ReportFile() {
  if (fd_ >= 0) ::close(fd_);
}

void ReportFile::write(std::string_view text) {
  if (fd_ < 0) return out_.write(text);
  try {
    file_.write(text);
  } catch (const OutputError&) {
    fail();
  }
}

void ReportFile::close() {
  if (fd_ < 0) return;
  try {
    file_.flush();
  } catch (const OutputError&) {
    fail();
  }
  const int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0) fail();
}

void ReportFile::fail() const {
  throw InputError(fmt::format("{}: cannot be written", one_line(path_)));
}

void write_report(const std::string& path, const std::string& text) {
  if (path.empty()) return;
  Output unused(-1);
  ReportFile file(path, unused);
  file.write(text);
  file.close();
}

}  // namespace moebius::runner
