// libcurl, loaded when first needed.
#include "engine/remote/curl_library.h"

#include <dlfcn.h>

#include <string>

#include "engine/engine.h"

namespace moebius::engine::remote {
namespace {

constexpr const char* kName = "libcurl.so.4";

template <typename Function>
void find(void* library, const char* name, Function& function) {
  void* found = library != nullptr ? ::dlsym(library, name) : nullptr;
  if (found == nullptr) throw Error(std::string(kName) + ": cannot be loaded: " + ::dlerror());
  function = reinterpret_cast<Function>(found);
}

CurlLibrary load() {
  void* library = ::dlopen(kName, RTLD_NOW | RTLD_LOCAL);
  CurlLibrary curl{};
  find(library, "curl_global_init", curl.global_init);
  find(library, "curl_easy_init", curl.easy_init);
  find(library, "curl_easy_cleanup", curl.easy_cleanup);
  find(library, "curl_easy_setopt", curl.easy_setopt);
  find(library, "curl_easy_getinfo", curl.easy_getinfo);
  find(library, "curl_easy_strerror", curl.easy_strerror);
  find(library, "curl_slist_append", curl.slist_append);
  find(library, "curl_slist_free_all", curl.slist_free_all);
  find(library, "curl_multi_init", curl.multi_init);
  find(library, "curl_multi_cleanup", curl.multi_cleanup);
  find(library, "curl_multi_add_handle", curl.multi_add_handle);
  find(library, "curl_multi_remove_handle", curl.multi_remove_handle);
  find(library, "curl_multi_socket_action", curl.multi_socket_action);
  find(library, "curl_multi_assign", curl.multi_assign);
  find(library, "curl_multi_info_read", curl.multi_info_read);
  find(library, "curl_multi_setopt", curl.multi_setopt);
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    throw Error(std::string(kName) + ": cannot start");
  }
  return curl;
}

}  // namespace

const CurlLibrary& curl_library() {
  static const CurlLibrary curl = load();
  return curl;
}

}  // namespace moebius::engine::remote
