#include "deepbio/seq/md5.h"

#include <set>

#include "catch.h"

using namespace deepbio;
using namespace deepbio::seq;

CATCH_TEST_CASE("the digests of RFC 1321 come out", "[md5]") {
  CATCH_REQUIRE(md5_hex("") == "d41d8cd98f00b204e9800998ecf8427e");
  CATCH_REQUIRE(md5_hex("a") == "0cc175b9c0f1b6a831c399e269772661");
  CATCH_REQUIRE(md5_hex("message digest") == "f96b697d7cb7938d525a2f31aaf161d0");
  CATCH_REQUIRE(
      md5_hex("12345678901234567890123456789012345678901234567890123456789012345678901234567890") ==
      "57edf4a22be3c955ac49da2e2107b67a");
}

CATCH_TEST_CASE("every length of padding gives another digest", "[md5]") {
  std::set<std::string> seen;
  for (size_t size = 0; size < 200; ++size) seen.insert(md5_hex(std::string(size, 'A')));
  CATCH_REQUIRE(seen.size() == 200);
  CATCH_REQUIRE(md5_hex(std::string(55, 'A')) == "e38a93ffe074a99b3fed47dfbe37db21");
  CATCH_REQUIRE(md5_hex(std::string(56, 'A')) == "a2f3e2024931bd470555002aa5ccc010");
}

CATCH_TEST_CASE("a sequence is named in upper case, and ids of that form are known", "[md5]") {
  CATCH_REQUIRE(sequence_md5("acGT") == md5_hex("ACGT"));
  CATCH_REQUIRE(is_md5(sequence_md5("acGT")));
  CATCH_REQUIRE_FALSE(is_md5("ACGT"));
  CATCH_REQUIRE_FALSE(is_md5(std::string(32, 'G')));
}
