// Reads tokenizer.json: the vocabulary, merges, added tokens and what stands around them.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/engine.h"
#include "engine/text/tokenizer_data.h"
#include "engine/text/unicode.h"

namespace moebius::engine {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kMaxId = (1 << 20) - 1;  // bounds what a hostile id can allocate
constexpr std::size_t kMaxTokenBytes = 1 << 16;
constexpr std::size_t kMaxAddedBytes = 1024;  // looked for at every place of a text
constexpr int kMaxDepth = 64;                 // copying and printing JSON recurses

const Json& field(const Json& object, const char* name) {
  static const Json kMissing;
  const auto at = object.find(name);
  return at == object.end() ? kMissing : *at;
}

bool flag(const Json& object, const char* name, bool fallback, const std::string& of) {
  const Json& value = field(object, name);
  if (value.is_null()) return fallback;
  if (!value.is_boolean()) throw Error(of + "." + name + ": expected true or false");
  return value.get<bool>();
}

// Up to 60 bytes of `text`, on one line.
std::string in_quotes(std::string_view text) {
  std::size_t stop = std::min<std::size_t>(text.size(), 60);
  while (stop > 0 && stop < text.size() && is_continuation(text[stop])) --stop;
  std::string out(1, '"');
  out += text.substr(0, stop);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c >= 0 && c < ' '; }, '?');
  return out + (stop < text.size() ? "...\"" : "\"");
}

std::int32_t checked_id(const Json& value, const std::string& token) {
  if (!value.is_number_integer() || value < 0 || value > kMaxId) {
    throw Error("the id of " + in_quotes(token) + ": expected 0 .. " + std::to_string(kMaxId));
  }
  return value.get<std::int32_t>();
}

Token& token_at(Tokenizer::Data& data, std::int32_t id) {
  if (static_cast<std::size_t>(id) >= data.tokens.size()) data.tokens.resize(id + 1);
  return data.tokens[id];
}

void check_length(const std::string& text) {
  if (text.empty() || text.size() > kMaxTokenBytes) {
    throw Error("token " + in_quotes(text) + " is empty or longer than 65536 bytes");
  }
}

void read_vocabulary(const Json& model, Tokenizer::Data& data) {
  const Json& vocab = field(model, "vocab");
  if (!vocab.is_object() || vocab.empty()) throw Error("model.vocab: expected an object of ids");
  for (const auto& [text, value] : vocab.items()) {
    const std::int32_t id = checked_id(value, text);
    check_length(text);
    Token& token = token_at(data, id);
    if (token.known) {
      throw Error("id " + std::to_string(id) + " belongs to " + in_quotes(token.text) + " and to " +
                  in_quotes(text));
    }
    const auto bytes = from_byte_alphabet(text);
    token = {
        .text = text, .bytes = bytes.value_or(text), .known = true, .model = bytes.has_value()};
  }
}

// An added token may also be in the vocabulary, under the same id. What it stands for is its
// text: written in the byte-level alphabet or not, that is what was found in the input.
void read_added_token(const Json& entry, Tokenizer::Data& data) {
  const Json& content = field(entry, "content");
  if (!content.is_string()) throw Error("added_tokens: an entry without a content text");
  const auto text = content.get<std::string>();
  const std::string of = "added_tokens: " + in_quotes(text);
  check_length(text);
  if (text.size() > kMaxAddedBytes) throw Error(of + ": longer than 1024 bytes");
  const std::int32_t id = checked_id(field(entry, "id"), text);
  Token& token = token_at(data, id);
  if (token.known && token.text != text) {
    throw Error(of + ": its id " + std::to_string(id) + " belongs to " + in_quotes(token.text));
  }
  if (flag(entry, "single_word", false, of)) throw Error(of + ".single_word is not supported");
  if (!token.known) token = {.text = text, .bytes = text, .known = true};
  token.added = true;
  token.special = token.special || flag(entry, "special", false, of);
}

void read_added_tokens(const Json& json, Tokenizer::Data& data) {
  const Json& list = field(json, "added_tokens");
  if (list.is_null()) return;
  if (!list.is_array()) throw Error("added_tokens: expected a list");
  for (const Json& entry : list) {
    if (!entry.is_object()) throw Error("added_tokens: expected objects");
    read_added_token(entry, data);
  }
}

