#include "deepbio/io/reads/genome_file.h"

#include "catch.h"
#include "io/bytes/gzip_text.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::string letters_of(const TwoBitFile& file, int64_t sequence) {
  std::string out(static_cast<size_t>(file.sequences()[static_cast<size_t>(sequence)].length_bp),
                  '?');
  const auto size = static_cast<int64_t>(out.size());
  file.decode(sequence, 0, size, false, BaseSymbols({'A', 'C', 'G', 'T', 'N'}), out.data());
  file.for_each_masked(sequence, 0, size, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) out[static_cast<size_t>(i)] |= 0x20;
  });
  return out;
}

std::string message_of(const std::string& text) {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fa", text);
  try {
    open_genome(folder / "a.fa");
  } catch (const ParseError& error) {
    return std::string(error.what()).substr(folder.path().size() + 1);
  }
  return "";
}

}  // namespace

CATCH_TEST_CASE("FASTA of any line lengths and containers is packed, case and N kept", "[genome]") {
  const std::string text = "\n>a first\nACG\nTNNacg\n\ntA\r\n>b\n>c\nnnRyA*ugU";
  test::TemporaryFolder folder;
  for (const std::string& bytes : {text, test::gzip_text(text)}) {
    test::write_text(folder / "a.fa", bytes);
    const auto genome = open_genome(folder / "a.fa");
    CATCH_REQUIRE(genome->sequences().size() == 3);
    CATCH_CHECK(letters_of(*genome, 0) == "ACGTNNacgtA");
    CATCH_CHECK(genome->sequences()[1].length_bp == 0);
    CATCH_CHECK(letters_of(*genome, 2) == "nnNnANtgT");
    CATCH_CHECK(genome->path() == folder / "a.fa.dbx.2bit");
  }
}

CATCH_TEST_CASE("what was packed is used again until the FASTA changes or it is damaged",
                "[genome]") {
  test::TemporaryFolder folder;
  const std::string packed = folder / "a.fa.dbx.2bit";
  test::write_text(folder / "a.fa", ">a\nACGT\n");
  open_genome(folder / "a.fa");
  const auto first = std::filesystem::last_write_time(packed);
  open_genome(folder / "a.fa");
  CATCH_CHECK(std::filesystem::last_write_time(packed) == first);

  test::write_text(folder / "a.fa", ">a\nTTTTT\n");
  CATCH_CHECK(letters_of(*open_genome(folder / "a.fa"), 0) == "TTTTT");
  for (const std::string& damaged :
       {std::string(), std::string("short"), test::read_text(packed).substr(3)}) {
    test::write_text(packed, damaged);
    CATCH_CHECK(letters_of(*open_genome(folder / "a.fa"), 0) == "TTTTT");
  }
  // A .2bit is read as it is, with nothing beside it.
  const auto direct = open_genome(packed);
  CATCH_CHECK(direct->path() == packed);
  CATCH_CHECK(!std::filesystem::exists(packed + ".dbx.2bit"));
}

CATCH_TEST_CASE("a genome is kept in the cache folder, or in memory where nothing can be written",
                "[genome]") {
  test::TemporaryFolder folder, cache;
  test::write_text(folder / "a.fa", ">a\nACGT\n");
  const auto kept = open_genome(folder / "a.fa", cache.path());
  CATCH_CHECK(kept->path().starts_with(cache.path()));
  CATCH_CHECK(!std::filesystem::exists(folder / "a.fa.dbx.2bit"));
  const auto held = open_genome(folder / "a.fa", folder / "missing");
  CATCH_CHECK(letters_of(*held, 0) == "ACGT");
}

CATCH_TEST_CASE("FASTA that is none is one line with its place", "[genome]") {
  CATCH_CHECK(message_of("") == "a.fa: expected FASTA records, got no data");
  CATCH_CHECK(message_of("ACGT\n") ==
              "a.fa: line 1, byte 0: expected a FASTA title ('>'), got 'ACGT'");
  CATCH_CHECK(message_of(">a\nAC\n>a\nAC\n") ==
              "a.fa: record 1, line 3, byte 6: expected a name used once, got 'a' again");
  CATCH_CHECK(
      message_of(">a\rACGT\r") ==
      "a.fa: record 0, line 1, byte 0: expected line ends LF or CR LF, got a lone CR in a title");
  CATCH_CHECK(message_of(">a\nAC GT\n") ==
              "a.fa: record 0, line 2, byte 5: expected a sequence of letters, '*', '-' or '.', "
              "got ' '");
}
