// For tests: a byte-level tokenizer small enough to do in one's head. Token ids are bytes,
// but for 256 "<s>" (BOS), 257 "</s>" (EOS), 258 " b" and 259 "ab".
#pragma once

#include <memory>
#include <string>

#include "engine/text/tokenizer.h"

namespace moebius::engine {

enum class TestBos { kNone, kKnown, kAdded };

inline std::unique_ptr<Tokenizer> test_tokenizer(TestBos bos, bool eos = true) {
  std::string vocab;
  int extra = 256;  // GPT-2's alphabet: bytes that do not print stand beyond 255
  for (int byte = 0; byte < 256; ++byte) {
    const bool prints = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    const int code = prints ? byte : extra++;
    std::string text;
    if (code == '"' || code == '\\') text = '\\';
    if (code < 128) {
      text += static_cast<char>(code);
    } else {
      text += static_cast<char>(0xC0 | code >> 6);
      text += static_cast<char>(0x80 | (code & 63));
    }
    vocab += "\"" + text + "\":" + std::to_string(byte) + ",";
  }
  const std::string json = R"({"model":{"type":"BPE","vocab":{)" + vocab +
                           R"("Ġb":258,"ab":259},"merges":["Ġ b","a b"]},
      "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},
      "decoder":{"type":"ByteLevel"},
      "added_tokens":[{"id":256,"content":"<s>","special":true},
                      {"id":257,"content":"</s>","special":true}]})";
  const std::string config = std::string(R"({"add_bos_token":)") +
                             (bos == TestBos::kAdded ? "true" : "false") +
                             (bos != TestBos::kNone ? R"(,"bos_token":"<s>")" : "") +
                             (eos ? R"(,"eos_token":"</s>")" : "") + "}";
  return Tokenizer::parse(json, config, "test tokenizer");
}

}  // namespace moebius::engine
