// An evaluation that is compared with an earlier run while it goes on.
#include "runner/sequential.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "runner/flags.h"
#include "runner/input.h"
#include "runner/output.h"
#include "runner/percent.h"

namespace moebius::runner {

void SequentialFlags::add(CLI::App& app) {
  CLI::Option* base =
      app.add_option("--sequential", base_,
                     "Compare with this run at several looks, and stop once they decide")
          ->type_name("RUN");
  app.add_option("--base-store", base_store_, "Where that run is, if in another store")
      ->type_name("FILE")
      ->needs(base);
  add_percent(app, "--margin", margin_, "With --sequential: how much worse is still good enough")
      ->needs(base);
  add_percent(app, "--alpha", alpha_, "With --sequential: chance of an error of each decision")
      ->needs(base);
  add_number(app, "--looks", looks_, 2, 20, "With --sequential: looks at equal distances")
      ->needs(base);
  app.add_option("--look-shape", shape_,
                 "With --sequential: pocock stops early, obrien-fleming costs least power")
      ->check(CLI::IsMember({"pocock", "obrien-fleming"}))
      ->needs(base)
      ->capture_default_str();
}

reports::CompareOptions SequentialFlags::options() const {
  reports::CompareOptions options{.margin = margin_, .alpha = alpha_};
  options.looks = reports::equal_looks(looks_);
  options.shape =
      shape_ == "pocock" ? reports::LookShape::kPocock : reports::LookShape::kOBrienFleming;
  return options;
}

namespace {

constexpr int kAnytimeLooks = 10;

using Orders = std::map<reports::SetName, std::vector<std::string>>;

std::string set_name(const reports::SetName& set) {
  return set.first + ":" + set.second;
}

reports::SetName name_of(const PlannedSet& set) {
  return {set.record.task, set.record.variant};
}

bool in_order(const reports::CompareOptions& options) {
  return options.anytime || options.looks.size() > 1;
}

bool wanted(const std::string& task, const std::vector<std::string>& tasks) {
  return tasks.empty() || std::find(tasks.begin(), tasks.end(), task) != tasks.end();
}

/// The questions of the base's sets that are compared, in the order of looks, whether or not there
/// are any.
Orders orders_of(const LookBase& base, reports::CompareOptions options) {
  if (!in_order(options)) options.anytime = true;
  Orders orders = reports::look_orders(*base.run->reader, base.run->run, options);
  std::erase_if(orders, [&](const auto& each) { return !wanted(each.first.first, options.tasks); });
  return orders;
}

/// The samples of `set` must be `items`.
void require_same(const LookBase& base, const PlannedSet& set,
                  const std::vector<std::string>& items) {
  const std::unordered_set<std::string> known(items.begin(), items.end());
  for (const tasks::Sample& sample : set.set.samples) {
    if (known.contains(sample.item)) continue;
    throw InputError(fmt::format("{}: {}: the base was not asked '{}'", base.role,
                                 set_name(name_of(set)), one_line(sample.item)));
  }
  if (set.set.samples.size() == items.size()) return;
  throw InputError(fmt::format("{}: {}: the base has {} questions, this run {}", base.role,
                               set_name(name_of(set)), items.size(), set.set.samples.size()));
}

/// What is compared must be what is asked: found out before anything is.
void require_same(const LookBase& base, const Orders& orders, const std::vector<PlannedSet>& plan,
                  const reports::CompareOptions& options) {
  std::set<reports::SetName> asked;
  for (const PlannedSet& set : plan) {
    const reports::SetName name = name_of(set);
    if (!wanted(name.first, options.tasks)) {
      if (!in_order(options)) continue;
      throw InputError(fmt::format("{}: {} is asked, but not among the tasks that looks compare",
                                   base.role, set_name(name)));
    }
    const auto found = orders.find(name);
    if (found == orders.end()) {
      throw InputError(fmt::format("{}: the base has no {}", base.role, set_name(name)));
    }
    require_same(base, set, found->second);
    asked.insert(name);
  }
  for (const auto& [name, items] : orders) {
    if (asked.contains(name)) continue;
    throw InputError(
        fmt::format("{}: the base has {}, which is not asked here", base.role, set_name(name)));
  }
}

/// Where the questions were before.
std::vector<std::int64_t> arrange(PlannedSet& set, const std::vector<std::string>& items) {
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < items.size(); ++i) places.emplace(items[i], i);
  std::vector<std::int64_t> positions(set.set.samples.size());
  std::vector<tasks::Sample> sorted(positions.size());
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const std::size_t place = places.at(set.set.samples[i].item);
    positions[place] = static_cast<std::int64_t>(i);
    sorted[place] = std::move(set.set.samples[i]);
  }
  set.set.samples = std::move(sorted);
  return positions;
}

bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;  // one that is not there is not the other
  return std::filesystem::equivalent(a, b, error) && !error;
}

}  // namespace

Looks::Looks(std::vector<LookBase> bases, const reports::CompareOptions& options,
             std::vector<PlannedSet>& plan)
    : bases_(std::move(bases)), options_(options), shares_{1.0} {
  if (options.anytime) shares_ = reports::equal_looks(kAnytimeLooks);
  if (options.looks.size() > 1) shares_ = options.looks;
  Orders first;
  options_.family = 0;
  for (const LookBase& base : bases_) {
    Orders orders = orders_of(base, options);
    require_same(base, orders, plan, options);
    options_.family += orders.size();
    if (first.empty())
      first = std::move(orders);
    else if (in_order(options) && orders != first) {
      throw InputError(
          fmt::format("{}: its questions come in another order than those of {}: "
                      "looks need one order",
                      base.role, bases_.front().role));
    }
  }
  if (!in_order(options)) return;
  for (PlannedSet& set : plan) positions_.push_back(arrange(set, first.at(name_of(set))));
}

void Looks::refuse_itself(const std::string& store, const std::string& key) const {
  for (const LookBase& base : bases_) {
    if (base.run->run.key != key || !same_file(base.store, store)) continue;
    throw InputError(fmt::format(
        "{}: run {} of {} is the one that is evaluated here: name another, or another store",
        base.role, base.run->run.id, one_line(store)));
  }
}

std::vector<PlannedSet> Looks::questions(const std::vector<PlannedSet>& plan,
                                         std::size_t look) const {
  std::vector<PlannedSet> part = plan;
  for (PlannedSet& set : part) {
    const auto all = static_cast<double>(set.set.samples.size());
    set.set.samples.resize(static_cast<std::size_t>(std::lround(shares_.at(look) * all)));
  }
  return part;
}

reports::GateResult Looks::look_at(const std::string& store, std::int64_t run) const {
  StoredRun candidate = open_run(store, std::to_string(run));
  candidate.run.state = "incomplete";  // it stands still while it is looked at
  std::vector<reports::Baseline> baselines;
  for (const LookBase& base : bases_) {
    baselines.push_back({base.name, compare_runs(*base.run, candidate, nullptr, options_, 0)});
  }
  return reports::decide_together(std::move(baselines));
}

bool decided(const reports::GateResult& result) {
  for (const reports::Baseline& baseline : result.baselines) {
    for (const reports::SetComparison& set : baseline.comparison.sets) {
      if (set.pending || set.verdict == reports::Verdict::kInconclusive) return false;
    }
  }
  return true;
}

std::size_t compared_sets(const StoredRun& run, const std::vector<std::string>& tasks) {
  std::size_t count = 0;
  for (const reports::Set& set : run.reader->sets(run.run.id)) {
    count += wanted(set.task, tasks) ? 1 : 0;
  }
  return count;
}

}  // namespace moebius::runner
