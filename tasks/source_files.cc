// Searches, hashes and counts data files, and says in one line what is missing.
#include "tasks/source_files.h"

#include <algorithm>
#include <filesystem>

#include "tasks/dataset.h"
#include "tasks/mini/mini.h"

namespace moebius::tasks {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxEntries = 1000000;

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool is_header(const CsvRecord& record) {
  return std::find(record.fields.begin(), record.fields.end(), "question") != record.fields.end() ||
         std::find(record.fields.begin(), record.fields.end(), "Question") != record.fields.end();
}

std::int64_t csv_rows(const std::string& name, std::string_view text) {
  const std::vector<CsvRecord> records = parse_csv(name, text);
  const bool header = !records.empty() && is_header(records.front());
  return static_cast<std::int64_t>(records.size()) - (header ? 1 : 0);
}

std::int64_t line_rows(LineReader& lines) {
  std::int64_t rows = 0;
  std::string line;
  while (lines.next(line)) rows += line.empty() ? 0 : 1;
  return rows;
}

std::string file_name(const std::string& path) {
  return fs::path(path).filename().string();
}

/// The path among `paths` that holds the source's bytes; empty if none does. A wrong file goes
/// to `problem`.
std::string matching(const Source& source, const std::vector<std::string>& paths,
                     std::string& problem) {
  for (const std::string& path : paths) {
    if (file_name(path) != source.file) continue;
    const std::string found = file_sha256(path);
    if (found == source.sha256) return path;
    if (problem.empty()) {
      problem = path + ": expected sha256 " + source.sha256 + ", found " + found;
    }
  }
  return "";
}

std::vector<std::string> names(const Info& info) {
  std::vector<std::string> files;
  for (const Source& source : info.sources) files.push_back(source.file);
  return files;
}

[[noreturn]] void fail_missing(const Info& info, const std::string& data_dir,
                               const std::vector<SourceSet>& sets) {
  std::string wanted;
  bool fetchable = false;
  for (const auto& set : sets) {
    wanted += wanted.empty() ? "" : " or ";
    for (std::size_t i = 0; i < set.size(); ++i) {
      wanted += (i > 0 ? " with " : "") + set[i]->file;
      fetchable |= !set[i]->url.empty();
    }
  }
  throw Error(info.name + ": no data: expected " + wanted + " below " + data_dir + ", found none" +
              (fetchable ? " (moebius tasks fetch " + info.name + ")" : ""));
}

SourceState embedded_state(const Source& source) {
  const std::string_view bytes = mini_file(source.file);
  LineReader lines(source.file, bytes);
  return {source, "embedded in this program", sha256_hex(bytes), line_rows(lines), ""};
}

SourceState state_of(const Source& source, const std::vector<std::string>& paths) {
  SourceState state{.source = source};
  state.path = matching(source, paths, state.problem);
  for (const std::string& path : paths) {
    if (state.path.empty() && file_name(path) == source.file) state.path = path;
  }
  if (state.path.empty()) {
    state.problem = "not found";
    return state;
  }
  state.sha256 = file_sha256(state.path);
  try {
    state.rows = count_rows(state.path);
  } catch (const Error& error) {
    if (state.problem.empty()) state.problem = error.what();
    return state;
  }
  if (state.rows != source.rows) {
    state.problem += (state.problem.empty() ? "" : "; ") + std::string("expected ") +
                     std::to_string(source.rows) + " rows, found " + std::to_string(state.rows);
  }
  return state;
}

}  // namespace

std::vector<std::string> find_files(const std::string& data_dir,
                                    const std::vector<std::string>& names) {
  std::error_code failure;
  fs::recursive_directory_iterator entry(data_dir, fs::directory_options::skip_permission_denied,
                                         failure);
  if (failure) throw Error(data_dir + ": expected a data directory, found " + failure.message());
  std::vector<std::string> paths;
  std::int64_t entries = 0;
  for (const fs::recursive_directory_iterator end; entry != end; entry.increment(failure)) {
    if (++entries > kMaxEntries) {
      throw Error(data_dir + ": expected at most " + std::to_string(kMaxEntries) +
                  " files and folders below it, found more");
    }
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    if (std::find(names.begin(), names.end(), name) != names.end() &&
        entry->is_regular_file(ignored)) {
      paths.push_back(entry->path().string());
    }
  }
  if (failure) throw Error(data_dir + ": cannot be searched: " + failure.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<SourceSet> source_groups(const Info& info) {
  std::vector<SourceSet> sets;
  for (const Source& source : info.sources) {
    auto same = std::find_if(sets.begin(), sets.end(), [&](const auto& set) {
      return info.all_sources || (!source.group.empty() && set.front()->group == source.group);
    });
    if (same == sets.end()) same = sets.insert(sets.end(), SourceSet());
    same->push_back(&source);
  }
  return sets;
}

SourceSet missing_sources(const SourceSet& set, const std::string& data_dir) {
  std::vector<std::string> files;
  for (const Source* source : set) files.push_back(source->file);
  const std::vector<std::string> paths = find_files(data_dir, files);
  SourceSet missing;
  std::string problem;
  for (const Source* source : set) {
    if (matching(*source, paths, problem).empty()) missing.push_back(source);
  }
  return missing;
}

std::vector<DataFile> require_sources(const Info& info, const std::string& data_dir) {
  if (data_dir.empty()) throw Error(info.name + ": expected a data directory, found none given");
  const std::vector<std::string> paths = find_files(data_dir, names(info));
  const std::vector<SourceSet> sets = source_groups(info);
  std::string problem;
  for (const auto& set : sets) {
    std::vector<DataFile> files;
    for (const Source* source : set) {
      const std::string path = matching(*source, paths, problem);
      if (!path.empty()) files.push_back({source, path, source->sha256});
    }
    if (files.size() == set.size()) return files;
  }
  if (!problem.empty()) throw Error(info.name + ": " + problem);
  fail_missing(info, data_dir, sets);
}

std::string joined_sha256(const std::vector<DataFile>& files) {
  const std::string mark = files.front().source == nullptr ? "unpinned:" : "";
  if (files.size() == 1) return mark + files.front().sha256;
  std::string hashes;
  for (const DataFile& file : files) hashes += file.sha256 + "\n";
  return mark + sha256_hex(hashes);
}

std::int64_t count_rows(const std::string& path) {
  if (path.find(".tar") != std::string::npos) {
    std::int64_t rows = 0;
    each_member(
        path, [](const std::string& name) { return ends_with(name, "_test.csv"); },
        [&](const std::string& name, const std::string& text) { rows += csv_rows(name, text); });
    return rows;
  }
  LineReader lines(path);
  return ends_with(path, ".csv") ? csv_rows(path, lines.rest()) : line_rows(lines);
}

std::vector<SourceState> verify(const Task& task, const std::string& data_dir) {
  const Info& info = task.info();
  std::vector<SourceState> states;
  if (info.mini) {
    for (const Source& source : info.sources) states.push_back(embedded_state(source));
    return states;
  }
  const std::vector<std::string> paths = find_files(data_dir, names(info));
  for (const Source& source : info.sources) states.push_back(state_of(source, paths));
  return states;
}

}  // namespace moebius::tasks
