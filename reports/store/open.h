// Opening the file of a store: to write it, made and converted as needed, or to read it as it is.
#pragma once

#include <memory>
#include <string>

#include "reports/store/database.h"

namespace moebius::reports {

/// With the newest schema, and no run that is said to be running. The caller holds the store's
/// lock. Throws Error.
std::unique_ptr<Database> open_for_writing(const std::string& path);

/// Any version that this program knows, also beside a living writer and where nothing can be
/// written. Throws Error.
std::unique_ptr<Database> open_for_reading(const std::string& path);

}  // namespace moebius::reports
