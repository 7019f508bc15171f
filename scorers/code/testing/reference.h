// Reference rows below MOEBIUS_SHARED, and many rows judged at the same time.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace moebius::scorers::code {

/// Folder of the reference data, empty if MOEBIUS_SHARED is not set.
std::string shared_folder();

/// Rows of a JSON lines file, gzip or plain. Throws Error if it cannot be read.
std::vector<nlohmann::json> read_rows(const std::string& path);

/// Every `stride`-th of `rows`; all of them if MOEBIUS_ALL_ROWS is set.
std::vector<nlohmann::json> sample_rows(std::vector<nlohmann::json> rows, std::size_t stride);

/// Calls `judge` with 0 .. count-1 from a few threads.
void in_parallel(std::size_t count, const std::function<void(std::size_t)>& judge);

}  // namespace moebius::scorers::code