void index_tokens(Tokenizer::Data& data) {
  data.ids.reserve(data.tokens.size());
  for (std::size_t id = 0; id < data.tokens.size(); ++id) {
    const Token& token = data.tokens[id];
    if (!token.known) continue;
    const auto [at, fresh] = data.ids.emplace(token.text, static_cast<std::int32_t>(id));
    if (!fresh) {
      throw Error("token " + in_quotes(token.text) + " has two ids, " + std::to_string(at->second) +
                  " and " + std::to_string(id));
    }
  }
}

void index_added_tokens(const Json& json, Tokenizer::Data& data) {
  for (const Json& entry : field(json, "added_tokens")) {
    const auto text = entry["content"].get<std::string>();
    const std::string of = "added_tokens: " + in_quotes(text);
    const AddedTokens::Entry token = {.id = data.ids.at(text),
                                      .special = data.tokens[data.ids.at(text)].special,
                                      .lstrip = flag(entry, "lstrip", false, of),
                                      .rstrip = flag(entry, "rstrip", false, of)};
    if (flag(entry, "normalized", !token.special, of)) {
      data.normalized.add(data.nfc ? nfc(text) : text, token);
    } else {
      data.raw.add(text, token);
    }
  }
}

std::pair<std::string, std::string> merge_parts(const Json& merge) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  }
  if (merge.is_string()) {
    const auto text = merge.get<std::string>();
    const std::size_t space = text.find(' ');
    if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos) {
      return {text.substr(0, space), text.substr(space + 1)};
    }
  }
  throw Error("model.merges: expected \"a b\" or [\"a\", \"b\"], found " +
              in_quotes(merge.dump(-1, ' ', true)));
}

std::int32_t merge_token(const Tokenizer::Data& data, const std::string& text) {
  const auto at = data.ids.find(text);
  if (at == data.ids.end() || !data.tokens[at->second].model) {
    throw Error("model.merges: " + in_quotes(text) + " is not in the vocabulary");
  }
  return at->second;
}

std::vector<Bpe::Merge> read_merges(const Json& model, const Tokenizer::Data& data) {
  const Json& list = field(model, "merges");
  if (!list.is_array()) throw Error("model.merges: expected a list");
  std::vector<Bpe::Merge> merges;
  merges.reserve(list.size());
  for (const Json& entry : list) {
    const auto [left, right] = merge_parts(entry);
    merges.push_back({.left = merge_token(data, left),
                      .right = merge_token(data, right),
                      .result = merge_token(data, left + right)});
  }
  return merges;
}

void check_model(const Json& model) {
  if (!model.is_object()) throw Error("model: expected an object");
  const Json& type = field(model, "type");
  if (!type.is_null() && type != "BPE") {
    throw Error("model.type: expected \"BPE\", found " + in_quotes(type.dump(-1, ' ', true)));
  }
  for (const char* name : {"dropout", "unk_token"}) {
    const Json& value = field(model, name);
    if (!value.is_null()) {
      throw Error(std::string("model.") + name + ": expected null, found " +
                  in_quotes(value.dump(-1, ' ', true)) + "; only byte-level BPE is supported");
    }
  }
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const Json& value = field(model, name);
    if (!value.is_null() && value != "")
      throw Error(std::string("model.") + name + " is not supported");
  }
  if (flag(model, "byte_fallback", false, "model")) {
    throw Error("model.byte_fallback: expected false; only byte-level BPE is supported");
  }
}

// Only what leaves text alone, or NFC, whose effect is known to the character.
void read_normalizer(const Json& json, Tokenizer::Data& data) {
  if (json.is_null()) return;
  const Json& type = field(json, "type");
  if (type == "NFC") {
    data.nfc = true;
  } else if (type == "Sequence" && field(json, "normalizers").is_array()) {
    for (const Json& step : json["normalizers"]) {
      if (field(step, "type") == "Sequence") throw Error("normalizer: a Sequence in a Sequence");
      read_normalizer(step, data);
    }
  } else {
    throw Error("normalizer " + in_quotes(type.dump(-1, ' ', true)) +
                " is not supported (known: none, NFC, a Sequence of these)");
  }
}

void check_decoder(const Json& decoder) {
  const Json& type = field(decoder, "type");
  if (!decoder.is_null() && type != "ByteLevel") {
    throw Error("decoder " + in_quotes(type.dump(-1, ' ', true)) +
                " is not supported (known: ByteLevel)");
  }
}

