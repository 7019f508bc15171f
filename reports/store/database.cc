// SQLite, owned: opening, binding, stepping, and what its error codes mean to a user.
#include "reports/store/database.h"

#include <cstring>
#include <utility>

#include "reports/store.h"

namespace moebius::reports {
namespace {

constexpr int kBusyMs = 10'000;  // a person with sqlite3 may hold the file for a moment

std::string uri(const std::string& path, bool immutable) {
  std::string text = "file:";
  for (const char c : path) {
    if (c == '?' || c == '#' || c == '%') {
      constexpr const char* kHex = "0123456789ABCDEF";
      text += '%';
      text += kHex[(static_cast<unsigned char>(c)) >> 4];
      text += kHex[(static_cast<unsigned char>(c)) & 15];
    } else {
      text += c;
    }
  }
  return immutable ? text + "?immutable=1" : text;
}

/// What to do about it, where there is something to do.
const char* advice(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return "; what was committed before is safe: free space and run the same command again";
    case SQLITE_IOERR:
      return "; what was committed before is safe: run the same command again";
    case SQLITE_CORRUPT:
      return "; the file is damaged: restore a copy, or save what is readable with "
             "sqlite3 FILE .recover";
    case SQLITE_BUSY:
      return "; another program holds the file";
    case SQLITE_NOTADB:
      return ": expected a moebius store";
    default:
      return "";
  }
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

}  // namespace

Database::Database(std::string path, Mode mode) : path_(std::move(path)) {
  // SQLite's own count of its memory costs a lock per allocation. Takes effect if this is the
  // first connection of the process; otherwise it is only slower.
  static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  (void)configured;
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
  // A reader may have to roll back what a killed process began; query_only below keeps it from
  // anything else. On a file that may not be written SQLite falls back to reading by itself.
  flags |= mode == Mode::kImmutable ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == Mode::kReadWrite) flags |= SQLITE_OPEN_CREATE;
  sqlite3* opened = nullptr;
  const int code =
      sqlite3_open_v2(uri(path_, mode == Mode::kImmutable).c_str(), &opened, flags, nullptr);
  handle_.reset(opened);
  if (code != SQLITE_OK) fail(code);
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_busy_timeout(opened, kBusyMs);
  if (mode == Mode::kRead) run("PRAGMA query_only = ON");
}

void Database::fail(int code) const {
  std::string text = path_ + ": " + sqlite3_errstr(code & 0xff);
  if (handle_ != nullptr) {
    const char* detail = sqlite3_errmsg(handle_.get());
    if (std::strcmp(detail, sqlite3_errstr(code & 0xff)) != 0) text += std::string(": ") + detail;
    const int kind = code & 0xff;
    const int system = sqlite3_system_errno(handle_.get());
    const bool outside = kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN || kind == SQLITE_FULL;
    if (outside && system != 0) text += std::string(" (") + std::strerror(system) + ")";
  }
  throw Error(one_line(text) + advice(code));
}

void Database::run(std::string_view sql) {
  const std::string text(sql);
  const int code = sqlite3_exec(handle_.get(), text.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t Database::integer(std::string_view sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  sqlite3_stmt* prepared = nullptr;
  const int code = sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
  statement_.reset(prepared);
  if (code != SQLITE_OK) database.fail(code);
}

void Statement::fail() const {
  const int code = sqlite3_extended_errcode(database_.handle());
  sqlite3_reset(statement_.get());
  database_.fail(code);
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) fail();
}

Statement& Statement::bind(int column, std::string_view text) {
  const char* data = text.data() != nullptr ? text.data() : "";  // a null pointer would bind NULL
  check(
      sqlite3_bind_text64(statement_.get(), column, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(int column, std::int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), column, value));
  return *this;
}

Statement& Statement::bind(int column, double value) {
  check(sqlite3_bind_double(statement_.get(), column, value));
  return *this;
}

Statement& Statement::bind(int column, const Statement& from, int from_column) {
  check(sqlite3_bind_value(statement_.get(), column,
                           sqlite3_column_value(from.statement_.get(), from_column)));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) fail();
  return false;
}

void Statement::run() {
  while (step()) continue;
  reset();
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
}

std::string Statement::text(int column) const {
  return std::string(view(column));
}

std::string_view Statement::view(int column) const {
  const auto* data = sqlite3_column_text(statement_.get(), column);
  const int bytes = sqlite3_column_bytes(statement_.get(), column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(bytes)};
}

bool Statement::empty(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

std::string Statement::name(int column) const {
  const char* name = sqlite3_column_name(statement_.get(), column);
  return name == nullptr ? std::string() : name;
}

bool Statement::same(int column, const Statement& other, int other_column) const {
  const int type = sqlite3_column_type(statement_.get(), column);
  if (type != sqlite3_column_type(other.statement_.get(), other_column)) return false;
  switch (type) {
    case SQLITE_INTEGER:
      return integer(column) == other.integer(other_column);
    case SQLITE_FLOAT:
      return real(column) == other.real(other_column);
    default:
      return text(column) == other.text(other_column);
  }
}

Transaction::Transaction(Database& database, bool writes) : database_(database) {
  database.run(writes ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
  if (open_ && sqlite3_get_autocommit(database_.handle()) == 0) {
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void Transaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace moebius::reports
