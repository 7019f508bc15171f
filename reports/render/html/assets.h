// The page's scripts and style, as the build linked them in.
#pragma once

#include <string_view>
#include <vector>

namespace moebius::reports::html {

std::string_view style_sheet();

/// Classic scripts, to stand in this order behind everything they work on. They share their names.
const std::vector<std::string_view>& scripts();

}  // namespace moebius::reports::html
