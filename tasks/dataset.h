// Data files as published: lines, JSON rows, CSV, archives, compressed or not, read strictly and
// within bounds. Every Error names file and line, what was expected and what was found.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tasks/task.h"

namespace moebius::tasks {

// Bounds of one reading; the largest real file (LiveCodeBench, 1.2 GB of lines of up to some
// 60 MB) is well below them.
inline constexpr std::size_t kMaxLineBytes = std::size_t{256} << 20;
inline constexpr std::size_t kMaxMemberBytes = std::size_t{64} << 20;  // of an archive
inline constexpr std::int64_t kMaxTotalBytes = std::int64_t{8} << 30;  // unpacked
inline constexpr std::int64_t kMaxMembers = 20000;
inline constexpr int kMaxJsonDepth = 32;

/// Whether the bytes are UTF-8 as Unicode defines it: shortest forms, no surrogates.
bool valid_utf8(std::string_view bytes);

/// The SHA-256 in lower-case hexadecimal digits. A file: throws Error if it cannot be read.
std::string sha256_hex(std::string_view bytes);
std::string file_sha256(const std::string& path);

/// A text, plain or packed with gzip, xz or bzip2, as a stream of lines.
class LineReader {
 public:
  explicit LineReader(const std::string& path);             // throws Error
  LineReader(std::string name, std::string_view contents);  // borrowed; name: for errors
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  /// The next line without its end, "\n" or "\r\n"; false at the end. Throws Error if it is
  /// longer than kMaxLineBytes or the packing is damaged.
  bool next(std::string& line);
  /// Everything that is left, at most kMaxMemberBytes.
  std::string rest();
  const std::string& name() const;
  std::int64_t line_number() const;  // of the line last read, from 1
  std::string where() const;         // "file.jsonl:17"

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One row of a data file, its fields read by name and type.
class Row {
 public:
  /// `value` must be an object, as parse_json() gives it.
  Row(std::string where, nlohmann::json value);
  ~Row();
  Row(Row&&) noexcept;
  Row& operator=(Row&&) noexcept;

  const std::string& where() const;
  bool has(const std::string& field) const;
  std::string text(const std::string& field) const;
  std::string text_or(const std::string& field, const std::string& otherwise) const;
  /// Neither absent nor empty.
  std::string filled(const std::string& field) const;
  std::int64_t integer(const std::string& field) const;
  /// A string, or a number as it is written ("25", 25, 25.0).
  std::string scalar(const std::string& field) const;
  std::vector<std::string> texts(const std::string& field) const;  // an array of strings
  [[noreturn]] void fail(const std::string& field, const std::string& expected,
                         const std::string& found) const;

 private:
  const nlohmann::json& at(const std::string& field) const;
  std::string where_;
  std::unique_ptr<nlohmann::json> value_;
};

/// One JSON value of valid UTF-8, no field of an object twice, at most kMaxJsonDepth deep. Throws
/// Error.
nlohmann::json parse_json(const std::string& where, std::string_view text);

/// Calls `visit` for each line but empty ones.
void each_row(LineReader& lines, const std::function<void(const Row&)>& visit);
/// The same for a JSON array of objects; where() is "file.json[3]".
void each_element(LineReader& document, const std::function<void(const Row&)>& visit);

/// One record of a CSV file (RFC 4180): plain strings, nothing converted.
struct CsvRecord {
  std::int64_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};
/// The records of `text`, valid UTF-8, an optional byte order mark in front. Quotes only around
/// whole fields, both line ends, line breaks inside quotes. Throws Error.
std::vector<CsvRecord> parse_csv(const std::string& name, std::string_view text);

/// Calls `visit` with each regular file of a tar archive (plain, gzip, xz, bzip2) that `wanted`
/// names, in the archive's order. Throws Error if it is damaged or beyond the bounds.
void each_member(
    const std::string& path, const std::function<bool(const std::string&)>& wanted,
    const std::function<void(const std::string& name, const std::string& text)>& visit);

/// Refuses an id that was there before.
class UniqueIds {
 public:
  /// Throws Error: where, the id and where it was first.
  void add(const std::string& id, const std::string& where);

 private:
  std::unordered_map<std::string, std::string> seen_;
};

}  // namespace moebius::tasks
