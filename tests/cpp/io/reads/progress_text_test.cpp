#include "deepbio/io/reads/progress_text.h"

#include <filesystem>
#include <fstream>

#include "catch.h"

namespace deepbio::io {
namespace {

CATCH_TEST_CASE("progress is told in records, bytes and time that is left", "[fastx]") {
  const auto path = std::filesystem::temp_directory_path() / "progress_text_test.fasta";
  {
    std::ofstream file(path);
    for (int i = 0; i < 20'000; ++i) file << ">record\nACGTACGTAC\n";  // 19 bytes each
  }
  FastxReader reader(path.string());
  RecordView record;
  for (int i = 0; i < 20'000; ++i) CATCH_REQUIRE(reader.next(record));
  CATCH_REQUIRE(reader.file_offset_bytes() == 380'000);
  const std::string rates = "0.02 M records  0.04 M records/s  1 MB/s";
  CATCH_REQUIRE(progress_text(reader, -1, 0.5) == rates);
  CATCH_REQUIRE(progress_text(reader, 380'000, 0.5) == rates + "  0:00 left");
  CATCH_REQUIRE(progress_text(reader, 380'000 * 151, 0.5) == rates + "  1:15 left");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace deepbio::io
