// Who answered, and what that used: counted over the answers of a remote run.
#pragma once

#include <mutex>
#include <string>

#include "engine/engine.h"
#include "reports/store.h"

namespace moebius::runner {

/// Any thread may call.
class ServedTally {
 public:
  ServedTally(const engine::RemoteOptions& options, std::string currency);

  void add(const engine::Completion& completion);

  reports::RemoteUse total() const;

 private:
  mutable std::mutex mutex_;
  reports::RemoteUse use_;
};

}  // namespace moebius::runner
