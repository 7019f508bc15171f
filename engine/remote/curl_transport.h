// HTTP by libcurl: connections kept and shared, HTTP/2 where TLS offers it, certificates checked,
// proxies as the environment says, redirects never followed (a key must not go elsewhere).
#pragma once

#include <memory>
#include <string>

#include "engine/remote/transport.h"

namespace moebius::engine::remote {

struct CurlOptions {
  std::string ca_file;     // empty: the system's certificates
  int connections = 2048;  // kept open at most
};

/// Throws Error without libcurl. wake() may be called from any thread.
std::unique_ptr<Transport> make_curl_transport(const CurlOptions& options);

}  // namespace moebius::engine::remote
