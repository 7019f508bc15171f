// For tests of protocols alone: programs as plain processes of this machine, no isolation at all.
// Only for programs written in the tests themselves.
#pragma once

#include <memory>

#include "scorers/sandbox/sandbox.h"

namespace moebius::scorers::code {

std::shared_ptr<sandbox::Sandbox> make_fake_sandbox();

}  // namespace moebius::scorers::code
