// tokenizer.json: text to token ids and back, exactly as the reference tokenizers do.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace moebius::engine {

/// Byte-level BPE with added tokens. Immutable and thread-safe once loaded.
class Tokenizer {
 public:
  /// `json`: the contents of tokenizer.json, hostile until proven otherwise; `where` names it
  /// in messages; `config`: those of tokenizer_config.json, or empty. Throws Error: no BPE, an
  /// unknown pre-tokenizer (the known ones are named), ids that contradict each other.
  static std::unique_ptr<Tokenizer> parse(std::string_view json, std::string_view config,
                                          const std::string& where);
  ~Tokenizer();

  std::int32_t vocab() const;  // 1 + highest id

  /// Ids of `text`, which must be valid UTF-8 (Error otherwise). `special`: special
  /// tokens written in the text are recognised; otherwise they are plain text.
  /// Nothing is added in front; see bos().
  std::vector<std::int32_t> encode(std::string_view text, bool special = true) const;

  /// Bytes of `ids`; `skip_special` leaves special tokens out. Not always valid
  /// UTF-8: a token may be part of a character. Throws Error on an unknown id.
  std::string decode(std::span<const std::int32_t> ids, bool skip_special = false) const;

  /// The token as tokenizer.json writes it (byte-level alphabet), and its bytes.
  std::string_view token(std::int32_t id) const;
  std::string_view bytes(std::int32_t id) const;
  bool is_special(std::int32_t id) const;
  std::int32_t id(std::string_view token) const;  // -1 if unknown

  std::int32_t bos() const;                  // -1 if none
  bool adds_bos() const;                     // whether plain text gets BOS in front
  std::int32_t eos() const;                  // -1 if none
  const std::string& chat_template() const;  // Jinja source; empty if none
  const std::string& hash() const;           // sha256 of tokenizer.json, hex

  struct Data;

 private:
  explicit Tokenizer(std::unique_ptr<Data> data);
  std::unique_ptr<Data> data_;
};

/// Loads DIR, DIR/tokenizer.json or "embedded". Throws Error.
std::unique_ptr<Tokenizer> load_tokenizer(const std::string& where);

/// Bytes of a growing answer as valid UTF-8 text: holds back an unfinished character,
/// replaces what can never become one by U+FFFD (as Python's errors="replace").
class Utf8Stream {
 public:
  std::string push(std::string_view bytes);  // text that is now certain
  std::string finish();                      // the rest

 private:
  std::string pending_;
};

bool valid_utf8(std::string_view text);

/// Renders a conversation as the tokenizer's own Jinja template would, to the
/// character, generation prompt included. Templates are known by the hash of their
/// source; an unknown one throws Error naming the ways out.
std::string render_chat(const Tokenizer& tokenizer, std::span<const Message> messages,
                        bool add_generation_prompt = true);

}  // namespace moebius::engine