// The first token that a TemplateProcessing puts in front of a text, if any, is the BOS.
void read_post_processor(const Json& json, Tokenizer::Data& data, int depth = 0) {
  if (!json.is_object() || depth > 2) return;
  if (const Json& list = field(json, "processors"); list.is_array()) {
    for (const Json& step : list) read_post_processor(step, data, depth + 1);
  }
  if (field(json, "type") != "TemplateProcessing") return;
  const Json& single = field(json, "single");
  if (!single.is_array() || single.empty()) return;
  const Json& id = field(field(single[0], "SpecialToken"), "id");
  if (!id.is_string()) return;
  const auto at = data.ids.find(id.get_ref<const std::string&>());
  if (at == data.ids.end()) {
    throw Error("post_processor: " + in_quotes(id.get_ref<const std::string&>()) + " is no token");
  }
  data.bos = at->second;
  data.adds_bos = true;
}

// How deep brackets nest; those in texts count too where quotes are unbalanced, which then is
// no JSON anyway.
int nesting(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') quoted = !quoted;
    if (quoted && c == '\\') ++i;
    if (quoted) continue;
    if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if (c == ']' || c == '}') --depth;
  }
  return deepest;
}

Json parse(std::string_view text) {
  if (nesting(text) > kMaxDepth) throw Error("JSON nested deeper than 64");
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw Error("not valid JSON");
  if (!json.is_object()) throw Error("expected a JSON object");
  return json;
}

// A token's name in tokenizer_config.json: a text, or an object with its content.
std::int32_t read_token_name(const Json& json, const char* name, const Tokenizer::Data& data) {
  const Json& value = field(json, name);
  const Json& text = value.is_object() ? field(value, "content") : value;
  if (text.is_null()) return -1;
  if (!text.is_string()) throw Error(std::string(name) + ": expected a text");
  const auto at = data.ids.find(text.get_ref<const std::string&>());
  if (at != data.ids.end()) return at->second;
  throw Error(std::string(name) + ": " + in_quotes(text.get<std::string>()) +
              " is no token of tokenizer.json");
}

std::string read_chat_template(const Json& json) {
  const Json& value = field(json, "chat_template");
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) {
    for (const Json& entry : value) {
      const Json& source = field(entry, "template");
      if (field(entry, "name") == "default" && source.is_string()) return source.get<std::string>();
    }
  } else if (!value.is_null()) {
    throw Error("chat_template: expected a text or a list");
  }
  return "";
}

}  // namespace

std::optional<std::string> from_byte_alphabet(std::string_view text) {
  static const auto kBytes = [] {
    std::array<std::int16_t, 324> bytes;
    bytes.fill(-1);
    int extra = 256;
    for (int b = 0; b < 256; ++b) {
      const bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
      bytes[printable ? b : extra++] = static_cast<std::int16_t>(b);
    }
    return bytes;
  }();
  std::string out;
  for (const char* p = text.data(); p != text.data() + text.size();) {
    const char32_t c = next_char(p);
    if (c >= kBytes.size() || kBytes[c] < 0) return std::nullopt;
    out += static_cast<char>(kBytes[c]);
  }
  return out;
}

void read_tokenizer(std::string_view text, Tokenizer::Data& data) {
  const Json json = parse(text);
  const Json& model = field(json, "model");
  check_model(model);
  check_decoder(field(json, "decoder"));
  read_normalizer(field(json, "normalizer"), data);
  read_pre_tokenizer(field(json, "pre_tokenizer").dump(), data.pre_tokenizer);
  read_vocabulary(model, data);
  read_added_tokens(json, data);
  index_tokens(data);
  index_added_tokens(json, data);
  data.bpe.emplace(data.tokens, read_merges(model, data),
                   flag(model, "ignore_merges", false, "model"));
  read_post_processor(field(json, "post_processor"), data);
}

void read_tokenizer_config(std::string_view text, Tokenizer::Data& data) {
  if (text.empty()) return;
  const Json json = parse(text);
  if (const auto bos = read_token_name(json, "bos_token", data); bos >= 0) data.bos = bos;
  data.eos = read_token_name(json, "eos_token", data);
  data.adds_bos = flag(json, "add_bos_token", data.adds_bos, "tokenizer_config") && data.bos >= 0;
  data.chat_template = read_chat_template(json);
}

}  // namespace moebius::engine
