#include "deepbio/io/tables/matrix_text.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

const std::vector<std::string> kIds{"S1", "S2", "S3"};
const std::vector<double> kValues{0, 0.5, 1, 0.5, 0, 0.25, 1, 0.25, 0};

void require_read(const std::string& text) {
  CATCH_CAPTURE(text);
  const DistanceMatrix matrix = parse_distances(text, "d.txt");
  CATCH_REQUIRE(matrix.ids == kIds);
  CATCH_REQUIRE(matrix.values == kValues);
  CATCH_REQUIRE(matrix.num_rows == 3);
}

void require_refused(const std::string& text, const std::string& said) {
  CATCH_CAPTURE(text);
  CATCH_REQUIRE_THROWS_WITH(parse_distances(text, "d.txt"), Catch::Contains(said));
}

}  // namespace

CATCH_TEST_CASE("tables of distances are read as R, spreadsheets and scikit-bio write them",
                "[matrix_text]") {
  const std::string rows = "S1\t0\t0.5\t1\nS2\t0.5\t0\t0.25\nS3\t1\t0.25\t0\n";
  require_read("\tS1\tS2\tS3\n" + rows);
  require_read("\xEF\xBB\xBF\tS1\tS2\tS3\r\n\r\n" + rows);
  require_read("# made by x\n\tS1\tS2\tS3\n" + rows);
  require_read("#id\tS1\tS2\tS3\n" + rows);
  require_read("sample\tS1\tS2\tS3\n" + rows);
  require_read("S1\tS2\tS3\n" + rows);  // write.table
  require_read(
      "\"S1\"\t\"S2\"\t\"S3\"\n\"S1\"\t0\t0.5\t1\n\"S2\"\t0.5\t0\t0.25\n\"S3\"\t1\t0.25\t0\n");
  require_read("\"\",\"S1\",\"S2\",\"S3\"\n\"S1\",0,0.5,1\n\"S2\",0.5,0,0.25\n\"S3\",1,0.25,0\n");
  require_read(";S1;S2;S3\nS1;0;0.5;1\nS2;0.5;0;0.25\nS3;1;0.25;0");
  require_read("\tS1\tS2\tS3\rS1\t0\t0.5\t1\rS2\t0.5\t0\t0.25\rS3\t1\t0.25\t0");
}

CATCH_TEST_CASE(
    "PHYLIP matrices are read square and as lower triangles, with and without the diagonal",
    "[matrix_text]") {
  require_read("3\nS1 0 0.5 1\nS2 0.5 0 0.25\nS3 1 0.25 0\n");
  require_read("    3\nS1        0.0000  0.5  1\nS2\t0.5\t0\t0.25\nS3  1 .25 0\n");
  require_read("3\nS1\nS2\t0.5\nS3\t1\t0.25\n");
  require_read("3\nS1\t0\nS2\t0.5\t0\nS3\t1\t0.25\t0\n");
  require_refused("3\nS1 0 0.5 1\nS2 0.5 0 0.25\n", "3 rows");
  require_refused("3\nS1 0 0.5 1\nS2 0.5 0\nS3 1 0.25 0\n", "line 3");
  require_refused("3\nS1 \n      \nS3 1 0.25\n",
                  "line 3: expected an id and distances (PHYLIP), got a line of blanks");
}

CATCH_TEST_CASE("mothur's columns are read when every pair is there", "[matrix_text]") {
  require_read("S1\tS2\t0.5\nS1\tS3\t1\nS2\tS3\t0.25\n");
  require_read("S1 S2 0.5\nS3 S1 1\nS3 S2 0.25\nS2 S1 0.5\n");
  require_refused("S1\tS2\t0.5\nS2\tS3\t0.25\n", "none for 'S1' and 'S3'");
  require_refused("S1\tS2\t0.5\nS1\tS3\t1\nS2\tS3\n", "line 3");
}

CATCH_TEST_CASE("a matrix of one sample whose id is a number is no PHYLIP", "[matrix_text]") {
  const DistanceMatrix matrix = parse_distances("\t5\n5\t0\n", "d.txt");
  CATCH_REQUIRE(matrix.ids == std::vector<std::string>{"5"});
  CATCH_REQUIRE(matrix.values == std::vector<double>{0});
}

CATCH_TEST_CASE("faulty tables of distances are refused with the line", "[matrix_text]") {
  require_refused("", "empty file");
  require_refused("# only a comment\n", "no header");
  require_refused("\tS1\tS2\nS1\t0\t1\n", "2 rows");
  require_refused("\tS1\tS2\nS1\t0\t1\nS2\t1\n", "line 3");
  require_refused("\tS1\tS2\nS1 \t0\t1\nS2\t1\t0\n", "got 'S1 '");
  require_refused("\tS1\tS2\nS1\t0\tone\nS2\t1\t0\n", "'one'");
  require_refused(",S1,S2\nS1,0,1\n\"S2,1,0\n", "quote");
}
