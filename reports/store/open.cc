// Opening the file of a store, for writing and for reading.
#include "reports/store/open.h"

#include <sys/stat.h>

#include "reports/store.h"
#include "reports/store/run_book.h"
#include "reports/store/schema.h"

namespace moebius::reports {
namespace {

bool has_content(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && status.st_size > 0;
}

}  // namespace

std::unique_ptr<Database> open_for_writing(const std::string& path) {
  auto database = std::make_unique<Database>(path, Database::Mode::kReadWrite);
  schema_version(*database);                 // nothing is changed in a file that is not ours
  database->run("PRAGMA page_size = 8192");  // takes effect in an empty file only
  database->run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  migrate(*database);
  database->run(
      "PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 4000;"
      "PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY");
  mark_interrupted(*database);
  return database;
}

/// A store in a directory that cannot be written has no place for SQLite's shared memory. If no
/// write-ahead log is left, its file alone is the whole store.
std::unique_ptr<Database> open_for_reading(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw Error(path + ": no such store");
  auto database = std::make_unique<Database>(path, Database::Mode::kRead);
  try {
    readable_version(*database);
  } catch (const Error&) {
    const int code = sqlite3_errcode(database->handle()) & 0xff;
    const bool no_place = code == SQLITE_CANTOPEN || code == SQLITE_READONLY;
    if (!no_place || has_content(path + "-wal")) throw;
    database = std::make_unique<Database>(path, Database::Mode::kImmutable);
    readable_version(*database);
  }
  return database;
}

}  // namespace moebius::reports
