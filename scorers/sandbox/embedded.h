// What the fork server is made of, inside our own binary: the Python source and the library.
#pragma once

#include <string_view>

namespace moebius::scorers::sandbox {

std::string_view zygote_source();   // Python, ends with a zero byte just behind the view
std::string_view inside_library();  // a shared object of ours that needs libc alone

}  // namespace moebius::scorers::sandbox
