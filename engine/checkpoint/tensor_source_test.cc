// Binding, shards, what is left over, and the hash.
#include "engine/checkpoint/tensor_source.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/support/error_text.h"
#include "tests/support/safetensors.h"
#include "tests/support/temp_dir.h"

namespace moebius::engine {
namespace {

using tests::as_bytes;
using tests::error_text;
using tests::float_bytes;
using tests::safetensors_file;
using tests::StoredTensor;
using tests::TempDir;

// A source over a file in memory, which it needs while it lives.
struct InMemory {
  explicit InMemory(const std::vector<StoredTensor>& tensors)
      : file(safetensors_file(tensors)),
        source(open_tensors(as_bytes(file), file.size(), "M/x.safetensors")) {}
  std::string file;
  std::unique_ptr<TensorSource> source;
};

TEST(TensorSource, BindsMatricesInPlace) {
  InMemory in({{"w", "BF16", {2, 3}, "abcdefghijkl"}, {"f", "F32", {1, 2}, "12345678"}});
  const kernels::Matrix w = in.source->matrix("w", 2, 3);
  EXPECT_EQ(w.dtype, kernels::Dtype::kBF16);
  EXPECT_EQ(w.rows, 2);
  EXPECT_EQ(w.cols, 3);
  EXPECT_EQ(w.scale, nullptr);
  EXPECT_EQ(std::memcmp(w.data, "abcdefghijkl", 12), 0);
  EXPECT_EQ(in.source->matrix("f", 1, 2).dtype, kernels::Dtype::kF32);
  EXPECT_TRUE(in.source->has("w"));
  EXPECT_FALSE(in.source->has("v"));
  in.source->require_all_used();
}

TEST(TensorSource, RefusesAnotherShapeOrDtype) {
  InMemory in({{"w", "BF16", {2, 3}, "abcdefghijkl"}, {"i", "I64", {1, 1}, "12345678"}});
  const auto refusal = [&](const char* name, std::int64_t rows, std::int64_t cols) {
    return error_text([&] { in.source->matrix(name, rows, cols); });
  };
  const std::string expected = ": expected F32, F16, BF16 or F8_E4M3 ";
  EXPECT_EQ(refusal("w", 3, 2),
            "M/x.safetensors: tensor \"w\"" + expected + "[3, 2], found BF16 [2, 3]");
  EXPECT_EQ(refusal("i", 1, 1),
            "M/x.safetensors: tensor \"i\"" + expected + "[1, 1], found I64 [1, 1]");
  EXPECT_EQ(refusal("x", 1, 1),
            "M/x.safetensors: expected tensor \"x\" [1, 1], found none of that name among 2");
  EXPECT_NE(refusal("w", -2, -3), "");
  EXPECT_EQ(error_text([&] { in.source->vector("w", 6); }),
            "M/x.safetensors: tensor \"w\": expected F32, F16 or BF16 [6], found BF16 [2, 3]");
}

TEST(TensorSource, WidensVectors) {
  InMemory in({{"f", "F32", {2}, float_bytes({1.5F, -2})},
               {"b", "BF16", {2}, std::string("\x80\x3f\x00\xc0", 4)},
               {"h", "F16", {2}, std::string("\x00\x3c\x00\xc0", 4)},
               {"e", "F8_E4M3", {1}, "1"},
               {"none", "F32", {0}, ""}});
  EXPECT_EQ(in.source->vector("f", 2).data[0], 1.5F);
  EXPECT_EQ(in.source->vector("b", 2).data[0], 1.0F);
  EXPECT_EQ(in.source->vector("b", 2).data[1], -2.0F);
  EXPECT_EQ(in.source->vector("h", 2).data[1], -2.0F);
  EXPECT_EQ(in.source->vector("h", 2).size, 2);
  EXPECT_EQ(in.source->vector("none", 0).size, 0);
  EXPECT_NE(error_text([&] { in.source->vector("e", 1); }), "");
  EXPECT_NE(error_text([&] { in.source->vector("f", 1); }), "");
}

TEST(TensorSource, RefusesVectorsThatAreNotFinite) {
  InMemory in({{"nan", "F32", {2}, float_bytes({1, NAN})},
               {"inf", "BF16", {1}, std::string("\x80\x7f", 2)}});
  EXPECT_EQ(error_text([&] { in.source->vector("nan", 2); }),
            "M/x.safetensors: tensor \"nan\": expected finite values, found NaN at index 1");
  EXPECT_EQ(
      error_text([&] { in.source->vector("inf", 1); }),
      "M/x.safetensors: tensor \"inf\": expected finite values, found an infinity at index 0");
}

StoredTensor float8(std::int64_t rows, std::int64_t cols) {
  return {"w", "F8_E4M3", {rows, cols}, std::string(static_cast<std::size_t>(rows * cols), '8')};
}

TEST(TensorSource, BindsFloat8WithItsScales) {
  InMemory in({float8(129, 3), {"w_scale_inv", "F32", {2, 1}, float_bytes({0.5F, 2})}});
  const kernels::Matrix w = in.source->matrix("w", 129, 3);
  EXPECT_EQ(w.dtype, kernels::Dtype::kF8E4M3);
  ASSERT_NE(w.scale, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(w.scale) % alignof(float), 0U);
  EXPECT_EQ(w.scale[1], 2.0F);
  in.source->require_all_used();
}

TEST(TensorSource, RefusesFloat8WithoutProperScales) {
  const std::string tensor = "M/x.safetensors: tensor ";
  const auto refusal = [](const StoredTensor& scale) {
    InMemory in({float8(128, 129), scale});
    return error_text([&] { in.source->matrix("w", 128, 129); });
  };
  EXPECT_EQ(refusal({"other", "U8", {0}, ""}),
            tensor + "\"w\": expected F32 [1, 2] \"w_scale_inv\" with it, found none");
  EXPECT_EQ(refusal({"w_scale_inv", "F32", {2, 1}, float_bytes({1, 1})}),
            tensor + "\"w_scale_inv\": expected F32 [1, 2], found F32 [2, 1]");
  EXPECT_EQ(refusal({"w_scale_inv", "BF16", {1, 2}, "1234"}),
            tensor + "\"w_scale_inv\": expected F32 [1, 2], found BF16 [1, 2]");
  EXPECT_EQ(refusal({"w_scale_inv", "F32", {1, 2}, float_bytes({1, INFINITY})}),
            tensor + "\"w_scale_inv\": expected finite values, found an infinity at index 1");
}

// int4 in groups of 32: two rows of 40 codes, padded to whole words; scales 1, 2, 0 and 0.5.
std::vector<StoredTensor> packed_tensors() {
  std::string codes(2 * 20, '\0');
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<char>(17 * i + 1);
  return {{"w_packed", "I32", {2, 5}, codes},
          {"w_scale", "BF16", {2, 2}, std::string("\x80\x3f\x00\x40\x00\x00\x00\x3f", 8)},
          {"w_shape", "I64", {2}, std::string("\2\0\0\0\0\0\0\0\x28\0\0\0\0\0\0\0", 16)}};
}

TEST(TensorSource, BindsPackedMatrices) {
  InMemory in(packed_tensors());
  in.source->expect({kernels::Dtype::kI4, 32});
  const kernels::Matrix w = in.source->matrix("w", 2, 40);
  EXPECT_EQ(w.dtype, kernels::Dtype::kI4);
  EXPECT_EQ(w.group, 32);
  EXPECT_EQ(w.group_scale[3], 0x3f00);
  EXPECT_EQ(static_cast<const char*>(w.data)[39], static_cast<char>(17 * 39 + 1));
  in.source->require_all_used();
}

TEST(TensorSource, RefusesBrokenPackedMatrices) {
  const auto refusal = [](std::size_t part, const StoredTensor& stored) {
    std::vector<StoredTensor> tensors = packed_tensors();
    tensors[part] = stored;
    InMemory in(tensors);
    in.source->expect({kernels::Dtype::kI4, 32});
    return error_text([&] { in.source->matrix("w", 2, 40); });
  };
  const std::string tensor = "M/x.safetensors: tensor ";
  EXPECT_EQ(refusal(0, {"w_packed", "I32", {2, 4}, std::string(32, 'x')}),
            tensor + "\"w_packed\": expected I32 [2, 5], found I32 [2, 4]");
  EXPECT_EQ(refusal(0, {"w_packed", "F32", {2, 5}, std::string(40, 'x')}),
            tensor + "\"w_packed\": expected I32 [2, 5], found F32 [2, 5]");
  EXPECT_EQ(refusal(1, {"w_scale", "BF16", {2, 1}, "1234"}),
            tensor + "\"w_scale\": expected BF16 [2, 2], found BF16 [2, 1]");
  EXPECT_EQ(refusal(1, {"w_scale", "F16", {2, 2}, "12345678"}),
            tensor + "\"w_scale\": expected BF16 [2, 2], found F16 [2, 2]");
  EXPECT_EQ(refusal(1, {"other", "BF16", {2, 2}, "12345678"}),
            tensor + "\"w_packed\": expected BF16 [2, 2] \"w_scale\" with it, found none");
  EXPECT_EQ(refusal(2, {"w_shape", "I64", {2}, std::string(16, '\0')}),
            tensor + "\"w_shape\": expected [2, 40], found [0, 0]");
  // An infinity, a NaN, -1, a little over 2^100, and the largest subnormal.
  for (const std::string bits : {"\x80\x7f", "\xc0\x7f", "\x80\xbf", "\x81\x71", "\x7f"}) {
    const std::string two = "\x80\x3f" + (bits + std::string(1, '\0')).substr(0, 2);
    const std::string text = refusal(1, {"w_scale", "BF16", {2, 2}, two + "1=1="});
    EXPECT_NE(text.find("\"w_scale\": expected scales of zero or 2^-126 to 2^100, found "),
              std::string::npos)
        << text;
    EXPECT_NE(text.find(" at index 1"), std::string::npos) << text;
  }
}

// Groups of 32, of 64 or more: other values, though one row has as many scales as the other.
TEST(TensorSource, HashKnowsTheGroups) {
  InMemory in(packed_tensors());
  const std::string plain = in.source->content_hash();
  in.source->expect({kernels::Dtype::kF8E4M3, -1});
  EXPECT_EQ(in.source->content_hash(), plain);
  std::vector<std::string> hashes = {plain};
  for (const std::int64_t group : {0, 32, 64}) {
    in.source->expect({kernels::Dtype::kI4, group});
    for (const std::string& other : hashes) EXPECT_NE(in.source->content_hash(), other) << group;
    hashes.push_back(in.source->content_hash());
  }
}

// A matrix that was not quantised further lies in blocks beside those that were.
TEST(TensorSource, BindsBlocksBesideGroups) {
  std::vector<StoredTensor> tensors = packed_tensors();
  tensors.push_back(float8(2, 40));
  tensors.back().name = "b";
  tensors.push_back({"b_scale_inv", "F32", {1, 1}, float_bytes({0.5F})});
  InMemory in(tensors);
  in.source->expect({kernels::Dtype::kI4, 32});
  const kernels::Matrix b = in.source->matrix("b", 2, 40);
  EXPECT_EQ(b.group_scale, nullptr);
  EXPECT_EQ(b.scale[0], 0.5F);
  EXPECT_EQ(in.source->matrix("w", 2, 40).group, 32);
  in.source->require_all_used();
}

TEST(TensorSource, BindsFloat8PerChannel) {
  InMemory in({float8(2, 40), {"w_scale", "BF16", {2, 1}, std::string("\x80\x3f\x00\x40", 4)}});
  in.source->expect({kernels::Dtype::kF8E4M3, 0});
  const kernels::Matrix w = in.source->matrix("w", 2, 40);
  EXPECT_EQ(w.scale, nullptr);
  EXPECT_EQ(w.group, 64);
  EXPECT_EQ(w.groups(), 1);
  EXPECT_EQ(w.group_scale[1], 0x4000);
  in.source->require_all_used();
}

TEST(TensorSource, MisalignedTensorsAreReadable) {
  for (int shift = 0; shift < 8; ++shift) {
    const StoredTensor pad{"pad", "U8", {shift}, std::string(static_cast<std::size_t>(shift), 'p')};
    InMemory in({pad,
                 {"m", "F32", {1, 2}, float_bytes({3, 4})},
                 {"w", "F8_E4M3", {1, 1}, "1"},
                 {"w_scale_inv", "F32", {1, 1}, float_bytes({5})},
                 {"v", "F32", {1}, float_bytes({6})}});
    const auto* m = static_cast<const float*>(in.source->matrix("m", 1, 2).data);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(m) % alignof(float), 0U);
    EXPECT_EQ(m[0], 3);
    EXPECT_EQ(m[1], 4);
    EXPECT_EQ(in.source->matrix("w", 1, 1).scale[0], 5);
    EXPECT_EQ(in.source->vector("v", 1).data[0], 6);
  }
}

TEST(TensorSource, NamesWhatIsLeftOver) {
  InMemory in({{"b", "U8", {1}, "1"},
               {"model.layers.61.x", "U8", {1}, "1"},
               {"model.layers.61.y", "U8", {1}, "1"},
               {"model.layers.610", "F32", {0, 0}, ""},
               {"a", "U8", {1}, "1"}});
  EXPECT_EQ(error_text([&] { in.source->require_all_used(); }),
            "M/x.safetensors: expected only tensors that the model uses, found 5 more, the first "
            "is \"a\", U8 [1] in M/x.safetensors");
  in.source->skip_prefix("model.layers.61.");
  in.source->skip_prefix("a");
  in.source->skip_prefix("zzz");
  EXPECT_NE(error_text([&] { in.source->require_all_used(); }).find("found 2 more"),
            std::string::npos);
  in.source->skip_prefix("b");
  in.source->matrix("model.layers.610", 0, 0);
  in.source->require_all_used();
  int used = 0;
  for (const auto& entry : in.source->entries()) used += entry.used ? 1 : 0;
  EXPECT_EQ(used, 1) << "skipped is not used";
}

TEST(TensorSource, NamesAreUnique) {
  EXPECT_EQ(error_text([] {
              InMemory({{"a", "U8", {1}, "1"}, {"a", "U8", {1}, "2"}});
            }),
            "M/x.safetensors: tensor \"a\" appears twice, again in M/x.safetensors");
}

// ---- directories ----------------------------------------------------------------------

const StoredTensor kA{"a", "F32", {2, 2}, float_bytes({1, 2, 3, 4})};
const StoredTensor kB{"b", "BF16", {3}, "abcdef"};
const StoredTensor kC{"c", "F8_E4M3", {1, 1}, "x"};
const StoredTensor kScale{"c_scale_inv", "F32", {1, 1}, float_bytes({2})};

// `map` in the words of the index: "a":"1.safetensors",...
void write_index(const TempDir& dir, const std::string& map) {
  dir.write("model.safetensors.index.json", R"({"metadata":{},"weight_map":{)" + map + "}}");
}

TEST(OpenTensors, OneFile) {
  const TempDir dir;
  dir.write("model.safetensors", safetensors_file({kA, kB}));
  for (const std::string& path : {dir.path(), dir.path() + "/"}) {
    const auto source = open_tensors(path);
    EXPECT_EQ(source->entries().size(), 2U);
    EXPECT_EQ(static_cast<const float*>(source->matrix("a", 2, 2).data)[3], 4);
  }
}

TEST(OpenTensors, ShardsAndAScaleInAnotherOne) {
  const TempDir dir;
  dir.write("1.safetensors", safetensors_file({kC, kB}));
  dir.write("2.safetensors", safetensors_file({kScale, kA}));
  write_index(dir, R"("a":"2.safetensors","b":"1.safetensors","c":"1.safetensors",)"
                   R"("c_scale_inv":"2.safetensors")");
  const auto source = open_tensors(dir.path());
  const auto entries = source->entries();
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[0].file, dir.file("2.safetensors"));
  EXPECT_EQ(entries[3].name, "c_scale_inv");
  EXPECT_EQ(source->matrix("c", 1, 1).scale[0], 2);
}

