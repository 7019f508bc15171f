// What is written reads back; what fails leaves nothing.
#include "engine/checkpoint/checkpoint_writer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "engine/checkpoint/tensor_source.h"
#include "tests/support/error_text.h"
#include "tests/support/temp_dir.h"

namespace moebius::engine {
namespace {

using tests::error_text;
using tests::TempDir;

// Odd sizes first by name, so that order by name would misalign the others.
std::vector<OutgoingTensor> three_tensors() {
  return {{"a", "F8_E4M3", {3, 5}}, {"c", "F32", {2, 2}}, {"b", "BF16", {1, 3}}};
}

void write_three(CheckpointWriter& writer) {
  writer.write("b", "abcdef", 6);
  writer.write("c", "0123456789abcdef", 16);
  writer.write("a", "ABCDEFGHIJKLMNO", 15);
}

std::size_t entries_in(const std::string& folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

TEST(CheckpointWriter, OneFileReadsBack) {
  const TempDir dir;
  const std::string out = dir.file("out");
  CheckpointWriter writer(out + "/", three_tensors());
  EXPECT_EQ(writer.weight_bytes(), 37);
  write_three(writer);
  writer.write_file("config.json", "{}");
  EXPECT_FALSE(std::filesystem::exists(out));
  writer.commit();
  EXPECT_EQ(entries_in(dir.path()), 1U);
  EXPECT_EQ(entries_in(out), 2U);
  const auto source = open_tensors(out);
  const auto* c = static_cast<const char*>(source->matrix("c", 2, 2).data);
  EXPECT_EQ(std::string(c, 16), "0123456789abcdef");
  for (const TensorSource::Entry& entry : source->entries()) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(entry.data) % (entry.name == "c" ? 4 : 1), 0U);
  }
}

TEST(CheckpointWriter, ShardsHaveTheSameHash) {
  const TempDir dir;
  std::string hash;
  for (const std::int64_t most : {kMaxShardBytes, std::int64_t{240}, std::int64_t{1}}) {
    const std::string out = dir.file(std::to_string(most));
    CheckpointWriter writer(out, three_tensors(), most);
    write_three(writer);
    writer.commit();
    EXPECT_EQ(entries_in(out), most == kMaxShardBytes ? 1U : 4U);
    const std::string found = open_tensors(out)->content_hash();
    if (hash.empty()) hash = found;
    EXPECT_EQ(found, hash);
  }
}

TEST(CheckpointWriter, LeavesNothingUnlessCommitted) {
  const TempDir dir;
  {
    CheckpointWriter writer(dir.file("out"), three_tensors());
    writer.write("b", "abcdef", 6);
    EXPECT_THROW(writer.commit(), std::logic_error);
    EXPECT_THROW(writer.write("b", "abcdef", 6), std::logic_error);
    EXPECT_THROW(writer.write("c", "abcdef", 6), std::logic_error);
    EXPECT_EQ(entries_in(dir.path()), 1U);
  }
  EXPECT_EQ(entries_in(dir.path()), 0U);
}

TEST(CheckpointWriter, RefusesNamesThatAreTaken) {
  const TempDir dir;
  const std::string file = dir.write("file", "x");
  EXPECT_EQ(error_text([&] { CheckpointWriter(file, three_tensors()); }),
            file + ": expected a name that is free, found a file");
  EXPECT_EQ(error_text([&] { CheckpointWriter(dir.path(), three_tensors()); }),
            dir.path() + ": expected a name that is free, found a folder");
  EXPECT_NE(error_text([&] {
              CheckpointWriter(dir.file("no/such"), three_tensors());
            }).find("cannot create: No such file or directory"),
            std::string::npos);
  // Taken while the weights were written: what stands there stays.
  const std::string out = dir.file("out");
  {
    CheckpointWriter writer(out, three_tensors());
    write_three(writer);
    std::filesystem::create_directory(out);
    EXPECT_NE(error_text([&] { writer.commit(); }).find("File exists"), std::string::npos);
  }
  EXPECT_EQ(entries_in(dir.path()), 2U);
  EXPECT_EQ(entries_in(out), 0U);
}

TEST(CheckpointWriter, NoRoomIsFoundAtOnce) {
  const TempDir dir;
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1000, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string text = error_text([&] {
    CheckpointWriter(dir.file("out"), {{"w", "F32", {100, 100}}});
  });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(text.find("cannot reserve 40"), std::string::npos) << text;
  EXPECT_EQ(entries_in(dir.path()), 0U);
}

}  // namespace
}  // namespace moebius::engine
