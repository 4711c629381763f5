#include "deepbio/io/tables/hdf5_layout.h"

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/io/tables/hdf5.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::string number(uint64_t value, size_t size) {
  std::string out;
  for (size_t k = 0; k < size; ++k) out += static_cast<char>(value >> (8 * k));
  return out;
}

// A layout in chunks as version 3 writes it, the bytes of an element last.
std::string chunks(const std::vector<uint64_t>& extents) {
  std::string out = number(3, 1) + number(2, 1) + number(extents.size(), 1) + number(64, 8);
  for (const uint64_t extent : extents) out += number(extent, 4);
  return out;
}

std::string message(uint64_t type, const std::string& body) {
  return number(type, 2) + number(body.size(), 2) + number(0, 4) + body;
}

std::string header(const std::string& messages) {
  return number(1, 2) + number(1, 2) + number(1, 4) + number(messages.size(), 8) + messages;
}

}  // namespace

CATCH_TEST_CASE("a chunk without extent, or of other axes, is seen in an object header",
                "[hdf5_layout]") {
  const std::string plane = message(1, number(1, 1) + number(2, 1));
  CATCH_REQUIRE(chunks_have_extents(header(plane + message(8, chunks({6, 2, 8}))), 0));
  CATCH_REQUIRE_FALSE(chunks_have_extents(header(plane + message(8, chunks({6, 0, 8}))), 0));
  CATCH_REQUIRE_FALSE(chunks_have_extents(header(plane + message(8, chunks({6, 8}))), 0));
  CATCH_REQUIRE(chunks_have_extents(header(plane), 0));

  // Version 4 of the layout, two bytes for an extent.
  const auto later = [&](uint64_t extent) {
    const std::string begin =
        number(4, 1) + number(2, 1) + number(0, 1) + number(3, 1) + number(2, 1);
    return message(8, begin + number(6, 2) + number(extent, 2) + number(8, 2));
  };
  CATCH_REQUIRE(chunks_have_extents(header(plane + later(2)), 0));
  CATCH_REQUIRE_FALSE(chunks_have_extents(header(plane + later(0)), 0));
}

CATCH_TEST_CASE("messages of the second version and in blocks elsewhere are found",
                "[hdf5_layout]") {
  const auto second = [](uint64_t type, const std::string& body) {
    return number(type, 1) + number(body.size(), 2) + number(0, 1) + body;
  };
  for (const uint64_t extent : {0, 5}) {
    const std::string block = "OCHK" + second(8, chunks({extent, 8})) + "SUMS";
    const std::string begin = "OHDR" + number(2, 1) + number(0, 1) + number(20, 1);
    const std::string file =
        begin + second(16, number(begin.size() + 24, 8) + number(block.size(), 8)) + "SUMS" + block;
    CATCH_REQUIRE(chunks_have_extents(file, 0) == (extent != 0));
  }
  // A block that goes on in itself.
  CATCH_REQUIRE(chunks_have_extents(header(message(16, number(16, 8) + number(24, 8))), 0));
  for (size_t size = 0; size < 40; ++size) {
    CATCH_REQUIRE(chunks_have_extents(header(message(16, chunks({1, 2}))).substr(0, size), 0));
  }
}

CATCH_TEST_CASE("a matrix in which any byte is 0 is read or refused", "[hdf5_layout]") {
  const test::TemporaryFolder folder;
  Hdf5Writer writer(folder / "d.h5");
  writer.doubles("matrix", std::vector<double>(36, 1.5), {6, 6});
  writer.close();
  const std::string good = test::read_text(folder / "d.h5");
  int64_t num_refused_for_chunks = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    if (good[at] == '\0') continue;
    std::string bytes = good;
    bytes[at] = '\0';
    try {
      Hdf5Reader("d.h5", bytes).doubles("matrix");
    } catch (const ParseError& error) {
      num_refused_for_chunks += error.expected().find("an extent along") != std::string::npos;
    }
  }
  CATCH_REQUIRE(num_refused_for_chunks >= 2);  // one for each axis
}
