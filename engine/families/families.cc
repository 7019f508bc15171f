// The table of families, made from the file names of this folder.
#include <algorithm>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/families/family.h"

namespace moebius::engine {

#define FAMILY(symbol) extern const Family symbol;
#include "family_list.inc"
#undef FAMILY

std::span<const Family* const> families() {
#define FAMILY(symbol) &symbol,
  static const Family* const kAll[] = {
#include "family_list.inc"
  };
#undef FAMILY
  return kAll;
}

const Family& family_for(std::string_view architecture) {
  std::string known;
  for (const Family* family : families()) {
    for (std::string_view name : family->architectures) {
      if (name == architecture) return *family;
      known += (known.empty() ? "" : ", ") + std::string(name);
    }
  }
  throw Error("architecture: expected one of " + known + ", found \"" + std::string(architecture) +
              "\"");
}

}  // namespace moebius::engine
