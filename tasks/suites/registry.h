// One function for each file of this folder: suites/NAME.cc defines make_NAME(), and CMake makes
// the list of them from the folder.
#pragma once

#include <memory>

#include "tasks/task.h"

namespace moebius::tasks::suites {

#define SUITE(name) std::unique_ptr<Task> make_##name();
#include "suite_list.inc"
#undef SUITE

}  // namespace moebius::tasks::suites
