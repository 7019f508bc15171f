// SQLite, owned: a connection and its prepared statements, whose every error is one line that
// names the file.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace moebius::reports {

class Database;

/// A prepared statement. Texts bound with bind() must live until the next reset().
class Statement {
 public:
  Statement(Database& database, std::string_view sql);  // throws Error

  Statement& bind(int column, std::string_view text);  // from 1
  Statement& bind(int column, std::int64_t value);
  Statement& bind(int column, double value);
  /// A value of another statement's row, as it is, whatever its type. Copied.
  Statement& bind(int column, const Statement& from, int from_column);

  /// True while there is a row. Throws Error.
  bool step();
  /// Runs a statement without rows and makes it ready to be bound again. Throws Error.
  void run();
  void reset();

  std::string text(int column) const;       // from 0; any bytes
  std::string_view view(int column) const;  // the same, until the next step() or reset()
  bool empty(int column) const;             // NULL
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string name(int column) const;
  /// The same type and the same value, numbers to the last bit but for the sign of zero.
  bool same(int column, const Statement& other, int other_column) const;
  int columns() const { return sqlite3_column_count(statement_.get()); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
  };
  [[noreturn]] void fail() const;
  void check(int code) const;

  Database& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// One connection, used by one thread at a time.
class Database {
 public:
  enum class Mode : std::uint8_t {
    kReadWrite,  // created if it is not there
    kRead,       // repairs what a killed writer left, if it may, but changes no row
    kImmutable,  // read only, and the file is promised not to change: needs no lock files
  };
  Database(std::string path, Mode mode);  // throws Error

  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_.get(); }

  void run(std::string_view sql);              // one or more statements, rows ignored. Throws Error
  std::int64_t integer(std::string_view sql);  // first column of the first row, or 0
  std::int64_t last_id() const { return sqlite3_last_insert_rowid(handle_.get()); }
  std::int64_t changes() const { return sqlite3_changes64(handle_.get()); }

  /// Throws Error for SQLite's last failure.
  [[noreturn]] void fail(int code) const;

 private:
  struct Close {
    void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// Rolls back unless it was committed.
class Transaction {
 public:
  /// `writes`: takes the write lock at once, so that no later statement can find it taken.
  Transaction(Database& database, bool writes);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();  // throws Error

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace moebius::reports
