// The tokenizer on small vocabularies made here: merging, added tokens, what is refused.
#include "engine/text/tokenizer.h"

#include <gtest/gtest.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "engine/engine.h"
#include "engine/text/tokenizer_data.h"
#include "engine/text/unicode.h"
#include "tests/support/sanitized.h"

namespace moebius::engine {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<std::int32_t>;

// The byte-level alphabet's character for a byte.
std::string letter(int byte) {
  for (char32_t c = 33; c < 324; ++c) {
    std::string text;
    append_utf8(text, c);
    const auto bytes = from_byte_alphabet(text);
    if (bytes && static_cast<unsigned char>((*bytes)[0]) == byte) return text;
  }
  return "";
}

// All bytes as ids 0 .. 255, then `merges` (pairs of texts in the alphabet) from 256 on.
Json byte_json(const std::vector<std::pair<std::string, std::string>>& merges) {
  Json vocab;
  for (int b = 0; b < 256; ++b) vocab[letter(b)] = b;
  Json list = Json::array();
  int id = 256;
  for (const auto& [left, right] : merges) {
    if (!vocab.contains(left + right)) vocab[left + right] = id++;
    list.push_back({left, right});
  }
  return {{"added_tokens", Json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", list}}}};
}

Json added(int id, const std::string& content, bool special, bool normalized = false) {
  return {{"id", id}, {"content", content}, {"special", special}, {"normalized", normalized}};
}

std::unique_ptr<Tokenizer> parse(const Json& json, const Json& config = nullptr) {
  return Tokenizer::parse(json.dump(), config.is_null() ? "" : config.dump(), "t/tokenizer.json");
}

std::string refusal(const std::string& json, const std::string& config = "") {
  try {
    Tokenizer::parse(json, config, "t/tokenizer.json");
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(TokenizerTest, LowestRankFirstLeftmostAmongEquals) {
  const auto tokenizer = parse(byte_json({{"b", "c"}, {"a", "b"}, {"a", "a"}, {"aa", "a"}}));
  EXPECT_EQ(tokenizer->encode("abc"), (Ids{'a', 256}));
  EXPECT_EQ(tokenizer->encode("ab"), (Ids{257}));
  EXPECT_EQ(tokenizer->encode("aaa"), (Ids{259}));
  EXPECT_EQ(tokenizer->encode("aaaa"), (Ids{258, 258}));
  EXPECT_EQ(tokenizer->encode("aaaaa"), (Ids{258, 259}));
  EXPECT_EQ(tokenizer->encode(""), (Ids{}));
}

TEST(TokenizerTest, APairListedTwiceHasItsLastRank) {
  EXPECT_EQ(parse(byte_json({{"a", "b"}, {"b", "c"}}))->encode("abc"), (Ids{256, 'c'}));
  EXPECT_EQ(parse(byte_json({{"a", "b"}, {"b", "c"}, {"a", "b"}}))->encode("abc"), (Ids{'a', 257}));
}

TEST(TokenizerTest, BothFormsOfMerges) {
  Json json = byte_json({{"b", "c"}, {"a", "bc"}});
  const auto pairs = parse(json);
  json["model"]["merges"] = {"b c", "a bc"};
  const auto lines = parse(json);
  EXPECT_EQ(pairs->encode("abcbc"), (Ids{257, 256}));
  EXPECT_EQ(lines->encode("abcbc"), (Ids{257, 256}));
}

// A token that merging cannot reach is only used where merges are ignored.
TEST(TokenizerTest, IgnoreMergesTakesWholeWords) {
  Json json = byte_json({{"x", "y"}});
  json["model"]["vocab"]["xyz"] = 300;
  const auto merging = parse(json);
  for (int time = 0; time < 2; ++time) EXPECT_EQ(merging->encode("xyz"), (Ids{256, 'z'}));
  EXPECT_EQ(merging->encode("xyz xyz"), (Ids{256, 'z', ' ', 256, 'z'}));
  json["model"]["ignore_merges"] = true;
  EXPECT_EQ(parse(json)->encode("xyz xyz"), (Ids{300, ' ', 256, 'z'}));
  EXPECT_EQ(parse(json)->encode("xyzz"), (Ids{256, 'z', 'z'}));
}

// Random merges; reference: scan for the lowest rank, merge, start over.
TEST(TokenizerTest, LongAndShortWordsMergeAlike) {
  std::mt19937 random(11);
  std::vector<std::pair<std::string, std::string>> merges;
  std::vector<std::string> parts = {"a", "b", "c"};
  for (int i = 0; i < 60; ++i) {
    const std::string left = parts[random() % parts.size()];
    const std::string right = parts[random() % parts.size()];
    if ((left + right).size() > 12) continue;
    merges.emplace_back(left, right);
    parts.push_back(left + right);
  }
  const auto tokenizer = parse(byte_json(merges));
  for (int round = 0; round < (tests::kSanitized ? 30 : 300); ++round) {
    std::string word(random() % 200 + 1, 'a');
    for (char& c : word) c = static_cast<char>('a' + random() % 3);
    std::vector<std::string> pieces;
    for (const char c : word) pieces.emplace_back(1, c);
    for (;;) {
      std::pair<std::size_t, std::size_t> best = {merges.size(), 0};
      for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
        // A pair listed twice has its last rank.
        for (std::size_t rank = merges.size(); rank-- > 0;) {
          if (merges[rank] != std::pair(pieces[i], pieces[i + 1])) continue;
          best = std::min(best, {rank, i});
          break;
        }
      }
      if (best.first == merges.size()) break;
      pieces[best.second] += pieces[best.second + 1];
      pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(best.second) + 1);
    }
    std::vector<std::string> found;
    for (const auto id : tokenizer->encode(word)) found.emplace_back(tokenizer->bytes(id));
    ASSERT_EQ(found, pieces) << word;
  }
}

TEST(TokenizerTest, AMegabyteOfOneLetterTakesNoQuadraticTime) {
  const auto tokenizer = parse(byte_json({{"a", "a"}, {"aa", "aa"}, {"aaaa", "aaaa"}}));
  const std::string text(1 << 20, 'a');
  const std::clock_t start = std::clock();
  const Ids ids = tokenizer->encode(text);
  EXPECT_LT(std::clock() - start, 20 * CLOCKS_PER_SEC);
  EXPECT_EQ(ids, Ids(text.size() / 8, 258));
}

TEST(TokenizerTest, SpecialTokensAreTextUnlessAskedFor) {
  Json json = byte_json({});
  json["added_tokens"] = {added(300, "<s>", true), added(301, "<s>x", false),
                          added(302, "<t>", false)};
  const auto tokenizer = parse(json);
  EXPECT_EQ(tokenizer->encode("a<s>b"), (Ids{'a', 300, 'b'}));
  EXPECT_EQ(tokenizer->encode("a<s>b", false), (Ids{'a', '<', 's', '>', 'b'}));
  EXPECT_EQ(tokenizer->encode("<s>x<s><t>"), (Ids{301, 300, 302}));  // the longest wins
  EXPECT_EQ(tokenizer->encode("<t>", false), (Ids{302}));            // not special
  EXPECT_EQ(tokenizer->decode(Ids{300, 'a', 302}), "<s>a<t>");
  EXPECT_EQ(tokenizer->decode(Ids{300, 'a', 302}, true), "a<t>");
  EXPECT_TRUE(tokenizer->is_special(300));
  EXPECT_FALSE(tokenizer->is_special(302));
  EXPECT_EQ(tokenizer->vocab(), 303);
}

TEST(TokenizerTest, StrippingTokensTakeWhiteSpaceAlong) {
  Json json = byte_json({});
  json["added_tokens"] = Json::array({added(300, "<l>", true), added(301, "<r>", true)});
  json["added_tokens"][0]["lstrip"] = true;
  json["added_tokens"][1]["rstrip"] = true;
  const auto tokenizer = parse(json);
  EXPECT_EQ(tokenizer->encode("a \u3000<l> b"), (Ids{'a', 300, ' ', 'b'}));
  EXPECT_EQ(tokenizer->encode("a <r> \n<l>b"), (Ids{'a', ' ', 301, 300, 'b'}));
  EXPECT_EQ(tokenizer->encode("  <l>"), (Ids{300}));
  EXPECT_EQ(tokenizer->encode("a <r> \u2003\nb"), (Ids{'a', ' ', 301, 'b'}));
}

// What such a token stands for is its text, though its letters are in the byte-level alphabet.
TEST(TokenizerTest, AddedTokensDecodeToTheirText) {
  Json json = byte_json({});
  json["model"]["vocab"].erase("\u00FC");  // byte 0xFC, which is in no UTF-8
  json["added_tokens"] = Json::array({added(300, "\u00FC", false, true)});
  const auto tokenizer = parse(json);
  EXPECT_EQ(tokenizer->encode("F\u00FChrer"), (Ids{'F', 300, 'h', 'r', 'e', 'r'}));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("F\u00FChrer")), "F\u00FChrer");
}

TEST(TokenizerTest, NormalizationIsBetweenTheTwoKindsOfAddedTokens) {
  Json json = byte_json({});
  json["normalizer"] = {{"type", "NFC"}};
  json["added_tokens"] =
      Json::array({added(300, "e\u0301", false, true), added(301, "o\u0301", false, false)});
  const auto tokenizer = parse(json);
  EXPECT_EQ(tokenizer->encode("e\u0301\u00E9"), (Ids{300, 300}));
  EXPECT_EQ(tokenizer->encode("o\u0301"), (Ids{301}));
  EXPECT_EQ(tokenizer->encode("\u00F3"), (Ids{0xC3, 0xB3}));
  EXPECT_EQ(tokenizer->encode("a\u0301"), (Ids{0xC3, 0xA1}));
}

TEST(TokenizerTest, PrefixSpace) {
  Json json = byte_json({});
  json["pre_tokenizer"]["add_prefix_space"] = true;
  json["added_tokens"] = Json::array({added(300, "<s>", true)});
  const auto tokenizer = parse(json);
  EXPECT_EQ(tokenizer->encode("a<s>b c"), (Ids{' ', 'a', 300, ' ', 'b', ' ', 'c'}));
  EXPECT_EQ(tokenizer->encode(" a"), (Ids{' ', 'a'}));
}

TEST(TokenizerTest, LookUps) {
  Json json = byte_json({{"\u0120", "a"}});
  json["added_tokens"] = Json::array({added(400, "<s>", true)});
  const auto tokenizer = parse(json);
  EXPECT_EQ(tokenizer->token(256), "\u0120a");
  EXPECT_EQ(tokenizer->bytes(256), " a");
  EXPECT_EQ(tokenizer->id("\u0120a"), 256);
  EXPECT_EQ(tokenizer->id(" a"), -1);
  EXPECT_EQ(tokenizer->id("<s>"), 400);
  EXPECT_EQ(tokenizer->vocab(), 401);
  EXPECT_EQ(tokenizer->hash().size(), 64U);
  for (const std::int32_t gap : {-1, 257, 399, 401}) {
    EXPECT_THROW(tokenizer->decode(Ids{gap}), Error) << gap;
    EXPECT_THROW(tokenizer->token(gap), Error) << gap;
  }
  EXPECT_THROW(tokenizer->encode("\xFF"), Error);
}

TEST(TokenizerTest, HashIsSha256) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(TokenizerTest, BosAndEos) {
  Json json = byte_json({});
  json["added_tokens"] = Json::array({added(300, "<s>", true), added(301, "</s>", true)});
  const auto plain = parse(json);
  EXPECT_EQ(plain->bos(), -1);
  EXPECT_EQ(plain->eos(), -1);
  EXPECT_FALSE(plain->adds_bos());
  const Json names = {{"bos_token", {{"content", "<s>"}}}, {"eos_token", "</s>"}};
  const auto named = parse(json, names);
  EXPECT_EQ(named->bos(), 300);
  EXPECT_EQ(named->eos(), 301);
  EXPECT_FALSE(named->adds_bos());
  EXPECT_TRUE(parse(json, {{"bos_token", "<s>"}, {"add_bos_token", true}})->adds_bos());
  EXPECT_FALSE(parse(json, {{"bos_token", nullptr}, {"add_bos_token", true}})->adds_bos());
  const Json processor = {
      {"type", "TemplateProcessing"},
      {"single", {{{"SpecialToken", {{"id", "<s>"}}}}, {{"Sequence", {{"id", "A"}}}}}}};
  json["post_processor"] = {{"type", "Sequence"},
                            {"processors", {{{"type", "ByteLevel"}}, processor}}};
  EXPECT_TRUE(parse(json)->adds_bos());
  EXPECT_EQ(parse(json)->bos(), 300);
  EXPECT_FALSE(parse(json, {{"bos_token", "<s>"}, {"add_bos_token", false}})->adds_bos());
  EXPECT_NE(refusal(json.dump(), R"({"bos_token": "<x>"})").find("<x>"), std::string::npos);
}

TEST(TokenizerTest, ChatTemplateAsTextOrList) {
  const Json json = byte_json({});
  EXPECT_EQ(parse(json)->chat_template(), "");
  EXPECT_EQ(parse(json, {{"chat_template", "x"}})->chat_template(), "x");
  const Json list = {{{"name", "tool_use"}, {"template", "t"}},
                     {{"name", "default"}, {"template", "d"}}};
  EXPECT_EQ(parse(json, {{"chat_template", list}})->chat_template(), "d");
}

TEST(TokenizerTest, RandomTextsComeBack) {
  const auto tokenizer = parse(byte_json({{"a", "b"}, {"\u0120", "a"}, {"\u00C3", "\u00A9"}}));
  std::mt19937 random(5);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (auto i = random() % 40; i > 0; --i) {
      const auto kind = random() % 4;
      const auto c = static_cast<char32_t>(random() % (kind == 0   ? 0x80
                                                       : kind == 1 ? 0x800
                                                       : kind == 2 ? 0xD800
                                                                   : 0x110000));
      if (c < 0xD800 || c >= 0xE000) append_utf8(text, c);
    }
    ASSERT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
  }
}