TEST(OpenTensors, RefusesDirectoriesWithoutWeights) {
  const TempDir dir;
  const std::string expected = ": expected model.safetensors or model.safetensors.index.json";
  EXPECT_EQ(error_text([&] { open_tensors(dir.path()); }),
            dir.path() + expected + ", found neither");
  EXPECT_EQ(error_text([&] { open_tensors(dir.file("none")); }),
            dir.file("none") + expected + ", found no such directory");
  ASSERT_EQ(::mkdir(dir.file("model.safetensors").c_str(), 0700), 0);
  EXPECT_EQ(error_text([&] { open_tensors(dir.path()); }),
            dir.file("model.safetensors") + ": expected a regular file, found a directory");
}

TEST(OpenTensors, RefusesAHeaderBeyondTheFormatsLimit) {
  const TempDir dir;
  const std::string path =
      dir.write("model.safetensors", std::string("\x01\xe1\xf5\x05\0\0\0\0{", 9));
  ASSERT_EQ(::truncate(path.c_str(), 200'000'000), 0) << "a hole, no disk space";
  EXPECT_EQ(error_text([&] { open_tensors(dir.path()); }),
            path +
                ": expected a header of at most 100000000 bytes, found a header length of "
                "100000001");
}

TEST(OpenTensors, IndexAndShardsMustAgree) {
  const TempDir dir;
  const std::string index = dir.file("model.safetensors.index.json");
  dir.write("1.safetensors", safetensors_file({kA, kB}));
  dir.write("2.safetensors", safetensors_file({kC}));
  const std::string head = index + ": expected ";
  const std::pair<std::string, std::string> cases[] = {
      {R"("a":"1.safetensors","b":"3.safetensors","d":"3.safetensors")",
       head +
           "shard \"3.safetensors\" beside it with 2 tensors, the first \"b\", found no such file"},
      {R"("a":"1.safetensors")", head + "every tensor of the shards, found 1 not listed, the first "
                                        "is \"b\" in \"1.safetensors\""},
      {R"("b":"1.safetensors")", head + "every tensor of the shards, found 1 not listed, the first "
                                        "is \"a\" in \"1.safetensors\""},
      {R"("a":"1.safetensors","b":"2.safetensors","c":"2.safetensors","d":"2.safetensors")",
       head + "each tensor in the shard named, found 2 not there, the first is \"b\" in "
              "\"2.safetensors\""},
      {R"("a":"../1.safetensors","b":"1.safetensors")",
       index + ": tensor \"a\": expected the plain name of a .safetensors file beside the index, "
               "found \"../1.safetensors\""},
  };
  for (const auto& [map, message] : cases) {
    write_index(dir, map);
    EXPECT_EQ(error_text([&] { open_tensors(dir.path()); }), message);
  }
}

