// A place for one program at a time: a fork server and its group, renewed when need be.
#pragma once

#include <memory>
#include <string>

#include "scorers/sandbox/cgroup.h"
#include "scorers/sandbox/policy.h"
#include "scorers/sandbox/zygote.h"
#include "scorers/scorer.h"

namespace moebius::scorers::sandbox {

/// What all workers of a sandbox share; unchanged after open().
struct Setting {
  Options options;
  Filter filter;
  std::unique_ptr<Groups> groups;  // null: no cgroup here
};

class Worker {
 public:
  Worker(const Setting& setting, int index) : setting_(setting), index_(index) {}

  /// A fork server that is alive, as far as one can know. Throws LayerError or Error.
  Zygote& zygote();
  Group* group() { return group_.get(); }  // null: no cgroup
  const Setting& setting() const { return setting_; }
  Counted counted() const;

  /// After each program: a server that has served enough is replaced before the next.
  void served();
  /// After a surprise: the server and all below it end now.
  void discard();

 private:
  const Setting& setting_;
  int index_;
  int served_ = 0;
  std::unique_ptr<Group> group_;
  std::unique_ptr<Zygote> zygote_;  // after group_: ends before its group is removed
};

}  // namespace moebius::scorers::sandbox
