#include "deepbio/io/tables/name_numbers.h"

#include "catch.h"

using namespace deepbio::io;

CATCH_TEST_CASE("a name keeps the number of its first place", "[name_numbers]") {
  NameNumbers numbers;
  std::vector<int32_t> found;
  for (const char* name : {"chr2", "chr2", "chr1", "", "chr2", "chr1", ""})
    found.push_back(numbers.number_of(name));
  CATCH_CHECK(found == std::vector<int32_t>{0, 0, 1, 2, 0, 1, 2});
  CATCH_CHECK(numbers.names() == std::vector<std::string>{"chr2", "chr1", ""});
}
