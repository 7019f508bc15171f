// Copies questions, samples, judgements and failures from one store into another.
#pragma once

#include <cstdint>
#include <string>

#include "reports/store.h"
#include "reports/store/database.h"

namespace moebius::reports {

/// All within the caller's transaction on `target`. What is there already must be the same, but
/// for clocks and shared prefixes; otherwise Error is thrown and the caller rolls back.
class MergeRows {
 public:
  explicit MergeRows(Database& target);

  /// Everything stored of a set, into the set that it is a part of.
  void add_set(Database& from, const Set& set, const Set& into);
  /// When and where a run was tried.
  void add_attempts(Database& from, std::int64_t run, std::int64_t into);

  std::int64_t added() const { return added_; }  // samples
  std::int64_t found() const { return found_; }

 private:
  struct Where;
  void require_headlines(Database& from, const Where& where, std::int64_t set, std::int64_t into);
  std::int64_t add_item(const Statement& item, const Where& where, std::int64_t into);
  void add_sample(const Statement& sample, Statement& scores, Where& where, std::int64_t item);
  void add_score(const Statement& score, const Where& where, std::int64_t sample);
  void add_failure(const Statement& failure, std::int64_t item);
  void require_same(const Statement& stored, const Statement& other, int columns,
                    const Where& where) const;

  Database& target_;
  Statement find_item_, insert_item_;
  Statement find_sample_, insert_sample_, find_score_, insert_score_;
  Statement find_failure_, insert_failure_, delete_failure_;
  std::int64_t added_ = 0;
  std::int64_t found_ = 0;
};

}  // namespace moebius::reports