TEST(OpenTensors, ANameInTwoShardsIsRefused) {
  const TempDir dir;
  dir.write("1.safetensors", safetensors_file({kA, kB}));
  dir.write("2.safetensors", safetensors_file({kA}));
  write_index(dir, R"("a":"2.safetensors","b":"1.safetensors")");
  const std::string text = error_text([&] { open_tensors(dir.path()); });
  EXPECT_NE(text.find("tensor \"a\" appears twice, again in "), std::string::npos) << text;
}

TEST(OpenTensors, AnIndexBesideAFileItDoesNotNameIsRefused) {
  const TempDir dir;
  dir.write("model.safetensors", safetensors_file({kA}));
  dir.write("1.safetensors", safetensors_file({kB}));
  write_index(dir, R"("b":"1.safetensors")");
  EXPECT_NE(error_text([&] { open_tensors(dir.path()); }).find("to be the only list of weights"),
            std::string::npos);
  write_index(dir, R"("a":"model.safetensors")");
  EXPECT_EQ(open_tensors(dir.path())->entries().size(), 1U);
}

// ---- the hash -------------------------------------------------------------------------

std::string hash_of(const std::vector<StoredTensor>& tensors) {
  return InMemory(tensors).source->content_hash();
}

// Source: Python's hashlib over the framing that content_hash.cc describes.
TEST(ContentHash, IsWhatTheFramingSays) {
  EXPECT_EQ(hash_of({kB, kA}), "1ae6351ba7a85479061735815cdb2976459fd93d07bc0c6df4a37f5bd5502fee");
  EXPECT_EQ(hash_of({}), "9e120754975ba862aee065d5cf288dd7613e7d29b3d53f4d92dfbe237340901d");
}

