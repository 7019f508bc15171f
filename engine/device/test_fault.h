// A test's way to a device that is lost in the middle of a run.
#pragma once

namespace moebius::engine {

/// Whether this call, counted over all devices of the process from 1, is number
/// $MOEBIUS_TEST_DEVICE_FAULT; never where that is not set. An environment variable and no option:
/// what the process does after a fault can only be seen from outside of it, in a whole run of the
/// command as it is shipped. Throws Error if it is not a number of at least 1.
bool fault_wanted();

}  // namespace moebius::engine
