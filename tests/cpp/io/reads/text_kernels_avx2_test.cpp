#include "io/reads/text_kernels_check.h"

using namespace deepbio;

CATCH_TEST_CASE("the kernels of AVX2 do exactly what the scalar ones do", "[text_kernels]") {
  if (!test::can_run(Simd::kAvx2)) {
    CATCH_WARN("skipped: this processor lacks AVX2");
    return;
  }
  CATCH_REQUIRE(io::text_kernels(Simd::kAvx2).join_lines !=
                io::text_kernels(Simd::kScalar).join_lines);
  test::require_same_kernels(Simd::kAvx2);
}
