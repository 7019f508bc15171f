#include "engine/serving/kv_pages.h"

#include <numeric>
#include <stdexcept>
#include <string>

#include "kernels/ragged.h"

namespace moebius::engine {
namespace {

constexpr auto kPage = static_cast<std::int32_t>(kernels::kPageTokens);

}  // namespace

KvPages::KvPages(std::int32_t total) {
  if (total < 1) throw std::invalid_argument("KvPages: no pages");
  references_.resize(total);
  free_.resize(total);
  std::iota(free_.rbegin(), free_.rend(), 0);
}

std::int32_t KvPages::covering(std::int32_t end) {
  return end / kPage + (end % kPage != 0);
}

std::int32_t KvPages::fresh(std::int32_t begin, std::int32_t end) {
  return covering(end) - begin / kPage;
}

std::vector<std::int32_t> KvPages::fork(std::span<const std::int32_t> prefix, std::int32_t begin,
                                        std::int32_t end) {
  const std::int32_t shared = begin / kPage;
  const std::int32_t needed = fresh(begin, end);
  if (needed > free() || static_cast<std::size_t>(shared) > prefix.size()) {
    throw std::logic_error("KvPages::fork: wants " + std::to_string(needed) + " pages, " +
                           std::to_string(free()) + " are free");
  }
  std::vector<std::int32_t> table(prefix.begin(), prefix.begin() + shared);
  table.insert(table.end(), free_.rbegin(), free_.rbegin() + needed);
  free_.resize(free_.size() - needed);
  for (std::int32_t page : table) ++references_[page];
  return table;
}

void KvPages::release(std::vector<std::int32_t>& table) {
  for (std::int32_t page : table) {
    if (references_[page] < 1) throw std::logic_error("KvPages::release: page is free already");
    if (--references_[page] == 0) free_.push_back(page);
  }
  table.clear();
}

void KvPages::copy_tail(Stepper& stepper, std::span<const std::int32_t> prefix,
                        std::span<const std::int32_t> table, std::int32_t begin) {
  if (begin % kPage == 0) return;
  const std::int32_t split = begin / kPage;
  stepper.copy_page(prefix[split], table[split], begin % kPage);
}

}  // namespace moebius::engine
