#include "deepbio/io/bytes/output_folder.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

size_t num_entries(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

CATCH_TEST_CASE("A folder that is not committed leaves nothing behind, and the old one as it was",
                "[output_folder]") {
  test::TemporaryFolder place;
  std::filesystem::create_directory(place / "out");
  test::write_text(place / "out/old.txt", "old");
  {
    OutputFolder folder(place / "out");
    test::write_text(folder / "new.txt", "new");
    CATCH_REQUIRE(num_entries(place.path()) == 2);
  }
  CATCH_REQUIRE(num_entries(place.path()) == 1);
  CATCH_REQUIRE(test::read_text(place / "out/old.txt") == "old");
}

CATCH_TEST_CASE("A committed folder takes the place of an old, an empty or no folder",
                "[output_folder]") {
  test::TemporaryFolder place;
  std::filesystem::create_directory(place / "old");
  std::filesystem::create_directory(place / "empty");
  test::write_text(place / "old/old.txt", "old");
  for (const char* name : {"old", "empty", "none"}) {
    OutputFolder folder(place / name);
    test::write_text(folder / "new.txt", name);
    folder.commit();
    CATCH_REQUIRE(test::read_text(place / (std::string(name) + "/new.txt")) == name);
    CATCH_REQUIRE(num_entries(place / name) == 1);
  }
  CATCH_REQUIRE(num_entries(place.path()) == 3);
}

CATCH_TEST_CASE("A place whose parent is missing is refused with its name", "[output_folder]") {
  test::TemporaryFolder place;
  CATCH_REQUIRE_THROWS_AS(OutputFolder(place / "none/out"), WriteError);
  CATCH_REQUIRE_THROWS_WITH(OutputFolder(place / "none/out"), Catch::Contains("none/out"));
}
