#include "deepbio/io/bytes/zstd.h"

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/io/reads/fastx_file.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

const std::string kText = "ACGTACGTACGTACGT" + std::string(24, 'T') + "GGGGA";
// What `zstd --check` writes of it.
const std::string kFrame(
    "\x28\xb5\x2f\xfd\x24\x2d\x8d\x00\x00\x48\x41\x43\x47\x54\x47\x47\x47\x47\x41\x02\x00\x00\x04"
    "\x73"
    "\x8e\x08\x8c\xd0\x04\xac",
    30);
// A frame for others: four bytes that are passed over.
const std::string kSkipped("\x50\x2a\x4d\x18\x04\x00\x00\x00more", 12);

std::string text_of(const std::string& bytes, size_t piece = 7, int num_threads = 1) {
  const test::TemporaryFolder folder;
  test::write_text(folder / "f.zst", bytes);
  const auto source = open_bytes(folder / "f.zst", {.num_threads = num_threads});
  CATCH_REQUIRE(source->container() == Container::kZstd);
  std::string out, part(piece, '\0');
  while (const size_t got = source->read(part.data(), part.size())) out.append(part, 0, got);
  CATCH_REQUIRE(source->file_offset_bytes() == static_cast<int64_t>(bytes.size()));
  return out;
}

std::string failure_of(const std::string& bytes) {
  try {
    text_of(bytes);
  } catch (const ParseError& error) {
    CATCH_REQUIRE(error.kind() == ErrorKind::kContainer);
    return error.what();
  }
  return "";
}

bool is_missing() {
  if (!has_zstd_library()) CATCH_WARN("no libzstd in this build");
  return !has_zstd_library();
}

}  // namespace

CATCH_TEST_CASE("frames of zstd come out as one text, in pieces of any size", "[zstd]") {
  if (is_missing()) return;
  for (const size_t piece : {1, 7, 1000}) {
    CATCH_REQUIRE(text_of(kFrame, piece) == kText);
    CATCH_REQUIRE(text_of(kFrame + kSkipped + kFrame, piece) == kText + kText);
    CATCH_REQUIRE(text_of(kFrame + kFrame, piece, 2) == kText + kText);
  }
}

CATCH_TEST_CASE("a cut and a flipped bit of zstd are errors", "[zstd]") {
  if (is_missing()) return;
  for (size_t size = 4; size < kFrame.size(); ++size)
    CATCH_REQUIRE_THAT(failure_of(kFrame.substr(0, size)),
                       Catch::Contains("expected the rest of a zstd frame"));
  for (size_t i = 4; i < kFrame.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = kFrame;
      bytes[i] = static_cast<char>(bytes[i] ^ 1 << bit);
      CATCH_CAPTURE(i, bit);
      if (failure_of(bytes).empty()) CATCH_REQUIRE(text_of(bytes) == kText);  // an unused bit
    }
  }
  CATCH_REQUIRE_THAT(failure_of(kFrame + "text"), Catch::Contains("expected zstd data"));
}

CATCH_TEST_CASE("reads in zstd are read, but not at random", "[zstd]") {
  if (is_missing()) return;
  const test::TemporaryFolder folder;
  // >r and 4 letters, as `zstd` writes them: one block of bytes as they are, without a check sum.
  const std::string record = ">r\nACGT\n";
  test::write_text(folder / "r.fa.zst",
                   std::string("\x28\xb5\x2f\xfd\x20\x08\x41\x00\x00", 9) + record);
  FastxReader reader(folder / "r.fa.zst");
  RecordView view;
  CATCH_REQUIRE(reader.next(view));
  CATCH_REQUIRE(view.sequence == "ACGT");
  CATCH_REQUIRE_FALSE(reader.next(view));
  CATCH_REQUIRE_THROWS_WITH(FastxFile(folder / "r.fa.zst"),
                            Catch::Contains("for random access, got zstd data; recompress it"));
}
