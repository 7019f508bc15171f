#include "runner/serve/api_key.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "runner/input.h"
#include "tests/support/temp_dir.h"

namespace moebius::runner {
namespace {

TEST(ApiKey, OpensForTheKeyAlone) {
  const ApiKey key("0123456789abcdef");
  EXPECT_TRUE(key.opens("Bearer 0123456789abcdef"));
  for (const char* wrong : {"", "Bearer", "Bearer ", "0123456789abcdef", "bearer 0123456789abcdef",
                            "Bearer 0123456789abcde", "Bearer 0123456789abcdef ",
                            "Bearer 0123456789abcdeF", "Basic 0123456789abcdef"}) {
    EXPECT_FALSE(key.opens(wrong)) << wrong;
  }
}

std::string write_key(const tests::TempDir& dir, const std::string& text, unsigned mode = 0600) {
  const std::string path = dir.write("key" + std::to_string(mode), text);
  std::filesystem::permissions(path, std::filesystem::perms(mode));
  return path;
}

TEST(ApiKey, FilesHoldOneLine) {
  const tests::TempDir dir;
  const ApiKey key = ApiKey::read(write_key(dir, "0123456789abcdef\n"));
  EXPECT_TRUE(key.opens("Bearer 0123456789abcdef"));
  for (const std::string bad : {"", "short\n", "0123456789abcdef\nsecond-line-0123456",
                                "with space 0123456789", "caf\xc3\xa9-0123456789abcdef"}) {
    try {
      ApiKey::read(write_key(dir, bad));
      ADD_FAILURE() << "taken: " << bad;
    } catch (const InputError& error) {
      EXPECT_EQ(std::string(error.what()).find("0123456"), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(ApiKey::read(dir.file("none")), InputError);
}

TEST(ApiKey, FilesAreTheirOwnersAlone) {
  const tests::TempDir dir;
  for (const unsigned mode : {0400U, 0600U, 0700U}) {
    EXPECT_NO_THROW(ApiKey::read(write_key(dir, "0123456789abcdef\n", mode))) << mode;
  }
  for (const unsigned mode : {0604U, 0640U, 0620U, 0644U, 0666U, 0601U}) {
    EXPECT_THROW(ApiKey::read(write_key(dir, "0123456789abcdef\n", mode)), InputError) << mode;
  }
}

}  // namespace
}  // namespace moebius::runner
