// What a loaded tokenizer consists of, and how it is read from its files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/text/added_tokens.h"
#include "engine/text/bpe.h"
#include "engine/text/pre_tokenizer.h"
#include "engine/text/tokenizer.h"

namespace moebius::engine {

/// Neither copied nor moved: `ids` and `bpe` point into `tokens`.
struct Tokenizer::Data {
  Data() = default;
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;

  std::string where;
  std::string hash;
  std::vector<Token> tokens;  // by id
  std::unordered_map<std::string_view, std::int32_t> ids;
  AddedTokens raw;         // found in the text as it is
  AddedTokens normalized;  // found after normalization
  bool nfc = false;
  PreTokenizer pre_tokenizer;
  std::optional<Bpe> bpe;

  std::int32_t bos = -1;
  std::int32_t eos = -1;
  bool adds_bos = false;
  std::string chat_template;
};

/// Reads tokenizer.json into `data`, whose `where` is set. Throws Error.
void read_tokenizer(std::string_view json, Tokenizer::Data& data);

/// Reads tokenizer_config.json (or nothing, if empty) into `data`, after read_tokenizer.
void read_tokenizer_config(std::string_view json, Tokenizer::Data& data);

/// Fills the steps from a tokenizer.json "pre_tokenizer" (as JSON text). Throws Error naming
/// the known pre-tokenizers if it is none of their kind.
void read_pre_tokenizer(std::string_view json, PreTokenizer& out);

/// SHA-256 of `bytes`, 64 hex digits.
std::string sha256_hex(std::string_view bytes);

/// Bytes that `text` stands for in the byte-level alphabet (GPT-2, encoder.py,
/// bytes_to_unicode); nullopt if it has a character outside it.
std::optional<std::string> from_byte_alphabet(std::string_view text);

}  // namespace moebius::engine
