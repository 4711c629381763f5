// Small files cut at every byte and with every single bit flipped, read by every inflate library
// and every path of vector instructions: an error or the same values, never fewer records in
// silence.
//
// What no reader can know: a plain file cut exactly between two records, and a BGZF file cut
// between two blocks, which gets a warning. A flipped bit in plain text can make another legal
// letter, so there the number of records is compared and at most one record may differ.
#include <algorithm>

#include "base/chosen_simd.h"
#include "catch.h"
#include "io/bytes/chosen_inflate.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/base/error.h"
#include "deepbio/io/reads/fastx.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

struct Outcome {
  std::vector<std::string> records;
  bool has_error = false, has_warning = false;
};

Outcome read_file(const std::string& path, int threads) {
  Outcome out;
  try {
    FastxReader reader(path, {.open = {threads}});
    for (RecordView record; reader.next(record);) {
      std::string text;
      for (const auto part : {record.name, record.description, record.sequence, record.quality}) {
        text.append(part).append("\t");
      }
      out.records.push_back(text);
    }
    out.has_warning = !reader.report().warnings.empty();
  } catch (const ParseError&) {
    out.has_error = true;
  }
  return out;
}

// Eight records of either format; a title that loses its '>' is no sequence, since a number stands
// in it.
std::string records_text(bool is_fastq) {
  std::string text;
  for (int i = 0; i < 8; ++i) {
    const std::string letters =
        std::string("ACGTTGCATTAGNACGGT").substr(0, 4 + 2 * static_cast<size_t>(i));
    const std::string title =
        "read" + std::to_string(i) + " length=" + std::to_string(letters.size());
    if (is_fastq) {
      text += "@" + title + "\n" + letters + "\n+\n" +
              std::string("IIHG#F@5+>IIHG#F@5").substr(0, letters.size()) + "\n";
    } else {
      text += ">" + title + "\n" + letters.substr(0, 4) + "\n" + letters.substr(4) + "\n";
    }
  }
  return text;
}

std::string packed(const std::string& text, Container container) {
  if (container == Container::kPlain) return text;
  return container == Container::kGzip ? test::gzip_text(text) : test::bgzf_text(text, 60);
}

// The first `count` records are the same.
bool is_prefix(const Outcome& some, const Outcome& all, size_t count) {
  return count <= all.records.size() &&
         std::equal(some.records.begin(), some.records.begin() + static_cast<long>(count),
                    all.records.begin());
}

size_t num_differences(const Outcome& a, const Outcome& b) {
  size_t count = 0;
  for (size_t i = 0; i < a.records.size(); ++i) count += a.records[i] != b.records[i] ? 1 : 0;
  return count;
}

// Reads damaged bytes in every way; check looks at each outcome.
template <typename Check>
void read_in_every_way(const std::string& bytes, Container container, const Check& check) {
  static const test::TemporaryFolder folder;
  test::write_text(folder / "reads", bytes);
  if (container == Container::kPlain) {
    for (const Simd simd : simd_paths()) {
      const test::ChosenSimd chosen(simd);
      check(read_file(folder / "reads", 1));
    }
    return;
  }
  for (const InflateLibrary library : inflate_libraries()) {
    const test::ChosenInflate chosen(library);
    for (const int threads : {1, 2}) check(read_file(folder / "reads", threads));
  }
}

constexpr Container kContainers[] = {Container::kPlain, Container::kGzip, Container::kBgzf};

}  // namespace

CATCH_TEST_CASE("a file cut at any byte is an error or says that it may have been cut",
                "[damage]") {
  for (const bool is_fastq : {true, false}) {
    for (const Container container : kContainers) {
      const std::string good = packed(records_text(is_fastq), container);
      Outcome whole;
      read_in_every_way(good, container, [&](const Outcome& out) {
        whole = out;
        CATCH_REQUIRE_FALSE(out.has_error);
        CATCH_REQUIRE_FALSE(out.has_warning);
        CATCH_REQUIRE(out.records.size() == 8);
      });
      const bool is_plain = container == Container::kPlain;
      if (is_plain && !is_fastq) continue;  // below
      for (size_t cut = 0; cut < good.size(); ++cut) {
        CATCH_CAPTURE(is_fastq, to_string(container), cut);
        read_in_every_way(good.substr(0, cut), container, [&](const Outcome& out) {
          // Only a FASTA cut between two blocks, which is warned of, can end in half a record.
          const size_t num_whole = out.records.size() - (out.has_warning && !is_fastq ? 1 : 0);
          if (!is_prefix(out, whole, num_whole)) CATCH_FAIL("records that were not there");
          if (out.has_error || out.records.size() == 8) return;
          const bool is_between =
              is_plain && (good.substr(cut, 1) == "@" || good.substr(cut, 2) == "\n@");
          if (!is_between && !out.has_warning) CATCH_FAIL("fewer records in silence");
        });
      }
    }
  }
}

CATCH_TEST_CASE("a plain FASTA cut at any byte gives whole records up to the one that is cut",
                "[damage]") {
  const std::string good = records_text(false);
  Outcome whole;
  read_in_every_way(good, Container::kPlain, [&](const Outcome& out) { whole = out; });
  for (size_t cut = 1; cut < good.size(); ++cut) {
    const auto num_titles =
        static_cast<size_t>(std::count(good.begin(), good.begin() + static_cast<long>(cut), '>'));
    CATCH_CAPTURE(cut);
    read_in_every_way(good.substr(0, cut), Container::kPlain, [&](const Outcome& out) {
      CATCH_REQUIRE_FALSE(out.has_error);
      CATCH_REQUIRE(out.records.size() == num_titles);
      for (size_t i = 0; i + 1 < num_titles; ++i) CATCH_REQUIRE(out.records[i] == whole.records[i]);
    });
  }
}

CATCH_TEST_CASE(
    "no flipped bit goes by unnoticed in gzip and BGZF, and none loses a record of plain text",
    "[damage]") {
  for (const bool is_fastq : {true, false}) {
    for (const Container container : kContainers) {
      const std::string good = packed(records_text(is_fastq), container);
      Outcome whole;
      read_in_every_way(good, container, [&](const Outcome& out) { whole = out; });
      for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
        std::string bytes = good;
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
        CATCH_CAPTURE(is_fastq, to_string(container), bit);
        read_in_every_way(bytes, container, [&](const Outcome& out) {
          if (out.has_error) return;
          if (out.records.size() != whole.records.size())
            CATCH_FAIL("another number of records in silence");
          const size_t most = container == Container::kPlain ? 1 : 0;
          if (num_differences(out, whole) > most) CATCH_FAIL("other values in silence");
        });
      }
    }
  }
}
