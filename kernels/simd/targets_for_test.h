// Runs a test on every Highway target that this build has and this processor supports.
#pragma once

#include <gtest/gtest.h>

#include "kernels/simd/targets.h"  // before Highway

#include "hwy/targets.h"

namespace moebius::kernels {

/// Calls body(first): first is true on the first target only.
template <class Body>
void on_each_target(const Body& body) {
  bool first = true;
  for (const auto target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    body(first);
    first = false;
  }
  hwy::SetSupportedTargetsForTest(0);
}

}  // namespace moebius::kernels
