#include "deepbio/base/simd.h"

#include "base/chosen_simd.h"
#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;

CATCH_TEST_CASE("each path that can run here can be chosen by name, the widest is the default",
                "[simd]") {
  CATCH_REQUIRE(simd_paths().front() == Simd::kScalar);
  for (const Simd simd : simd_paths()) {
    const test::ChosenSimd chosen(simd);
    CATCH_REQUIRE(choose_simd() == simd);
  }
  ::setenv("DEEPBIO_SIMD", "", 1);
  CATCH_REQUIRE(choose_simd() == simd_paths().back());
}

CATCH_TEST_CASE("a path that is unknown is refused with those that can run here", "[simd]") {
  ::setenv("DEEPBIO_SIMD", "mmx", 1);
  CATCH_REQUIRE_THROWS_WITH(choose_simd(), Catch::Contains("scalar") && Catch::Contains("'mmx'"));
  ::setenv("DEEPBIO_SIMD", "", 1);
}