TEST(ContentHash, IsTheSameForAnyOrderAndSharding) {
  const std::string hash = hash_of({kA, kB, kC, kScale});
  EXPECT_EQ(hash_of({kScale, kB, kC, kA}), hash);
  const TempDir dir;
  dir.write("1.safetensors", safetensors_file({kC, kA}));
  dir.write("2.safetensors", safetensors_file({kScale, kB}));
  write_index(dir, R"("a":"1.safetensors","b":"2.safetensors","c":"1.safetensors",)"
                   R"("c_scale_inv":"2.safetensors")");
  const auto source = open_tensors(dir.path());
  EXPECT_EQ(source->content_hash(), hash);
  source->vector("b", 3);
  EXPECT_EQ(source->content_hash(), hash) << "binding changes nothing";
}

TEST(ContentHash, SeesEveryPart) {
  const std::string hash = hash_of({kA, kB});
  EXPECT_NE(hash_of({kA}), hash);
  EXPECT_NE(hash_of({kA, {"B", "BF16", {3}, "abcdef"}}), hash);
  EXPECT_NE(hash_of({kA, {"b", "F16", {3}, "abcdef"}}), hash);
  EXPECT_NE(hash_of({kA, {"b", "BF16", {3, 1}, "abcdef"}}), hash);
  EXPECT_NE(hash_of({kA, {"b", "BF16", {3}, "abcdeg"}}), hash);
}

TEST(ContentHash, RefusesAFileThatWasShortened) {
  const TempDir dir;
  const std::string path = dir.write("model.safetensors", safetensors_file({kA}));
  const auto source = open_tensors(dir.path());
  ASSERT_EQ(::truncate(path.c_str(), 10), 0);
  EXPECT_NE(error_text([&] { (void)source->content_hash(); }).find("as at opening, found 10"),
            std::string::npos);
}

}  // namespace
}  // namespace moebius::engine
