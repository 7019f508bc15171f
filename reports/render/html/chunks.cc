// Data within the page: compression, encoding, and what there is room for.
#include "reports/render/html/chunks.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>

namespace moebius::reports::html {
namespace {

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// JSON texts come to about a third, base64 adds a third.
constexpr double kUsualRatio = 0.45;

}  // namespace

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  constexpr int kGzip = 16 + MAX_WBITS;
  if (deflateInit2(&stream, 6, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string result(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  const int status = deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::runtime_error("gzip: deflate did not finish");
  return result;
}

std::string base64(std::string_view bytes) {
  std::string result((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(result.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  result.resize(static_cast<std::size_t>(length));
  return result;
}

std::string csp_hash(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int length = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("sha256 failed");
  }
  return "sha256-" + base64({reinterpret_cast<const char*>(digest.data()), length});
}

std::string data_block(std::string_view attributes, std::string_view json) {
  return fmt::format("<script type=\"application/octet-stream\" {}>{}</script>\n", attributes,
                     base64(gzip(json)));
}

void TextBudget::measure(std::size_t bytes) {
  Class& its = classes_[static_cast<std::size_t>(std::bit_width(bytes)) % kClasses];
  its.texts += 1;
  its.bytes += static_cast<double>(bytes);
  texts_ += 1;
}

void TextBudget::reserve(std::size_t bytes) {
  left_ -= std::min(left_, bytes);
}

double TextBudget::total(std::size_t most) const {
  double sum = 0;
  for (const Class& its : classes_) {
    sum += std::min(its.bytes, its.texts * static_cast<double>(most));
  }
  return sum;
}

std::size_t TextBudget::limit() const {
  const double ratio = raw_ > 0 ? written_ / raw_ : kUsualRatio;
  const double rest = texts_ > 0 ? std::max(0.0, 1 - done_ / texts_) : 0;
  const auto fits = [&](std::size_t most) {
    return total(most) * rest * ratio <= static_cast<double>(left_);
  };
  std::size_t high = std::size_t{1} << 40;
  if (fits(high)) return high;
  std::size_t low = kLeast;
  while (high - low > low / 16) {
    const std::size_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

void TextBudget::spent(std::size_t texts, std::size_t raw, std::size_t written) {
  done_ += static_cast<double>(texts);
  raw_ += static_cast<double>(raw);
  written_ += static_cast<double>(written);
  left_ -= std::min(left_, written);
}

Clip clip(std::string_view text, std::size_t most) {
  if (text.size() <= most) return {.head = text};
  std::size_t head = most / 3 * 2;
  std::size_t tail = text.size() - most / 3;
  while (head > 0 && continues(text[head])) --head;
  while (tail < text.size() && continues(text[tail])) ++tail;
  return {.head = text.substr(0, head), .tail = text.substr(tail), .left_out = tail - head};
}

}  // namespace moebius::reports::html
