// Views of the bytes that embedded.S puts into the binary.
#include "scorers/sandbox/embedded.h"

extern "C" {
extern const char moebius_zygote_begin[], moebius_zygote_end[];
extern const char moebius_inside_begin[], moebius_inside_end[];
}

namespace moebius::scorers::sandbox {

std::string_view zygote_source() {
  return {moebius_zygote_begin, moebius_zygote_end};
}
std::string_view inside_library() {
  return {moebius_inside_begin, moebius_inside_end};
}

}  // namespace moebius::scorers::sandbox
