// CSV by RFC 4180 without any conversion: "None", "0" and "2.0" stay what they are.
#include "tasks/dataset.h"

namespace moebius::tasks {
namespace {

constexpr std::size_t kMaxFields = 1000;

class Parser {
 public:
  Parser(const std::string& name, std::string_view text) : name_(name), text_(text) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (text_.substr(0, 3) == kByteOrderMark) at_ = 3;
  }

  std::vector<CsvRecord> records() {
    std::vector<CsvRecord> found;
    while (at_ < text_.size()) found.push_back(record());
    return found;
  }

 private:
  CsvRecord record() {
    CsvRecord record{.line = line_};
    for (;;) {
      record.fields.push_back(field());
      if (record.fields.size() > kMaxFields) {
        fail("at most " + std::to_string(kMaxFields) + " fields", "more");
      }
      if (at_ == text_.size()) return record;
      if (text_[at_] == ',') {
        ++at_;
        continue;
      }
      end_of_line();
      return record;
    }
  }

  std::string field() {
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    const std::size_t stop = std::min(text_.find_first_of(",\"\r\n", at_), text_.size());
    if (stop < text_.size() && text_[stop] == '"')
      fail("quotes around a whole field", "one inside");
    std::string value(text_.substr(at_, stop - at_));
    at_ = stop;
    return value;
  }

  std::string quoted() {
    const std::int64_t opened = line_;
    std::string value;
    for (++at_;; ++at_) {
      const std::size_t stop = text_.find('"', at_);
      const std::string_view part = text_.substr(at_, stop == text_.npos ? stop : stop - at_);
      if (stop == text_.npos) {
        line_ = opened;
        fail("a closing quote", "the end of the file");
      }
      for (const char c : part) line_ += c == '\n';
      value += part;
      at_ = stop + 1;
      if (at_ == text_.size() || text_[at_] != '"') break;
      value += '"';
    }
    if (at_ < text_.size() &&
        std::string_view(",\r\n").find(text_[at_]) == std::string_view::npos) {
      fail("a comma or the end of the line behind a closing quote", "other text");
    }
    return value;
  }

  void end_of_line() {
    if (text_[at_] == '\r' && (++at_ == text_.size() || text_[at_] != '\n')) {
      fail("a line feed behind a carriage return", "other text");
    }
    ++at_;
    ++line_;
  }

  [[noreturn]] void fail(const std::string& expected, const std::string& found) const {
    throw Error(name_ + ":" + std::to_string(line_) + ": expected " + expected + ", found " +
                found);
  }

  const std::string& name_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

}  // namespace

std::vector<CsvRecord> parse_csv(const std::string& name, std::string_view text) {
  if (!valid_utf8(text)) throw Error(name + ": expected UTF-8, found other bytes");
  return Parser(name, text).records();
}

}  // namespace moebius::tasks
