#include "deepbio/io/tables/biom_json.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

CountTable from_text(const std::string& text) { return read_biom_json(text, "table.biom"); }

std::string json_table(const std::string& members) {
  return R"({"rows":[{"id":"f0"},{"id":"f1"}],"columns":[{"id":"s0"},{"id":"s1"},{"id":"s2"}],)" +
         members + "}";
}

}  // namespace

CATCH_TEST_CASE("BIOM 1 tables are read sparse and dense, with numeric ids and missing keys",
                "[biom_json]") {
  const CountTable sparse =
      from_text(json_table(R"("matrix_type":"sparse","data":[[0,0,5],[1,2,2.5],[1,0,1]])"));
  CATCH_REQUIRE(sparse.indptr == std::vector<int64_t>{0, 2, 2, 3});
  CATCH_REQUIRE(sparse.values == std::vector<double>{5, 1, 2.5});
  const CountTable dense =
      from_text(json_table(R"("matrix_type":"dense","shape":[2,3],"data":[[5,0,0],[1,0,2.5]])"));
  CATCH_REQUIRE(dense.indptr == sparse.indptr);
  CATCH_REQUIRE(dense.indices == sparse.indices);
  CATCH_REQUIRE(dense.values == sparse.values);
  const CountTable numeric = from_text(R"(  {"data":[[0,0,1]],"columns":[{"id":2538.1}],)"
                                       R"("rows":[{"id":468,"metadata":{"a":{"b":[1]}}}]})");
  CATCH_REQUIRE(numeric.feature_ids == std::vector<std::string>{"468"});
  CATCH_REQUIRE(numeric.sample_ids == std::vector<std::string>{"2538.1"});
}

CATCH_TEST_CASE("faulty BIOM 1 tables are refused with the entry", "[biom_json]") {
  const auto refused = [](const std::string& members, const char* message) {
    CATCH_REQUIRE_THROWS_WITH(from_text(json_table(members)), Catch::Contains(message));
  };
  refused(R"("data":[[0,3,1]])", "data[0]");
  refused(R"("data":[[0,0,1],[0,1]])", "data[1]");
  refused(R"("data":[[0,0,"x"]])", "data[0]");
  refused(R"("data":[[0,0,1],[0,0,2]])", "each feature once");
  refused(R"("data":[[0,0,-1]])", "-1");
  refused(R"("shape":[3,3],"data":[])", "[3, 3]");
  refused(R"("matrix_type":"dense","data":[[1,2,3]])", "2 rows");
  refused(R"("matrix_type":"dense","data":[[1,2,3],[1,2]])", "data[1]");
  refused(R"("matrix_type":"other","data":[])", "other");
  CATCH_REQUIRE_THROWS_WITH(from_text(R"({"rows":[]})"), Catch::Contains("columns"));
  CATCH_REQUIRE_THROWS_AS(from_text("{\"rows\": ["), ParseError);
}

CATCH_TEST_CASE("NaN and Infinity are passed over in metadata and refused among the counts",
                "[biom_json]") {
  const CountTable table =
      from_text(R"({"rows":[{"id":"NaN","metadata":{"x":NaN,"y":[-Infinity,"Infinity"]}}],)"
                R"("columns":[{"id":"s","metadata":{"age":Infinity}}],)"
                R"("data":[[0,0,7]],"shape":[1,1]})");
  CATCH_REQUIRE(table.feature_ids == std::vector<std::string>{"NaN"});
  CATCH_REQUIRE(table.values == std::vector<double>{7});
  CATCH_REQUIRE_THROWS_WITH(from_text(json_table(R"("data":[[0,0,NaN]])")),
                            Catch::Contains("'NaN'"));
  CATCH_REQUIRE_THROWS_WITH(from_text(json_table(R"("data":[[0,0,Infinity]])")),
                            Catch::Contains("data[0]"));
}

CATCH_TEST_CASE("counts are read as strictly as the rest of the JSON", "[biom_json]") {
  for (const char* bad : {"01", "+1", "1.", ".5", "1e", "0x1", "1 2", "null", "true", "\"1\"",
                          "[1]", "{}", "-", "--1"}) {
    CATCH_CAPTURE(bad);
    CATCH_REQUIRE_THROWS_AS(from_text(json_table(R"("data":[[0,0,)" + std::string(bad) + "]]")),
                            ParseError);
  }
  for (const char* bad : {"[[0,0,1]", "[[0,0,1],]", "[[0,0,1][1,1,1]]", "[,[0,0,1]]", "[[0,0,1,]]",
                          "[0,0,1]", "{}", "5000", "\"data\"", "[[0.0,0,1]]", "[[0,0,1]] x"}) {
    CATCH_CAPTURE(bad);
    CATCH_REQUIRE_THROWS_AS(from_text(json_table(R"("data":)" + std::string(bad))), ParseError);
  }
  CATCH_REQUIRE(from_text(json_table(R"("data" : [ [ 0 , 0 , 1.5E+1 ] ,)"
                                     "\n [1,2,1e-400] ] "))
                    .values == std::vector<double>{15});
  for (const char* none : {"[]", "null", "  null  ", "null\n", "\n null \r\n", "[    ]"}) {
    CATCH_CAPTURE(none);
    CATCH_REQUIRE(from_text(json_table(R"("data":)" + std::string(none))).num_entries() == 0);
  }
  // The key counts only at the top, and only once.
  CATCH_REQUIRE(from_text(R"({"x":{"data":[[9,9,9]]},"y":"\"data\":[","rows":[{"id":"a"}],)"
                          R"("columns":[{"id":"b"}],"data":[[0,0,1]]})")
                    .values == std::vector<double>{1});
  CATCH_REQUIRE_THROWS_AS(from_text(json_table(R"("data":[[0,0,1]],"data":[[0,0,2]])")),
                          ParseError);
}

CATCH_TEST_CASE("a fault behind the counts is told at its own line and byte", "[biom_json]") {
  try {
    from_text(
        "{\"rows\":[{\"id\":\"a\"}],\n\"data\":[[0,0,1],\n[0,0,2]],\n\"columns\":[{\"id\":\"b\"},]"
        "}");
    CATCH_FAIL("no error");
  } catch (const ParseError& error) {
    CATCH_REQUIRE(error.place().line == 4);
    CATCH_REQUIRE(error.place().offset_bytes == 71);
  }
}
