#include "deepbio/io/bytes/read_ahead.h"

#include <algorithm>
#include <cstring>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

// Gives `text` in uneven pieces, then ends or fails.
class Pieces : public ByteSource {
 public:
  Pieces(std::string text, bool fails) : text_(std::move(text)), fails_(fails) {}
  size_t read(char* out, size_t size) override {
    const size_t given = std::min({size, text_.size() - at_, 1 + at_ % 4099});
    if (given == 0 && fails_)
      throw ParseError({path_, -1, -1, 7}, "more", "damage", ErrorKind::kContainer);
    std::memcpy(out, text_.data() + at_, given);
    at_ += given;
    return given;
  }
  const std::string& path() const override { return path_; }
  Container container() const override { return Container::kGzip; }

 private:
  std::string text_, path_ = "pieces";
  bool fails_;
  size_t at_ = 0;
};

std::string long_text() {
  std::string text;
  for (int i = 0; text.size() < 3000000; ++i) text += std::to_string(i) + ",";
  return text;
}

}  // namespace

CATCH_TEST_CASE("reading ahead gives all bytes in order, then the end, again and again",
                "[read_ahead]") {
  const std::string text = long_text();
  for (const size_t size : {size_t{1000}, size_t{1} << 18, size_t{5000000}}) {
    ReadAheadSource source(std::make_unique<Pieces>(text, false));
    std::string out, piece(size, '\0');
    while (const size_t got = source.read(piece.data(), size)) out.append(piece, 0, got);
    CATCH_REQUIRE((out == text));
    CATCH_REQUIRE(source.read(piece.data(), size) == 0);
  }
}

CATCH_TEST_CASE("an error comes after all bytes before it, and comes again", "[read_ahead]") {
  const std::string text = long_text();
  ReadAheadSource source(std::make_unique<Pieces>(text, true));
  std::string out, piece(10000, '\0');
  try {
    while (true) out.append(piece, 0, source.read(piece.data(), piece.size()));
  } catch (const ParseError& error) {
    CATCH_REQUIRE(error.place().offset_bytes == 7);
  }
  CATCH_REQUIRE((out == text));
  CATCH_REQUIRE_THROWS_AS(source.read(piece.data(), 1), ParseError);
}

CATCH_TEST_CASE("a source that is given up in the middle ends its thread", "[read_ahead]") {
  for (int i = 0; i < 50; ++i) {
    ReadAheadSource source(std::make_unique<Pieces>(long_text(), false));
    char byte = 0;
    if (i % 2 == 1) CATCH_REQUIRE(source.read(&byte, 1) == 1);
  }
}
