#include "deepbio/io/bytes/bgzf.h"

#include <optional>

#include "catch.h"
#include "io/bytes/chosen_inflate.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/base/error.h"
#include "deepbio/io/reads/fastx.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

struct Outcome {
  std::string bytes;
  std::optional<std::string> error;
  bool operator==(const Outcome&) const = default;
};

Outcome read_whole(const std::string& path, const OpenOptions& options) {
  Outcome out;
  try {
    const auto source = open_bytes(path, options);
    std::string piece(700, '\0');
    while (const size_t got = source->read(piece.data(), piece.size()))
      out.bytes.append(piece, 0, got);
  } catch (const ParseError& error) {
    out.error = error.what();
  }
  return out;
}

std::string reads(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "@r" + std::to_string(i) + "\nACGTTGCA\n+\nIIIIHHHH\n";
  return text;
}

}  // namespace

CATCH_TEST_CASE("any number of threads gives the bytes of one", "[bgzf]") {
  const test::TemporaryFolder folder;
  const std::string text = reads(60000);
  for (const size_t block_bytes : {size_t{777}, size_t{65280}}) {
    test::write_text(folder / "reads.gz", test::bgzf_text(text, block_bytes));
    for (const int threads : {1, 2, 3, 8}) {
      CATCH_REQUIRE(read_whole(folder / "reads.gz", {threads}) == Outcome{text, std::nullopt});
    }
  }
}

CATCH_TEST_CASE(
    "other members, empty blocks and padding between and behind the blocks are read as by one "
    "thread",
    "[bgzf]") {
  const test::TemporaryFolder folder;
  const std::string text = reads(300), blocks = test::bgzf_text(text, 500),
                    member = test::gzip_text(text);
  for (const std::string& bytes :
       {blocks + blocks, blocks + member, blocks + member + blocks, blocks + std::string(40, '\0'),
        blocks + "more", blocks.substr(0, 5000)}) {
    test::write_text(folder / "reads.gz", bytes);
    CATCH_REQUIRE(read_whole(folder / "reads.gz", {4}) == read_whole(folder / "reads.gz", {1}));
  }
}

CATCH_TEST_CASE("damage in any bit or a cut at any byte ends as with one thread, by every library",
                "[bgzf]") {
  const test::TemporaryFolder folder;
  const std::string text = reads(12), good = test::bgzf_text(text, 150);
  const auto check = [&folder](const std::string& bytes) {
    test::write_text(folder / "reads.gz", bytes);
    std::optional<Outcome> first;
    for (const InflateLibrary library : inflate_libraries()) {
      const test::ChosenInflate chosen(library);
      for (const int threads : {1, 2}) {
        const Outcome out = read_whole(folder / "reads.gz", {threads});
        if (!first) first = out;
        if (out.error.has_value() != first->error.has_value() ||
            (!out.error && out.bytes != first->bytes)) {
          CATCH_FAIL(to_string(library)
                     << ", " << threads << " threads: " << out.error.value_or("no error"));
        }
      }
    }
    return *first;
  };
  // Without its two magic bytes a file is plain text.
  for (size_t cut = 2; cut < good.size(); ++cut) {
    const Outcome out = check(good.substr(0, cut));
    // A file cut between two blocks is whole as gzip; the reader of the text sees what is missing.
    if (!out.error)
      CATCH_REQUIRE(
          (text.starts_with(out.bytes) && (out.bytes.size() % 150 == 0 || out.bytes == text)));
  }
  for (size_t bit = 16; bit < 8 * good.size(); ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    const Outcome out = check(bytes);
    if (!out.error) CATCH_REQUIRE((out.bytes == text));
  }
}

CATCH_TEST_CASE("a reader that is given up in the middle ends its threads", "[bgzf]") {
  const test::TemporaryFolder folder;
  test::write_text(folder / "reads.gz", test::bgzf_text(reads(60000), 65280));
  for (int i = 0; i < 20; ++i) {
    FastxReader reader(folder / "reads.gz", {.open = {4}});
    Record record;
    CATCH_REQUIRE(reader.next(record));
    CATCH_REQUIRE(record.name == "r0");
  }
}

CATCH_TEST_CASE("the size of a block comes from a header of the usual form only", "[bgzf]") {
  const std::string block = test::bgzf_text("ACGT", 100);
  const size_t size = bgzf_block_bytes(block);
  CATCH_REQUIRE(bgzf_block_bytes(block.substr(size)) == block.size() - size);
  CATCH_REQUIRE(bgzf_block_bytes(block.substr(0, 17)) == 0);
  CATCH_REQUIRE(bgzf_block_bytes(test::gzip_text("ACGT")) == 0);
}
