#include "deepbio/base/utf8.h"

#include <string>

#include "catch.h"

namespace deepbio {
namespace {

CATCH_TEST_CASE("Characters of UTF-8 are told from other bytes", "[utf8]") {
  CATCH_CHECK(utf8_bytes("a", 0) == 1);
  CATCH_CHECK(utf8_bytes("x\xc3\xa9", 1) == 2);
  CATCH_CHECK(utf8_bytes("\xe2\x82\xac", 0) == 3);
  CATCH_CHECK(utf8_bytes("\xf0\x9f\xa7\xac", 0) == 4);
  for (const char* bad :
       {"\xc3", "\xa9", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"})
    CATCH_CHECK(utf8_bytes(bad, 0) == 0);
}

CATCH_TEST_CASE("What a reader would not see is told from letters", "[utf8]") {
  for (const char* seen : {"a", " ", "\xc3\xb8", "\xe5\xad\x97", "\xf0\x9f\xa7\xac"})
    CATCH_CHECK(is_visible(seen));
  // A tab, the no-break space, the width-zero space, the mark at the head of Excel's files.
  for (const char* hidden : {"\t", "\xc2\xa0", "\xe2\x80\x8b", "\xef\xbb\xbf"})
    CATCH_CHECK(!is_visible(hidden));
}

}  // namespace
}  // namespace deepbio
