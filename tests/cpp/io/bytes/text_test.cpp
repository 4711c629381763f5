#include "deepbio/io/bytes/text.h"

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/io/tables/biom.h"
#include "deepbio/io/tables/matrix.h"
#include "deepbio/io/tables/metadata.h"
#include "deepbio/io/tables/newick.h"

using namespace deepbio;
using namespace deepbio::io;

CATCH_TEST_CASE("UTF-8 is told from other bytes as Python's decoder does", "[text]") {
  for (const char* good :
       {"", "abc", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "12345678\xC3\xBC"}) {
    CATCH_CAPTURE(good);
    CATCH_REQUIRE(find_foreign_byte(good) == std::string_view::npos);
  }
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2x", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    CATCH_CAPTURE(bad);
    CATCH_REQUIRE(find_foreign_byte(bad) == 0);
    CATCH_REQUIRE(find_foreign_byte("a long line of plain text " + std::string(bad)) == 26);
  }
}

CATCH_TEST_CASE("every reader of text refuses Latin-1 and UTF-16 with path, line and the way out",
                "[text]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "x.txt";
  const auto refused = [&](const std::string& bytes, int64_t line, const char* said) {
    CATCH_CAPTURE(bytes);
    test::write_text(path, bytes);
    const std::function<void()> readers[] = {
        [&] { read_table(path); }, [&] { read_metadata(path); }, [&] { read_newick(path); },
        [&] { read_distances(path); }};
    for (const auto& read : readers) {
      try {
        read();
        CATCH_FAIL("no error");
      } catch (const ParseError& error) {
        CATCH_REQUIRE(error.place().line == line);
        CATCH_REQUIRE(error.place().path == path);
        CATCH_REQUIRE_THAT(error.what(), Catch::Contains("UTF-8") && Catch::Contains(said));
      }
    }
  };
  refused(
      "#OTU ID\t\xD6"
      "ch1\tS2\notu1\t10\t2\n",
      1, "Latin-1");
  refused("id\tx\na\tM\xFCller\n", 2, "iconv -f WINDOWS-1252");
  refused(std::string("\xFF\xFE#\0O\0", 6), 1, "UTF-16");
  refused(std::string("\xFE\xFF\0#\0O", 6), 1, "UTF-16");
  refused(std::string("(\0a\0:\0001\0)\0;\0", 12), 1, "UTF-16");
  refused(std::string("(a:1,b\0c:2);", 12), 1, "zero byte");
}

CATCH_TEST_CASE("HDF5 and NumPy files are not called text of another encoding", "[text]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "x";
  for (const auto& [bytes, said] :
       {std::pair<std::string, std::string>{"\x89HDF\r\n\x1a\n", "an HDF5 file"},
        {"\x93NUMPY\x01", "an array of NumPy"}}) {
    test::write_text(path, bytes);
    CATCH_CHECK_THROWS_WITH(read_metadata(path), Catch::Contains("UTF-8, got " + said));
    CATCH_CHECK_THROWS_WITH(read_newick(path), Catch::Contains("UTF-8, got " + said));
  }
}

CATCH_TEST_CASE("ids of binary files are held to the same rule", "[text]") {
  const test::TemporaryFolder folder;
  CATCH_REQUIRE_THROWS_AS(write_biom(folder / "t.biom", {{"\xD6"
                                                          "ch1"},
                                                         {"a"},
                                                         {0, 1},
                                                         {0},
                                                         {1}}),
                          Error);
  CATCH_REQUIRE_THROWS_AS(write_distances(folder / "d.h5", {{"a", "\xFF"}, {0, 1, 1, 0}, 2}),
                          ArgumentError);
  const std::string json =
      "{\"rows\":[{\"id\":\"\xFF\"}],\"columns\":[{\"id\":\"s\"}],\"data\":[[0,0,1]],\"shape\":[1,"
      "1]}";
  test::write_text(folder / "t.json", json);
  CATCH_REQUIRE_THROWS_AS(read_table(folder / "t.json"), ParseError);
}

CATCH_TEST_CASE("a line end is LF, CR LF or CR alone", "[text]") {
  std::string text = "a\rb\r\nc\nd\r";
  end_lines_with_newline(text);
  CATCH_REQUIRE(text == "a\nb\r\nc\nd\n");
  CATCH_REQUIRE(line_of("a\rb\r\nc\nd", 2) == 2);
  CATCH_REQUIRE(line_of("a\rb\r\nc\nd", 5) == 3);
  CATCH_REQUIRE(line_of("a\rb\r\nc\nd", 99) == 4);
}

CATCH_TEST_CASE("numbers are shown so that they read back as they are", "[text]") {
  CATCH_REQUIRE(number_text(1e-17) == "1e-17");
  CATCH_REQUIRE(number_text(-3.2e-9) == "-3.2e-09");
  CATCH_REQUIRE(number_text(2) == "2");
}
