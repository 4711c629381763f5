#include "deepbio/io/tables/bigwig.h"

#include <cstring>

#include "catch.h"
#include "io/tables/bigwig_bytes.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::vector<float> values_of(const std::string& content, int64_t chromosome, int64_t start,
                             int64_t end) {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.bw", content);
  const auto track = open_track(folder / "a.bw");
  CATCH_REQUIRE(track->chromosomes() == std::vector<std::string>{"a", "bb"});
  std::vector<float> out(static_cast<size_t>(end - start), -1);
  track->fill(chromosome, start, end, out.data());
  std::vector<float> held(out.size(), -1);
  open_track(folder / "a.bw", true)->fill(chromosome, start, end, held.data());
  CATCH_REQUIRE(held == out);
  return out;
}

using Values = std::vector<float>;

}  // namespace

CATCH_TEST_CASE("a bigWig written by hand gives the values of its three kinds of blocks",
                "[bigwig]") {
  const Values a = {-1, -1, 1, 1, 1, -1, 3, 3, 3, -1, 10, 10, -1, 13, 13, -1};
  for (const bool is_deflated : {false, true}) {
    const std::string content = test::bigwig_by_hand(is_deflated);
    for (int64_t start = 0; start <= 16; ++start) {
      for (int64_t end = start; end <= 16; ++end)
        CATCH_REQUIRE(values_of(content, 0, start, end) ==
                      Values(a.begin() + start, a.begin() + end));
    }
    CATCH_CHECK(values_of(content, 1, 0, 12) ==
                Values{-1, 7, -1, -1, -1, 8, -1, -1, -1, 9, -1, -1});
  }
}

CATCH_TEST_CASE("a bigWig that is cut or changed is an error, or gives the same values",
                "[bigwig]") {
  test::TemporaryFolder folder;
  const std::string whole = test::bigwig_by_hand(true), path = folder / "a.bw";
  const Values sound = values_of(whole, 0, 0, 20);
  const auto read = [&](const std::string& content) {
    test::write_text(path, content);
    Values out(20, -1);
    open_bigwig(path)->fill(0, 0, 20, out.data());
    return out;
  };
  for (size_t size = 1; size < whole.size(); ++size)
    CATCH_REQUIRE_THROWS_AS(read(whole.substr(0, size)), ParseError);
  // Every bit of the blocks: their check sums tell.
  const size_t first = whole.find('\x78', 124), last = whole.find("\xE0\xAC\x68\x24");
  CATCH_REQUIRE(last > first + 60);
  int64_t num_refused = 0;
  for (size_t bit = 8 * first; bit < 8 * last; ++bit) {
    std::string changed = whole;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    Values found;
    try {
      found = read(changed);
    } catch (const ParseError&) {
      ++num_refused;
      continue;
    }
    CATCH_REQUIRE(found == sound);
  }
  CATCH_CHECK(num_refused > 100);
}

CATCH_TEST_CASE("an index whose nodes lead to each other over and over is an error at once",
                "[bigwig]") {
  test::TemporaryFolder folder;
  std::string content = test::bigwig_by_hand(false);
  // Eight levels of 40 ways each to the next level, and no block at the end of them.
  const size_t index = content.find("\xE0\xAC\x68\x24"), first = index + 48;
  constexpr int kWays = 40, kLevels = 8;
  constexpr size_t kNodeBytes = 4 + kWays * 24;
  content.resize(first);
  for (uint64_t level = 1; level <= kLevels; ++level) {
    content += std::string("\0\0", 2) + static_cast<char>(kWays) + '\0';
    for (int way = 0; way < kWays; ++way) {
      content.append(16, '\0');
      test::append(content, uint64_t{first + level * kNodeBytes});
    }
  }
  content += std::string("\1\0\0\0", 4);
  test::append(content, 0x888FFC26U);
  test::write_text(folder / "a.bw", content);
  CATCH_CHECK_THROWS_WITH(open_bigwig(folder / "a.bw"),
                          Catch::Contains("expected a tree whose nodes are reached once"));
}
