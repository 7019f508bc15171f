// Fuzz target: any bytes as CSV; what is accepted is the same when written again with quotes.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/dataset.h"

using moebius::tasks::CsvRecord;
using moebius::tasks::parse_csv;

namespace {

std::string quoted(const std::vector<CsvRecord>& records) {
  std::string text;
  for (const CsvRecord& record : records) {
    for (std::size_t i = 0; i < record.fields.size(); ++i) {
      text += i > 0 ? ",\"" : "\"";
      for (const char c : record.fields[i]) text += c == '"' ? "\"\"" : std::string(1, c);
      text += '"';
    }
    text += "\r\n";
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto records = parse_csv("f", {reinterpret_cast<const char*>(data), size});
    const auto again = parse_csv("f", quoted(records));
    if (again.size() != records.size()) std::abort();
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (again[i].fields != records[i].fields) std::abort();
    }
  } catch (const moebius::tasks::Error&) {
  }
  return 0;
}
