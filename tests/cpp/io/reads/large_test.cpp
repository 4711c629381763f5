// Places and sizes beyond 32 bits: offsets above 4 GiB, a record of more than 2^31 bases, a gzip
// member whose length does not fit its trailer.
#include <algorithm>

#include "catch.h"
#include <zlib.h>

#include "deepbio/base/error.h"
#include "deepbio/io/reads/fastx.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

// One text, another one many times, and a last one.
class MadeSource : public ByteSource {
 public:
  MadeSource(std::string first, std::string again, uint64_t times, std::string last)
      : texts_{std::move(first), std::move(again), std::move(last)}, times_(times) {}
  size_t read(char* out, size_t size) override {
    while (part_ < 2 && at_ == texts_[part_].size()) {
      at_ = 0;
      if (part_ == 0 || --times_ == 0) ++part_;
    }
    const size_t given = std::min(size, texts_[part_].size() - at_);
    std::copy_n(texts_[part_].data() + at_, given, out);
    at_ += given;
    return given;
  }
  const std::string& path() const override { return path_; }
  Container container() const override { return Container::kPlain; }

 private:
  std::string path_ = "made", texts_[3];
  uint64_t times_;
  size_t part_ = 0, at_ = 0;
};

// A gzip member of `first` and `again` many times, without inflating what is repeated.
std::string repeated_member(const std::string& first, const std::string& again, uint64_t times) {
  const auto deflated = [](const std::string& text, int flush) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 100, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, flush);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
  };
  const auto crc_of = [](const std::string& text) {
    return crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
  };
  // Ends on a byte and refers to nothing before it.
  const std::string part = deflated(again, Z_FULL_FLUSH);
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  out += deflated(first, Z_FULL_FLUSH);
  uLong crc = crc_of(first);
  const uLong part_crc = crc_of(again);
  for (uint64_t i = 0; i < times; ++i) {
    out += part;
    crc = crc32_combine(crc, part_crc, static_cast<z_off_t>(again.size()));
  }
  out += deflated("", Z_FINISH);
  const uint64_t size = first.size() + times * again.size();
  for (int i = 0; i < 4; ++i) out += static_cast<char>(crc >> 8 * i);
  for (int i = 0; i < 4; ++i) out += static_cast<char>(size >> 8 * i);
  return out;
}

}  // namespace

CATCH_TEST_CASE("records and errors behind 4 GiB have their right places", "[large][slow]") {
  const std::string record =
      "@r\n" + std::string(50000, 'A') + "\n+\n" + std::string(50000, 'F') + "\n";
  const uint64_t times = (uint64_t{1} << 32) / record.size() + 10;
  FastxReader reader(
      std::make_unique<MadeSource>("", record, times, "@last\nAC\n+\nII\n@bad\nAC\n+\nI\n"));
  RecordView view;
  for (uint64_t i = 0; i <= times; ++i) CATCH_REQUIRE(reader.next(view));
  CATCH_REQUIRE(view.name == "last");
  const auto offset = static_cast<int64_t>(times * record.size());
  CATCH_REQUIRE(view.offset_bytes == offset);
  try {
    reader.next(view);
    CATCH_FAIL("expected an error");
  } catch (const ParseError& error) {
    CATCH_REQUIRE(error.place().record == static_cast<int64_t>(times) + 1);
    CATCH_REQUIRE(error.place().line == static_cast<int64_t>(4 * times) + 4 + 4);
    CATCH_REQUIRE(error.place().offset_bytes > offset);
  }
}

CATCH_TEST_CASE("a record of more than 2^31 bases is read where the limit allows it",
                "[large][slow]") {
  FastxOptions options;
  options.max_record_bytes = uint64_t{5} << 30;
  const uint64_t lines = (uint64_t{1} << 31) / 1000 + 5;
  const std::string line = std::string(1000, 'G') + "\n";
  FastxReader reader(std::make_unique<MadeSource>(">a\n", line, lines, "TT\n>b\nAC\n"), options);
  RecordView view;
  CATCH_REQUIRE(reader.next(view));
  CATCH_REQUIRE(view.sequence.size() == lines * 1000 + 2);
  CATCH_REQUIRE((view.sequence.substr(view.sequence.size() - 4) == "GGTT"));
  CATCH_REQUIRE(reader.next(view));
  CATCH_REQUIRE(view.name == "b");
  CATCH_REQUIRE(view.offset_bytes == static_cast<int64_t>(3 + lines * line.size() + 3));
  CATCH_REQUIRE_FALSE(reader.next(view));
}

CATCH_TEST_CASE("a gzip member of more than 4 GiB is checked by its length modulo 2^32",
                "[large][slow]") {
  const test::TemporaryFolder folder;
  std::string reads;
  while (reads.size() < (size_t{1} << 24)) {
    reads += "@r\n" + std::string(50000, 'A') + "\n+\n" + std::string(50000, 'F') + "\n";
  }
  const std::string first = "@first\nAC\n+\nII\n";
  const uint64_t times = (uint64_t{1} << 32) / reads.size() + 1, per_part = reads.size() / 100007;
  std::string member = repeated_member(first, reads, times);
  for (const bool is_damaged : {false, true}) {
    if (is_damaged) member[member.size() - 1] = static_cast<char>(member.back() ^ 1);
    test::write_text(folder / "reads.gz", member);
    FastxReader reader(folder / "reads.gz");
    uint64_t count = 0;
    const auto read_all = [&] {
      for (RecordView view; reader.next(view);) ++count;
    };
    if (is_damaged) {
      CATCH_REQUIRE_THROWS_AS(read_all(), ParseError);
    } else {
      read_all();
    }
    CATCH_REQUIRE(count == 1 + times * per_part);
  }
}
