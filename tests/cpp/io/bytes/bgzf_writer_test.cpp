#include "deepbio/io/bytes/bgzf_writer.h"

#include "catch.h"

#include "deepbio/io/bytes/bgzf.h"
#include "deepbio/io/bytes/bytes.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::string numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i * i) + "\n";
  return text;
}

}  // namespace

CATCH_TEST_CASE("what is written is BGZF of several blocks that reads back, at every level",
                "[bgzf_writer]") {
  const test::TemporaryFolder folder;
  const std::string text = numbers(40000);
  for (const int level : {0, 1, 6, 9}) {
    std::string out;
    BgzfWriter writer([&out](std::string_view bytes) { out += bytes; }, level);
    for (size_t at = 0; at < text.size(); at += 777)
      writer.write(std::string_view(text).substr(at, 777));
    writer.finish();
    test::write_text(folder / "out.gz", out);
    CATCH_REQUIRE((read_all(folder / "out.gz") == text));
    size_t num_blocks = 0;
    for (size_t at = 0; at < out.size(); ++num_blocks) {
      const size_t size = bgzf_block_bytes(std::string_view(out).substr(at));
      CATCH_REQUIRE(size > 0);
      at += size;
    }
    CATCH_REQUIRE(num_blocks >= text.size() / 65536 + 2);
    CATCH_REQUIRE(bgzf_block_bytes(std::string_view(out).substr(out.size() - 28)) ==
                  28);  // the block that ends it
  }
}

CATCH_TEST_CASE("a virtual offset names the block and the place inside", "[bgzf_writer]") {
  std::string out;
  BgzfWriter writer([&out](std::string_view bytes) { out += bytes; }, 6);
  CATCH_REQUIRE(writer.virtual_offset() == 0);
  writer.write("abc");
  CATCH_REQUIRE(writer.virtual_offset() == 3);
  writer.write(std::string(70000, 'x'));
  CATCH_REQUIRE(writer.virtual_offset() >> 16 == bgzf_block_bytes(out));
  writer.finish();
  CATCH_REQUIRE(writer.block_index().size() % 16 == 8);
}
