// The message of an expected engine::Error.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "engine/engine.h"

namespace moebius::tests {

/// Runs `action`, which must throw engine::Error with one line of text; returns the
/// text. Records a failure and returns "" if nothing or something else is thrown.
template <typename Action>
std::string error_text(Action action) {
  try {
    action();
  } catch (const engine::Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.find_first_of("\n\r"), std::string::npos) << "more than one line: " << text;
    EXPECT_FALSE(text.empty());
    return text;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "threw something else: " << error.what();
    return "";
  }
  ADD_FAILURE() << "threw nothing";
  return "";
}

}  // namespace moebius::tests
