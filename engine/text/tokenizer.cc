#include "engine/text/tokenizer.h"

#include <openssl/evp.h>

#include <array>
#include <limits>
#include <utility>

#include "engine/engine.h"
#include "engine/text/tokenizer_data.h"
#include "engine/text/unicode.h"

namespace moebius::engine {
namespace {

const Token& known_token(const Tokenizer::Data& data, std::int32_t id) {
  if (id < 0 || static_cast<std::size_t>(id) >= data.tokens.size() || !data.tokens[id].known) {
    throw Error(data.where + ": token id " + std::to_string(id) + " is not in the vocabulary");
  }
  return data.tokens[id];
}

/// One call of encode: the memory it reuses from piece to piece.
class Encoder {
 public:
  explicit Encoder(const Tokenizer::Data& data) : data_(data) {}

  std::vector<std::int32_t> run(std::string_view text, bool special) {
    data_.raw.split(text, special, raw_);
    for (const auto& segment : raw_) {
      if (segment.id >= 0) {
        out_.push_back(segment.id);
      } else {
        normalize(segment.text, special);
      }
    }
    return std::move(out_);
  }

 private:
  void normalize(std::string_view text, bool special) {
    std::string composed;
    if (data_.nfc) text = composed = nfc(text);
    segments_.clear();
    data_.normalized.split(text, special, segments_);
    for (const auto& segment : segments_) {
      if (segment.id >= 0) {
        out_.push_back(segment.id);
      } else {
        merge(segment.text);
      }
    }
  }

  void merge(std::string_view text) {
    data_.pre_tokenizer.run(text, pieces_);
    for (const Piece& piece : pieces_.pieces) {
      data_.bpe->encode(pieces_.text.substr(piece.begin, piece.end - piece.begin), words_, out_);
    }
  }

  const Tokenizer::Data& data_;
  std::vector<AddedTokens::Segment> raw_;
  std::vector<AddedTokens::Segment> segments_;
  PreTokenizer::Work pieces_;
  Bpe::Work words_;
  std::vector<std::int32_t> out_;
};

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) {
    throw Error("sha256: the OpenSSL library failed");
  }
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

std::unique_ptr<Tokenizer> Tokenizer::parse(std::string_view json, std::string_view config,
                                            const std::string& where) {
  auto data = std::make_unique<Data>();
  data->where = where;
  data->hash = sha256_hex(json);
  try {
    read_tokenizer(json, *data);
  } catch (const Error& error) {
    throw Error(where + ": " + error.what());
  }
  try {
    read_tokenizer_config(config, *data);
  } catch (const Error& error) {
    throw Error(where + " with its tokenizer_config.json: " + error.what());
  }
  return std::unique_ptr<Tokenizer>(new Tokenizer(std::move(data)));
}

Tokenizer::Tokenizer(std::unique_ptr<Data> data) : data_(std::move(data)) {}
Tokenizer::~Tokenizer() = default;

std::int32_t Tokenizer::vocab() const {
  return static_cast<std::int32_t>(data_->tokens.size());
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, bool special) const {
  // Offsets are 32 bits wide, and a prefix space may be added to every character.
  if (text.size() > std::numeric_limits<std::int32_t>::max() / 2) {
    throw Error(data_->where + ": a text of more than 1 GiB");
  }
  if (!valid_utf8(text)) throw Error(data_->where + ": the text is not valid UTF-8");
  return Encoder(*data_).run(text, special);
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, bool skip_special) const {
  std::string out;
  for (const std::int32_t id : ids) {
    const Token& token = known_token(*data_, id);
    if (!skip_special || !token.special) out += token.bytes;
  }
  return out;
}

std::string_view Tokenizer::token(std::int32_t id) const {
  return known_token(*data_, id).text;
}
std::string_view Tokenizer::bytes(std::int32_t id) const {
  return known_token(*data_, id).bytes;
}
bool Tokenizer::is_special(std::int32_t id) const {
  return known_token(*data_, id).special;
}

std::int32_t Tokenizer::id(std::string_view token) const {
  const auto at = data_->ids.find(token);
  return at == data_->ids.end() ? -1 : at->second;
}

std::int32_t Tokenizer::bos() const {
  return data_->bos;
}
bool Tokenizer::adds_bos() const {
  return data_->adds_bos;
}
std::int32_t Tokenizer::eos() const {
  return data_->eos;
}
const std::string& Tokenizer::chat_template() const {
  return data_->chat_template;
}
const std::string& Tokenizer::hash() const {
  return data_->hash;
}

}  // namespace moebius::engine
