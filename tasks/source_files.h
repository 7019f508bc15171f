// Where a suite's data files are: found below a directory by name, accepted by their hash.
#pragma once

#include <string>
#include <vector>

#include "tasks/task.h"

namespace moebius::tasks {

/// A file on disk that is the pinned one.
struct DataFile {
  const Source* source = nullptr;  // null: the user's own, nothing vouches for it
  std::string path;
  std::string sha256;
};

/// All paths below `data_dir` whose file name is one of `names`, sorted. Links to directories
/// are not followed; what may not be read is passed over. Throws Error if there is no such
/// directory or it holds more than a million entries.
std::vector<std::string> find_files(const std::string& data_dir,
                                    const std::vector<std::string>& names);

/// The sources in the sets in which they are enough, in order of appearance.
using SourceSet = std::vector<const Source*>;
std::vector<SourceSet> source_groups(const Info& info);

/// Those of a set of which no unchanged file is below `data_dir`.
SourceSet missing_sources(const SourceSet& set, const std::string& data_dir);

/// The first group of sources that is complete and unchanged. Throws Error that says which
/// file was expected, and what is wrong with one of that name.
std::vector<DataFile> require_sources(const Info& info, const std::string& data_dir);

/// One hash for all that was read: of the file, or over the hashes of several, one a line; with
/// "unpinned:" in front if the files are the user's own. At least one file.
std::string joined_sha256(const std::vector<DataFile>& files);

/// Data rows of a file, by its name: lines that are not empty, CSV records without header, and
/// in archives the records of files called *_test.csv. Throws Error.
std::int64_t count_rows(const std::string& path);

}  // namespace moebius::tasks
