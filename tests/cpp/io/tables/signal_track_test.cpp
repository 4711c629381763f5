#include "deepbio/io/tables/signal_track.h"

#include <cmath>

#include "catch.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

using Values = std::vector<float>;

// Values of [start, end) of a chromosome; -1 where the track has none.
Values values_of(const SignalTrack& track, const std::string& chromosome, int64_t start,
                 int64_t end) {
  const auto& names = track.chromosomes();
  const auto found = std::find(names.begin(), names.end(), chromosome);
  Values out(static_cast<size_t>(end - start), -1);
  track.fill(found - names.begin(), start, end, out.data());
  return out;
}

std::shared_ptr<const SignalTrack> open(const std::string& text) {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.bg", text);
  return open_track(folder / "a.bg");
}

std::string message_of(const std::string& text) {
  try {
    open(text);
  } catch (const ParseError& error) {
    const std::string message = error.what();
    return message.substr(message.find("a.bg"));
  }
  return "";
}

}  // namespace

CATCH_TEST_CASE("bedGraph gives its values, each window those inside of it", "[track]") {
  const std::string text =
      "track type=bedGraph\nchr1\t2\t4\t0.5\nchr2\t0\t1\t7\nchr1\t4\t5\t-2\nchr1\t8\t9\t1e2\n";
  for (const std::string& bytes : {text, test::gzip_text(text)}) {
    const auto track = open(bytes);
    CATCH_CHECK(track->chromosomes() == std::vector<std::string>{"chr1", "chr2"});
    const Values all = {-1, -1, 0.5, 0.5, -2, -1, -1, -1, 100, -1};
    CATCH_CHECK(values_of(*track, "chr1", 0, 10) == all);
    for (int64_t start = 0; start <= 10; ++start) {
      for (int64_t end = start; end <= 10; ++end)
        CATCH_REQUIRE(values_of(*track, "chr1", start, end) ==
                      Values(all.begin() + start, all.begin() + end));
    }
    CATCH_CHECK(values_of(*track, "chr2", 0, 2) == Values{7, -1});
  }
}

CATCH_TEST_CASE("BED is one where an interval lies, in any order, overlaps or not", "[track]") {
  const auto track = open("chr1\t5\t7\nchr1\t0\t2\nchr1\t1\t3\n");
  CATCH_CHECK(values_of(*track, "chr1", 0, 8) == Values{1, 1, 1, -1, -1, 1, 1, -1});
  const auto named = open("chr1\t5\t7\tpeak\n");
  CATCH_CHECK(values_of(*named, "chr1", 4, 6) == Values{-1, 1});
}

CATCH_TEST_CASE("bad bedGraph is one line with the file and the line", "[track]") {
  CATCH_CHECK(message_of("c\t1\t2\t3\nc\t5\t5\t1\n") ==
              "a.bg: line 2: expected start < end, got start 5, end 5");
  CATCH_CHECK(
      message_of("c\t1\t9\t3\nc\t5\t10\t1\n") ==
      "a.bg: line 2: expected a start of at least 9, intervals sorted and without overlaps, "
      "got 5");
  CATCH_CHECK(message_of("c\t1\t9\t3\nc\t15\t20\tx\n") ==
              "a.bg: line 2: expected a value, a number, got 'x'");
  CATCH_CHECK(message_of("c\t1\t9\t3\nc\t-5\t20\t1\n") ==
              "a.bg: line 2: expected a position, a whole number from 0, got '-5'");
  CATCH_CHECK(message_of("\xeb\xf2\x89\x87rest")
                  .starts_with("a.bg: expected bigWig, bedGraph or BED, got bigBed"));
}
