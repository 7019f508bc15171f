// Seeded choices: Philox4x32-10 and a Fisher-Yates shuffle that stops when it has enough.
#include <algorithm>
#include <unordered_map>

#include "tasks/philox.h"
#include "tasks/task.h"

namespace moebius::tasks {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t first = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t second = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {static_cast<std::uint32_t>(second >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(second),
               static_cast<std::uint32_t>(first >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(first)};
    key = {key[0] + 0x9E3779B9U, key[1] + 0xBB67AE85U};
  }
  return counter;
}

std::uint64_t Philox::next() {
  const std::uint64_t block = drawn_ / 2;
  const auto words = philox4x32(
      {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0}, key_);
  const std::size_t half = drawn_++ % 2 * 2;
  return words[half] | std::uint64_t{words[half + 1]} << 32;
}

std::uint64_t Philox::below(std::uint64_t bound) {
  const std::uint64_t uneven = (0 - bound) % bound;  // 2^64 mod bound: draws too many at the bottom
  std::uint64_t draw = next();
  while (draw < uneven) draw = next();
  return draw % bound;
}

std::vector<std::int64_t> choose(std::uint64_t seed, std::int64_t n, std::int64_t count) {
  if (n < 0 || count < 0 || count > n) {
    throw Error("choose: expected 0 <= count <= n, found " + std::to_string(count) + " of " +
                std::to_string(n));
  }
  Philox random(seed);
  std::unordered_map<std::int64_t, std::int64_t> moved;  // what stands at a place, if not itself
  const auto standing = [&](std::int64_t place) {
    const auto found = moved.find(place);
    return found == moved.end() ? place : found->second;
  };
  std::vector<std::int64_t> chosen;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto other =
        i + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n - i)));
    chosen.push_back(standing(other));
    moved[other] = standing(i);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace moebius::tasks
