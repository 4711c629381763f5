#include "deepbio/io/bytes/inflate.h"

#include <algorithm>
#include <random>
#include <set>

#include "catch.h"
#include "io/bytes/chosen_inflate.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::string noisy_text(size_t size) {
  std::mt19937 random(5);
  std::string out;
  while (out.size() < size) out += "ACGT"[random() % 4];
  return out;
}

// The deflate data of a gzip member without its header and trailer.
std::string deflated(const std::string& text) {
  const std::string member = test::gzip_text(text);
  return member.substr(10, member.size() - 18);
}

}  // namespace

CATCH_TEST_CASE(
    "every library that streams gives the text, in pieces of any size, and uses no byte behind it",
    "[inflate]") {
  const std::string text = noisy_text(5000), data = deflated(text) + "0123456789abcdef";
  for (const InflateLibrary library : inflate_libraries()) {
    if (library == InflateLibrary::kLibdeflate) continue;
    const auto inflater = make_inflater(library);
    for (const size_t in_bytes : {size_t{17}, size_t{1000}, data.size()}) {
      for (const size_t out_bytes : {size_t{1}, size_t{13}, size_t{70000}}) {
        inflater->reset();
        std::string out;
        size_t at = 0;
        Inflater::Step step;
        std::string piece(out_bytes, '\0');
        while (!step.is_end) {
          step =
              inflater->run(std::string_view(data).substr(at, in_bytes), piece.data(), out_bytes);
          at += step.used;
          out.append(piece, 0, step.made);
          CATCH_REQUIRE(step.failure == nullptr);
        }
        CATCH_REQUIRE(out == text);
        CATCH_REQUIRE(data.substr(at) == "0123456789abcdef");
      }
    }
    CATCH_REQUIRE(
        inflater->crc32(0, text.data(), text.size()) ==
        crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
  }
}

CATCH_TEST_CASE("a search for blocks gives the same text and finds only places where zlib sees one",
                "[inflate]") {
  const std::string text = noisy_text(1 << 20), data = deflated(text);
  std::set<int64_t> all;
  for (const InflateLibrary library : inflate_libraries()) {
    if (library == InflateLibrary::kLibdeflate) continue;
    for (const size_t in_bytes : {size_t{17}, size_t{1000}, data.size()}) {
      const auto inflater = make_inflater(library);
      std::set<int64_t> found;
      std::string out, piece(50000, '\0');
      size_t at = 0;
      Inflater::Step step;
      while (!step.is_end) {
        step = inflater->run_to_block(std::string_view(data).substr(at, in_bytes), piece.data(),
                                      piece.size());
        at += step.used;
        out.append(piece, 0, step.made);
        CATCH_REQUIRE(step.failure == nullptr);
        if (step.block_bits >= 0) found.insert(8 * static_cast<int64_t>(at) - step.block_bits);
      }
      CATCH_REQUIRE((out == text));
      CATCH_REQUIRE(at == data.size());
      if (library == InflateLibrary::kZlib) all = found;
      all.insert(0);  // zlib is silent on the first
      CATCH_CAPTURE(to_string(library), in_bytes, found.size(), all.size());
      CATCH_REQUIRE(all.size() > 10);
      CATCH_REQUIRE(std::includes(all.begin(), all.end(), found.begin(), found.end()));
      CATCH_REQUIRE(found.size() + 3 >= all.size());  // isal may miss some
    }
  }
}

CATCH_TEST_CASE("a library that is unknown is refused with those that are built in", "[inflate]") {
  ::setenv("DEEPBIO_INFLATE", "lzma", 1);
  CATCH_REQUIRE_THROWS_WITH(choose_inflate(), Catch::Contains("zlib") && Catch::Contains("'lzma'"));
  ::setenv("DEEPBIO_INFLATE", "", 1);
  CATCH_REQUIRE_NOTHROW(choose_inflate());
  const test::ChosenInflate chosen(InflateLibrary::kZlib);
  CATCH_REQUIRE(choose_inflate().stream == InflateLibrary::kZlib);
  CATCH_REQUIRE_FALSE(choose_inflate().has_blocks);
}

CATCH_TEST_CASE("a whole block is taken only when all of it is as announced", "[inflate]") {
  ::setenv("DEEPBIO_INFLATE", "", 1);
  if (!choose_inflate().has_blocks) return;
  const std::string text = noisy_text(900), data = deflated(text);
  const auto crc = static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
  BlockInflater inflater;
  std::string out(text.size(), '\0');
  CATCH_REQUIRE(inflater.run(data, out.data(), text.size(), crc));
  CATCH_REQUIRE(out == text);
  CATCH_REQUIRE_FALSE(inflater.run(data, out.data(), text.size(), crc + 1));
  CATCH_REQUIRE_FALSE(inflater.run(data, out.data(), text.size() - 1, crc));
  CATCH_REQUIRE_FALSE(inflater.run(data + "x", out.data(), text.size(), crc));
  CATCH_REQUIRE_FALSE(inflater.run(data.substr(1), out.data(), text.size(), crc));
}