TEST(TokenizerTest, ThreadsEncodeAlike) {
  const auto tokenizer = parse(byte_json({{"a", "b"}, {"ab", "ab"}, {"\u0120", "abab"}}));
  std::string text;
  for (int i = 0; i < 2000; ++i) text += i % 3 == 0 ? " abab" : i % 3 == 1 ? "ab" : " aba";
  std::vector<Ids> found(4);
  {
    std::vector<std::jthread> threads;
    for (Ids& ids : found) threads.emplace_back([&] { ids = tokenizer->encode(text); });
  }
  for (const Ids& ids : found) EXPECT_EQ(ids, tokenizer->encode(text));
  EXPECT_EQ(tokenizer->decode(found[0]), text);
}

// One change of a good file; what the message must contain.
TEST(TokenizerTest, BadFilesAreRefusedInOneLine) {
  const Json good = byte_json({{"a", "b"}});
  ASSERT_EQ(refusal(good.dump()), "");
  const auto changed = [&good](const char* pointer, const Json& value) {
    Json json = good;
    json[Json::json_pointer(pointer)] = value;
    return refusal(json.dump());
  };
  const auto split = [](const Json& pattern, const char* behavior) {
    return Json{{"type", "Sequence"},
                {"pretokenizers",
                 {{{"type", "Split"}, {"pattern", pattern}, {"behavior", behavior}},
                  {{"type", "ByteLevel"}}}}};
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {refusal(""), "JSON"},
      {refusal("{"), "JSON"},
      {refusal("[]"), "object"},
      {refusal("{\"a\": \"\xFF\"}"), "JSON"},
      {refusal(std::string(100000, '[')), "nested"},
      {refusal("{\"pre_tokenizer\": " + std::string(1000000, '[') + std::string(1000000, ']') +
               "}"),
       "nested"},
      {refusal("{}"), "model"},
      {changed("/model", 3), "model"},
      {changed("/model/type", "Unigram"), "Unigram"},
      {changed("/model/unk_token", "<unk>"), "unk_token"},
      {changed("/model/dropout", 0.1), "dropout"},
      {changed("/model/byte_fallback", true), "byte_fallback"},
      {changed("/model/end_of_word_suffix", "</w>"), "end_of_word_suffix"},
      {changed("/model/ignore_merges", "yes"), "ignore_merges"},
      {changed("/model/vocab", Json::array()), "vocab"},
      {changed("/model/vocab", Json::object()), "vocab"},
      {changed("/model/vocab/zz", -1), "zz"},
      {changed("/model/vocab/zz", 1.5), "zz"},
      {changed("/model/vocab/zz", 4000000000U), "zz"},
      {changed("/model/vocab/zz", 9000000000000000000U), "zz"},
      {changed("/model/vocab/zz", "7"), "zz"},
      {changed("/model/vocab/zz", 97), "id 97"},
      {changed("/model/merges", "a b"), "merges"},
      {changed("/model/merges/0", "ab"), "merges"},
      {changed("/model/merges/0", "a b c"), "merges"},
      {changed("/model/merges/0", Json::array({"a"})), "merges"},
      {changed("/model/merges/0", Json::array({"a", "q"})), "aq"},
      {changed("/model/merges/0", Json::array({"nope", "a"})), "nope"},
      {changed("/normalizer", {{"type", "NFKC"}}), "NFC"},
      {changed("/normalizer", "NFC"), "NFC"},
      {changed("/decoder", {{"type", "Metaspace"}}), "ByteLevel"},
      {changed("/pre_tokenizer", nullptr), "DeepSeek-V3"},
      {changed("/pre_tokenizer", {{"type", "Metaspace"}}), "DeepSeek-V3"},
      {changed("/pre_tokenizer", {{"type", "Digits"}}), "ByteLevel"},
      {changed("/pre_tokenizer", {{"type", "Sequence"}}), "empty"},
      {changed("/pre_tokenizer/use_regex", 1), "use_regex"},
      {changed("/pre_tokenizer", split({{"Regex", "a"}}, "Removed")), "Isolated"},
      {changed("/pre_tokenizer", split({{"Regex", "(?<=a)b"}}, "Isolated")), "(?<=a)b"},
      {changed("/pre_tokenizer", split(3, "Isolated")), "pattern"},
      {changed("/added_tokens", 5), "added_tokens"},
      {changed("/added_tokens/0", 5), "added_tokens"},
      {changed("/added_tokens/0", {{"id", 1}}), "content"},
      {changed("/added_tokens/0", {{"content", "x"}}), "id"},
      {changed("/added_tokens/0", added(97, "<s>", true)), "97"},
      {changed("/added_tokens/0", added(300, "", true)), "empty"},
      {changed("/added_tokens/0", added(300, std::string(1025, 'x'), true)), "1024"},
      {changed("/added_tokens/0", added(300, "a", true)), "two ids"},
      {changed("/added_tokens/0", {{"id", 300}, {"content", "x"}, {"single_word", true}}),
       "single_word"},
  };
  for (const auto& [message, part] : cases) {
    EXPECT_NE(message.find(part), std::string::npos) << part << ": \"" << message << "\"";
    EXPECT_TRUE(message.starts_with("t/tokenizer.json: ")) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_TRUE(valid_utf8(message));
  }
  for (const char* config :
       {"[", "[]", R"({"eos_token": 3})", R"({"add_bos_token": "x"})", R"({"chat_template": 1})"}) {
    EXPECT_NE(refusal(good.dump(), config), "") << config;
  }
}

// A vocabulary may lack bytes that no UTF-8 has, but a text that needs one is an error.
TEST(TokenizerTest, AByteWithoutTokenIsAnError) {
  Json json = byte_json({});
  json["model"]["vocab"].erase("q");
  const auto tokenizer = parse(json);
  EXPECT_EQ(tokenizer->encode("p"), (Ids{'p'}));
  EXPECT_THROW(tokenizer->encode("pq"), Error);
}

}  // namespace
}  // namespace moebius::engine
