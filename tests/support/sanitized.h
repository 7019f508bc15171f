// Whether this program is built with a sanitizer, which makes it several times slower.
#pragma once

namespace moebius::tests {

#if defined(__has_feature)  // clang++
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MOEBIUS_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // g++
#define MOEBIUS_SANITIZED
#endif

#ifdef MOEBIUS_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace moebius::tests
