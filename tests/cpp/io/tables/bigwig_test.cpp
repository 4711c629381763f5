#include "deepbio/io/tables/bigwig.h"

#include <cstring>

#include "catch.h"
#include <zlib.h>

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

template <class Number>
void append(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

struct Block {
  uint32_t chromosome, start, end, step, span;
  uint8_t type;
  uint16_t count;
  std::string items;
};

std::string bytes_of(const Block& block) {
  std::string out;
  for (const uint32_t field : {block.chromosome, block.start, block.end, block.step, block.span})
    append(out, field);
  append(out, block.type);
  append(out, uint8_t{0});
  append(out, block.count);
  return out + block.items;
}

std::string deflated(const std::string& text) {
  uLongf size = compressBound(text.size());
  std::string out(size, '\0');
  compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(text.data()),
           text.size());
  out.resize(size);
  return out;
}

// Chromosomes "a" (number 0) and "bb" (1), three blocks, one of each type, laid out after the
// format's paper.
std::string by_hand(bool is_deflated) {
  std::string intervals, places, steps;
  for (const uint32_t start : {2U, 6U}) {
    append(intervals, start);
    append(intervals, start + 3);
    append(intervals, static_cast<float>(start) / 2);
  }
  for (const uint32_t start : {10U, 13U}) {
    append(places, start);
    append(places, static_cast<float>(start));
  }
  for (const float value : {7.0F, 8.0F, 9.0F}) append(steps, value);
  const std::vector<Block> blocks = {{0, 2, 9, 0, 0, 1, 2, intervals},
                                     {0, 10, 15, 0, 2, 2, 2, places},
                                     {1, 1, 10, 4, 1, 3, 3, steps}};
  std::string out(64, '\0');
  const size_t names = out.size();
  append(out, 0x78CA8C91U);
  for (const uint32_t field : {2U, 2U, 8U}) append(out, field);
  append(out, uint64_t{2});
  append(out, uint64_t{0});
  out += std::string("\1\0\2\0", 4) + std::string("a\0", 2);
  append(out, 0U);
  append(out, 20U);
  out += "bb";
  append(out, 1U);
  append(out, 12U);
  const size_t data = out.size();
  append(out, uint64_t{blocks.size()});
  std::string leaves;
  for (const Block& block : blocks) {
    const std::string stored = is_deflated ? deflated(bytes_of(block)) : bytes_of(block);
    for (const uint32_t field : {block.chromosome, block.start, block.chromosome, block.end})
      append(leaves, field);
    append(leaves, uint64_t{out.size()});
    append(leaves, uint64_t{stored.size()});
    out += stored;
  }
  const size_t index = out.size();
  append(out, 0x2468ACE0U);
  append(out, 256U);
  append(out, uint64_t{3});
  for (int i = 0; i < 8; ++i) append(out, 0U);
  out += std::string("\1\0\3\0", 4) + leaves;
  append(out, 0x888FFC26U);

  std::string head;
  append(head, 0x888FFC26U);
  append(head, uint16_t{4});
  append(head, uint16_t{0});
  for (const size_t place : {names, data, index}) append(head, uint64_t{place});
  head += std::string(20, '\0');
  append(head, is_deflated ? 4096U : 0U);
  return head + out.substr(head.size());
}

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
    const std::string content = by_hand(is_deflated);
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
  const std::string whole = by_hand(true), path = folder / "a.bw";
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
