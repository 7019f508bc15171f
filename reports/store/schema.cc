// Opening a file as a store: application id, schema version, migrations.
#include "reports/store/schema.h"

#include <array>
#include <string>

#include "reports/store.h"
#include "reports/store/schema_sql.inc"  // from schema.sql, schema_2.sql, ...

namespace moebius::reports {
namespace {

constexpr std::array<std::string_view, 3> kScripts = {kSchemaSql, kSchema2Sql, kSchema3Sql};

[[noreturn]] void refuse_newer(const Database& database, std::int64_t found, std::int64_t known) {
  throw Error(database.path() + ": written by a newer moebius: schema version " +
              std::to_string(found) + ", this one knows up to " + std::to_string(known));
}

void step(Database& database, std::string_view script, std::int64_t to) {
  Transaction transaction(database, true);
  // Another process may have been faster between the look and the lock.
  if (schema_version(database) >= to) return;
  database.run(script);
  if (to == 1) {
    database.run("PRAGMA application_id = " + std::to_string(kApplicationId));
    database.run(
        "INSERT INTO meta VALUES ('created', strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),"
        " ('schema_version', '1')");
  }
  database.run("UPDATE meta SET value = '" + std::to_string(to) +
               "' WHERE name = 'schema_version'");
  Statement broken(database, "PRAGMA foreign_key_check");
  if (broken.step()) {
    throw Error(database.path() + ": migration to schema version " + std::to_string(to) +
                " would break a reference in table " + broken.text(0));
  }
  broken.reset();
  transaction.commit();
}

}  // namespace

std::int64_t schema_version(Database& database) {
  const std::int64_t id = database.integer("PRAGMA application_id");
  const std::int64_t tables = database.integer("SELECT count(*) FROM sqlite_schema");
  if (id == 0 && tables == 0) return 0;
  if (id != kApplicationId) {
    throw Error(database.path() + ": not a moebius store: expected application_id " +
                std::to_string(kApplicationId) + ", found " + std::to_string(id));
  }
  const std::int64_t version =
      database.integer("SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'schema_version'");
  if (version < 1) throw Error(database.path() + ": no schema_version in table meta");
  return version;
}

std::span<const std::string_view> migrations() {
  return kScripts;
}

void migrate(Database& database, std::span<const std::string_view> scripts) {
  const auto newest = static_cast<std::int64_t>(scripts.size());
  const std::int64_t version = schema_version(database);
  if (version > newest) refuse_newer(database, version, newest);
  for (std::int64_t to = version + 1; to <= newest; ++to) {
    step(database, scripts[static_cast<std::size_t>(to - 1)], to);
  }
}

std::int64_t readable_version(Database& database) {
  const auto newest = static_cast<std::int64_t>(migrations().size());
  const std::int64_t version = schema_version(database);
  if (version > newest) refuse_newer(database, version, newest);
  if (version == 0) throw Error(database.path() + ": empty: no run was ever stored here");
  return version;
}

}  // namespace moebius::reports
