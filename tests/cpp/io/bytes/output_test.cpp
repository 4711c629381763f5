#include "deepbio/io/bytes/output.h"

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bytes.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

size_t num_files(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

CATCH_TEST_CASE("a file that is not committed leaves nothing behind, and the old one as it was",
                "[output]") {
  test::TemporaryFolder folder;
  {
    OutputFile file(folder / "new.txt");
    file.write(std::string(1 << 20, 'x'));
    CATCH_REQUIRE_FALSE(std::filesystem::exists(folder / "new.txt"));
  }
  CATCH_REQUIRE(num_files(folder.path()) == 0);
  test::write_text(folder / "old.txt", "old");
  { OutputFile(folder / "old.txt").write("new"); }
  CATCH_REQUIRE(test::read_text(folder / "old.txt") == "old");
  CATCH_REQUIRE(num_files(folder.path()) == 1);
}

CATCH_TEST_CASE("a committed file holds all pieces in order, and nothing else is left",
                "[output]") {
  test::TemporaryFolder folder;
  std::string whole;
  for (const Compression compression : {Compression::kNone, Compression::kGzip}) {
    const std::string path = folder / (compression == Compression::kGzip ? "b" : "a");
    whole.clear();
    OutputFile file(path, Overwrite::kRefuse, compression);
    for (size_t size : {0u, 1u, 1000u, 131071u, 131072u, 400000u, 3u}) {
      const std::string piece(size, static_cast<char>('a' + size % 26));
      whole += piece;
      file.write(piece);
    }
    file.commit();
    CATCH_REQUIRE(read_all(path) == whole);
    CATCH_REQUIRE_THROWS_AS(file.write("more"), WriteError);
    CATCH_REQUIRE_THROWS_AS(file.commit(), WriteError);
  }
  CATCH_REQUIRE(test::read_text(folder / "a") == whole);
  CATCH_REQUIRE(test::read_text(folder / "b").substr(0, 2) == "\x1f\x8b");
  CATCH_REQUIRE(num_files(folder.path()) == 2);
}

CATCH_TEST_CASE("an existing file is refused or replaced as asked", "[output]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "file", "old");
  CATCH_REQUIRE_THROWS_AS(write_file(folder / "file", "new", Overwrite::kRefuse), WriteError);
  CATCH_REQUIRE_THROWS_AS(refuse_existing(folder / "file", Overwrite::kRefuse), WriteError);
  CATCH_REQUIRE(test::read_text(folder / "file") == "old");
  write_file(folder / "file", "new", Overwrite::kAllow);
  CATCH_REQUIRE(test::read_text(folder / "file") == "new");
  CATCH_REQUIRE(num_files(folder.path()) == 1);
}

CATCH_TEST_CASE("a file that appears while another is written is not replaced when that is refused",
                "[output]") {
  test::TemporaryFolder folder;
  {
    OutputFile file(folder / "file", Overwrite::kRefuse);
    file.write("mine");
    test::write_text(folder / "file", "theirs");
    CATCH_REQUIRE_THROWS_AS(file.commit(), WriteError);
  }
  CATCH_REQUIRE(test::read_text(folder / "file") == "theirs");
  CATCH_REQUIRE(num_files(folder.path()) == 1);
}

CATCH_TEST_CASE("a missing folder and a folder as the output are errors that name the path",
                "[output]") {
  test::TemporaryFolder folder;
  const std::string path = folder / "absent/file";
  try {
    write_file(path, "x");
    CATCH_FAIL("no error");
  } catch (const WriteError& error) {
    CATCH_REQUIRE(std::string(error.what()).find(path) != std::string::npos);
  }
  CATCH_REQUIRE_FALSE(std::filesystem::exists(folder / "absent"));
  CATCH_REQUIRE_THROWS_AS(write_file(folder.path(), "x"), WriteError);
}

CATCH_TEST_CASE("a device is written straight through and a full one is an error", "[output]") {
  write_file("/dev/null", "x", Overwrite::kRefuse);
  CATCH_REQUIRE(std::filesystem::is_character_file("/dev/null"));
  if (std::filesystem::exists("/dev/full"))
    CATCH_REQUIRE_THROWS_AS(write_file("/dev/full", "x"), WriteError);
}

CATCH_TEST_CASE(
    "a temporary name stands in the same folder, differs each time and can be made final",
    "[output]") {
  test::TemporaryFolder folder;
  const std::string path = folder / "file", temporary = temporary_name(path);
  CATCH_REQUIRE(std::filesystem::path(temporary).parent_path() == folder.path());
  CATCH_REQUIRE(temporary != temporary_name(path));
  test::write_text(temporary, "content");
  commit_temporary(temporary, path);
  CATCH_REQUIRE(test::read_text(path) == "content");
  CATCH_REQUIRE(num_files(folder.path()) == 1);
}
