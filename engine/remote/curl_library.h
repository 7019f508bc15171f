// libcurl, loaded when first needed: most commands never need it, and it takes longer to load than
// the rest of the program.
#pragma once

#include <curl/curl.h>

namespace moebius::engine::remote {

/// Its functions, under their own names without curl_.
struct CurlLibrary {
  decltype(&::curl_global_init) global_init;
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_cleanup) easy_cleanup;
  CURLcode (*easy_setopt)(CURL*, CURLoption, ...);
  CURLcode (*easy_getinfo)(CURL*, CURLINFO, ...);
  decltype(&::curl_easy_strerror) easy_strerror;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;
  decltype(&::curl_multi_init) multi_init;
  decltype(&::curl_multi_cleanup) multi_cleanup;
  decltype(&::curl_multi_add_handle) multi_add_handle;
  decltype(&::curl_multi_remove_handle) multi_remove_handle;
  decltype(&::curl_multi_socket_action) multi_socket_action;
  decltype(&::curl_multi_assign) multi_assign;
  decltype(&::curl_multi_info_read) multi_info_read;
  CURLMcode (*multi_setopt)(CURLM*, CURLMoption, ...);
};

/// Loaded and initialised once, kept for good. Throws Error if there is none.
const CurlLibrary& curl_library();

}  // namespace moebius::engine::remote
