#include "engine/text/added_tokens.h"

#include <algorithm>
#include <array>

#include "engine/text/unicode.h"

namespace moebius::engine {
namespace {

// Where the white space that ends text[0, stop) begins, but not before `from`.
std::size_t space_begin(std::string_view text, std::size_t from, std::size_t stop) {
  while (stop > from) {
    std::size_t at = stop - 1;
    while (at > from && is_continuation(text[at])) --at;
    const char* p = text.data() + at;
    if (!is_space(next_char(p))) break;
    stop = at;
  }
  return stop;
}

std::size_t space_end(std::string_view text, std::size_t from) {
  const char* p = text.data() + from;
  const char* const end = text.data() + text.size();
  while (p != end) {
    const char* next = p;
    if (!is_space(next_char(next))) break;
    p = next;
  }
  return static_cast<std::size_t>(p - text.data());
}

}  // namespace

int AddedTokens::child(int node, unsigned char byte) const {
  for (const auto& [key, index] : nodes_[node].children) {
    if (key == byte) return index;
  }
  return -1;
}

void AddedTokens::add(std::string_view text, const Entry& entry) {
  int node = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    int next = child(node, byte);
    if (next < 0) {
      next = static_cast<int>(nodes_.size());
      nodes_[node].children.emplace_back(byte, next);
      nodes_.emplace_back();
    }
    node = next;
  }
  nodes_[node].entry = static_cast<int>(entries_.size());
  entries_.push_back(entry);
}

std::pair<int, std::size_t> AddedTokens::longest(std::string_view text, std::size_t from) const {
  std::pair<int, std::size_t> best = {-1, from};
  int node = 0;
  for (std::size_t at = from; at < text.size(); ++at) {
    node = child(node, static_cast<unsigned char>(text[at]));
    if (node < 0) break;
    if (nodes_[node].entry >= 0) best = {nodes_[node].entry, at + 1};
  }
  return best;
}

void AddedTokens::split(std::string_view text, bool special, std::vector<Segment>& out) const {
  std::array<bool, 256> starts{};
  for (const auto& edge : nodes_[0].children) starts[edge.first] = true;
  std::size_t done = 0;  // everything before it is in `out`
  for (std::size_t at = 0; at < text.size();) {
    if (!starts[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    auto [index, stop] = longest(text, at);
    if (index < 0) {
      ++at;
      continue;
    }
    const Entry& entry = entries_[index];
    const std::size_t match = at;
    at = stop;
    if (entry.special && !special) continue;
    const std::size_t begin = entry.lstrip ? space_begin(text, done, match) : match;
    if (entry.rstrip) at = stop = space_end(text, stop);
    if (done < begin) out.push_back({text.substr(done, begin - done), -1});
    out.push_back({text.substr(begin, stop - begin), entry.id});
    done = stop;
  }
  if (done < text.size()) out.push_back({text.substr(done), -1});
}

}  // namespace moebius::engine
