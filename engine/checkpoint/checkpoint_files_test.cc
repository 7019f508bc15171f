// Reading and mapping: what is there comes back, everything else is named.
#include "engine/checkpoint/checkpoint_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/error_text.h"
#include "tests/support/temp_dir.h"

namespace moebius::engine {
namespace {

using tests::error_text;

TEST(ReadTextFile, ReturnsEveryByte) {
  const tests::TempDir dir;
  const std::string bytes("a\0b\nc", 5);
  EXPECT_EQ(read_text_file(dir.write("small", bytes), 5), bytes);
  EXPECT_EQ(read_text_file(dir.write("empty", ""), 0), "");
  const std::string large(1 << 20, 'x');
  EXPECT_EQ(read_text_file(dir.write("large", large), 1 << 20), large);
}

TEST(ReadTextFile, RefusesWhatIsNoFile) {
  const tests::TempDir dir;
  const auto read = [](const std::string& path) {
    return error_text([&] { read_text_file(path, 100); });
  };
  EXPECT_EQ(read(dir.file("none")), dir.file("none") + ": cannot open: No such file or directory");
  EXPECT_EQ(read(dir.path()), dir.path() + ": expected a regular file, found a directory");
  ASSERT_EQ(::mkfifo(dir.file("pipe").c_str(), 0600), 0);
  EXPECT_EQ(read(dir.file("pipe")),
            dir.file("pipe") + ": expected a regular file, found something else");
  EXPECT_EQ(read(std::string("a\0b", 3)), "a file name holds a NUL byte");
  EXPECT_EQ(read(dir.write("plain", "x") + "/below"),
            dir.file("plain") + "/below: cannot open: Not a directory");
}

TEST(ReadTextFile, RefusesWhatIsTooLong) {
  const tests::TempDir dir;
  const std::string path = dir.write("long", "12345");
  EXPECT_EQ(error_text([&] { read_text_file(path, 4); }),
            path + ": expected at most 4 bytes, found more");
  ASSERT_EQ(::truncate(path.c_str(), std::int64_t{1} << 42), 0) << "a hole, no disk space";
  EXPECT_EQ(error_text([&] { read_text_file(path, 4); }),
            path + ": expected at most 4 bytes, found more");
}

TEST(ReadTextFile, RefusesWhatItMayNotRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "the superuser may read everything";
  const tests::TempDir dir;
  const std::string path = dir.write("secret", "x");
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  EXPECT_EQ(error_text([&] { read_text_file(path, 4); }),
            path + ": cannot open: Permission denied");
}

TEST(MappedFile, ShowsTheBytes) {
  const tests::TempDir dir;
  const MappedFile empty(dir.write("empty", ""));
  EXPECT_EQ(empty.bytes(), 0U);
  MappedFile first(dir.write("five", "12345"));
  const MappedFile file(std::move(first));
  ASSERT_EQ(file.bytes(), 5U);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(file.data()), 5), "12345");
  file.require_unchanged();
}

TEST(MappedFile, TellsOfChangesInPlace) {
  const tests::TempDir dir;
  const std::string path = dir.write("five", "12345");
  const MappedFile file(path);
  ASSERT_EQ(::truncate(path.c_str(), 3), 0);
  EXPECT_EQ(error_text([&] { file.require_unchanged(); }),
            path + ": expected 5 bytes as at opening, found 3");
  ASSERT_EQ(::truncate(path.c_str(), 5), 0);
  const struct timespec past[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), past, 0), 0);
  EXPECT_EQ(error_text([&] { file.require_unchanged(); }),
            path + ": expected the file as at opening, found that it was written to");
}

TEST(MappedFile, OutlivesItsReplacement) {
  const tests::TempDir dir;
  const MappedFile file(dir.write("weights", "old"));
  std::filesystem::rename(dir.write("new", "newer"), dir.file("weights"));
  file.require_unchanged();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(file.data()), 3), "old");
}

}  // namespace
}  // namespace moebius::engine
