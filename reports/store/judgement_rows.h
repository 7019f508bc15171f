// Samples and their scores without texts, as fast as the file can be read.
#pragma once

#include <cstdint>
#include <functional>

#include "reports/store.h"
#include "reports/store/database.h"

namespace moebius::reports {

/// Every sample of a set, as Reader::each_judgement has them, into `row`, whose set is given; in
/// the order of the items' ids, in which they lie on the disk. Within the caller's transaction.
void each_judgement_of(Database& database, std::int64_t set, SampleRow& row,
                       const std::function<void(const SampleRow&)>& visit);

}  // namespace moebius::reports
