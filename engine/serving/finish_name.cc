// Names of the ways in which a request ends.
#include "engine/engine.h"

namespace moebius::engine {

const char* finish_name(Finish finish) {
  switch (finish) {
    case Finish::kStop:
      return "stop";
    case Finish::kLength:
      return "length";
    case Finish::kContextFull:
      return "context_full";
    case Finish::kCancelled:
      return "cancelled";
    case Finish::kRefused:
      return "refused";
    case Finish::kFiltered:
      return "content_filter";
    case Finish::kEmpty:
      return "empty";
    case Finish::kFailed:
      return "failed";
  }
  return "unknown";
}

}  // namespace moebius::engine
