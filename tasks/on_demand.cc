// libcurl and libarchive, loaded when first called: their functions, defined here, go to the
// library. Most commands need neither, and the two with all that they need in turn take longer to
// load than the rest of the binary (10 of 15 milliseconds of --help with Debian 12's).
#include <archive.h>
#include <archive_entry.h>
#include <curl/curl.h>
#include <dlfcn.h>

#include <cstdarg>
#include <string>

#include "tasks/task.h"

namespace {

constexpr const char* kCurl = "libcurl.so.4";
constexpr const char* kArchive = "libarchive.so.13";

/// The function `name` of `library`. Throws Error. Libraries stay loaded.
template <typename Function>
Function* load(const char* library, const char* name) {
  void* handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
  void* found = handle != nullptr ? ::dlsym(handle, name) : nullptr;
  if (found == nullptr) {
    throw moebius::tasks::Error(std::string(library) + ": cannot be loaded: " + ::dlerror());
  }
  return reinterpret_cast<Function*>(found);
}

}  // namespace

#define FORWARD(library, result, name, parameters, arguments)             \
  result name parameters {                                                \
    static auto* const function = load<decltype(::name)>(library, #name); \
    return function arguments;                                            \
  }

extern "C" {

FORWARD(kCurl, CURLcode, curl_global_init, (long flags), (flags))
FORWARD(kCurl, CURL*, curl_easy_init, (), ())
FORWARD(kCurl, CURLcode, curl_easy_perform, (CURL * curl), (curl))
FORWARD(kCurl, void, curl_easy_cleanup, (CURL * curl), (curl))
FORWARD(kCurl, const char*, curl_easy_strerror, (CURLcode code), (code))

// Their one argument is a long, a pointer or a 64-bit integer: all of them a pointer's size, and
// passed like one, on the LP64 systems that this builds for.
static_assert(sizeof(long) == sizeof(void*) && sizeof(curl_off_t) == sizeof(void*));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wvarargs"  // the enumerations that clang means are as wide as int
CURLcode curl_easy_setopt(CURL* curl, CURLoption option, ...) {
  static auto* const function = load<decltype(::curl_easy_setopt)>(kCurl, "curl_easy_setopt");
  std::va_list arguments;
  va_start(arguments, option);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return function(curl, option, argument);
}
CURLcode curl_easy_getinfo(CURL* curl, CURLINFO info, ...) {
  static auto* const function = load<decltype(::curl_easy_getinfo)>(kCurl, "curl_easy_getinfo");
  std::va_list arguments;
  va_start(arguments, info);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return function(curl, info, argument);
}

#pragma GCC diagnostic pop

FORWARD(kArchive, archive*, archive_read_new, (), ())
FORWARD(kArchive, int, archive_read_free, (archive * a), (a))
FORWARD(kArchive, const char*, archive_error_string, (archive * a), (a))
FORWARD(kArchive, int, archive_read_support_filter_gzip, (archive * a), (a))
FORWARD(kArchive, int, archive_read_support_filter_xz, (archive * a), (a))
FORWARD(kArchive, int, archive_read_support_filter_bzip2, (archive * a), (a))
FORWARD(kArchive, int, archive_read_support_format_raw, (archive * a), (a))
FORWARD(kArchive, int, archive_read_support_format_empty, (archive * a), (a))
FORWARD(kArchive, int, archive_read_support_format_tar, (archive * a), (a))
FORWARD(kArchive, int, archive_read_open_filename,
        (archive * a, const char* name, std::size_t block), (a, name, block))
FORWARD(kArchive, int, archive_read_open_memory, (archive * a, const void* bytes, std::size_t size),
        (a, bytes, size))
FORWARD(kArchive, int, archive_read_next_header, (archive * a, archive_entry** entry), (a, entry))
FORWARD(kArchive, la_ssize_t, archive_read_data, (archive * a, void* to, std::size_t size),
        (a, to, size))
FORWARD(kArchive, const char*, archive_entry_pathname, (archive_entry * entry), (entry))
FORWARD(kArchive, __LA_MODE_T, archive_entry_filetype, (archive_entry * entry), (entry))
FORWARD(kArchive, la_int64_t, archive_entry_size, (archive_entry * entry), (entry))

}  // extern "C"
