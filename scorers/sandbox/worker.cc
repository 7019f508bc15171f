// Keeping a fork server at hand.
#include "scorers/sandbox/worker.h"

#include <unistd.h>

namespace moebius::scorers::sandbox {
namespace {

constexpr int kProgramsPerServer = 1000;
// Host users that no distribution gives out (systemd: UIDS-GIDS, 65520 .. 65533 unused).
constexpr uid_t kFirstUser = 65520, kUsers = 14;

}  // namespace

Zygote& Worker::zygote() {
  if (zygote_) return *zygote_;
  if (!group_ && setting_.groups) group_ = setting_.groups->make(index_);
  const uid_t uid = ::geteuid() == 0 ? kFirstUser + static_cast<uid_t>(index_) % kUsers : 0;
  zygote_ = std::make_unique<Zygote>(setting_.options, setting_.filter, uid, group_.get());
  served_ = 0;
  return *zygote_;
}

Counted Worker::counted() const {
  Counted counted;
  counted.cpu = group_ && group_->counts_cpu();
  counted.memory = group_ && group_->counts_memory();
  counted.processes = group_ && group_->counts_processes();
  counted.own_user = setting_.options.level == Level::kFull;
  return counted;
}

void Worker::served() {
  if (++served_ >= kProgramsPerServer) zygote_.reset();
}

void Worker::discard() {
  zygote_.reset();
  group_.reset();
}

}  // namespace moebius::scorers::sandbox
