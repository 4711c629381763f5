#include "deepbio/data/read_stream.h"

#include <algorithm>
#include <set>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

std::string numbered(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "@r" + std::to_string(i) + "\nACGT\n+\nIIII\n";
  return text;
}

std::vector<int64_t> drain(ReadStream& stream, int64_t at_once = 7) {
  std::vector<int64_t> out;
  while (true) {
    const StreamRecords taken = stream.take(at_once);
    if (taken.numbers.empty()) return out;
    out.insert(out.end(), taken.numbers.begin(), taken.numbers.end());
  }
}

}  // namespace

CATCH_TEST_CASE("Parts together give every record once, for any buffer, and go on anywhere", "[read_stream]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fq", numbered(600));
  test::write_text(folder / "b.fq", numbered(37));
  for (const int64_t buffer : {0, 10, 5000}) {
    for (const int64_t parts : {1, 3}) {
      std::multiset<int64_t> seen;
      for (int64_t part = 0; part < parts; ++part) {
        ReadStreamOptions options;
        options.shuffle_buffer = buffer;
        options.part = part;
        options.num_parts = parts;
        ReadStream stream({folder / "a.fq", folder / "b.fq"}, options);
        stream.begin(2);
        const auto whole = drain(stream);
        seen.insert(whole.begin(), whole.end());
        for (const int64_t given : {0, 1, 100, 212}) {
          stream.begin(2, given);
          CATCH_REQUIRE(drain(stream) == std::vector<int64_t>(whole.begin() + given, whole.end()));
        }
        CATCH_REQUIRE((buffer == 0) == std::is_sorted(whole.begin(), whole.end()));
      }
      CATCH_REQUIRE(seen.size() == 637);
      CATCH_REQUIRE(std::set<int64_t>(seen.begin(), seen.end()).size() == 637);
    }
  }
}

CATCH_TEST_CASE("drop_uneven gives every part as many records", "[read_stream]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fq", numbered(1026));
  for (const int64_t parts : {2, 4, 5}) {
    for (int64_t part = 0; part < parts; ++part) {
      ReadStreamOptions options;
      options.part = part;
      options.num_parts = parts;
      options.drop_uneven = true;
      ReadStream stream({folder / "a.fq"}, options);
      stream.begin(0);
      CATCH_REQUIRE(static_cast<int64_t>(drain(stream).size()) == 1026 / parts);
    }
  }
}

CATCH_TEST_CASE("A file that is written to while it is read is an error", "[read_stream]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fq", numbered(2000));
  ReadStream stream({folder / "a.fq"}, {});
  stream.begin(0);
  CATCH_REQUIRE(stream.take(300).numbers.size() == 300);
  test::write_text(folder / "a.fq", numbered(10));
  CATCH_REQUIRE_THROWS_AS(drain(stream), ParseError);
}
