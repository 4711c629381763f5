// A bigWig written by hand from the description of its format, so that the reader is not tested
// against itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <zlib.h>

namespace deepbio::test {

template <class Number>
void append(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

struct BigWigBlock {
  uint32_t chromosome, start, end, step, span;
  uint8_t type;
  uint16_t count;
  std::string items;
};

inline std::string bytes_of(const BigWigBlock& block) {
  std::string out;
  for (const uint32_t field : {block.chromosome, block.start, block.end, block.step, block.span})
    append(out, field);
  append(out, block.type);
  append(out, uint8_t{0});
  append(out, block.count);
  return out + block.items;
}

inline std::string deflated(const std::string& text) {
  uLongf size = compressBound(text.size());
  std::string out(size, '\0');
  compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(text.data()),
           text.size());
  out.resize(size);
  return out;
}

// Chromosomes "a" (number 0) and "bb" (1), three blocks, one of each type, laid out after the
// format's paper.
inline std::string bigwig_by_hand(bool is_deflated) {
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
  const std::vector<BigWigBlock> blocks = {{0, 2, 9, 0, 0, 1, 2, intervals},
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
  for (const BigWigBlock& block : blocks) {
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

}  // namespace deepbio::test
