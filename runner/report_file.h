// Where a report goes: a file that the user named, or standard output.
#pragma once

#include <string>
#include <string_view>

#include "runner/flags.h"
#include "runner/output.h"

namespace moebius::runner {

/// --out
void add_out(CLI::App& app, std::string& path);

/// Throws InputError, which names the file, where it cannot be written.
class ReportFile {
 public:
  /// Creates or empties the file; `path` empty: writes to `out`, which must outlive it.
  ReportFile(const std::string& path, Output& out);
  ~ReportFile();
  ReportFile(const ReportFile&) = delete;
  ReportFile& operator=(const ReportFile&) = delete;

  void write(std::string_view text);
  void close();  // everything is written

 private:
  [[noreturn]] void fail() const;

  const std::string path_;
  int fd_ = -1;
  Output file_;
  Output& out_;
};

/// The same in one go; nothing if `path` is empty.
void write_report(const std::string& path, const std::string& text);

}  // namespace moebius::runner
