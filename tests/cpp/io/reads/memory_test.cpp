// How much memory reading may take, shown by an address-space limit in a child process: what is not
// there cannot be used.
#include <csignal>
#include <functional>

#include "catch.h"
#include "io/bytes/gzip_text.h"
#include "io/tables/bigwig_bytes.h"
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deepbio/base/error.h"
#include "deepbio/io/reads/fastx.h"
#include "deepbio/io/tables/bigwig.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

// Address sanitizer reserves terabytes.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kCanLimit = false;
#else
constexpr bool kCanLimit = true;
#endif

enum Ending { kGood = 0, kLimitError = 3, kOtherError = 4, kOutOfMemory = 5 };

// The bytes of address space in use.
uint64_t address_space() {
  std::ifstream file("/proc/self/statm");
  uint64_t pages = 0;
  file >> pages;
  return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

// How the action ends in a child process with so much address space above what it has at the start.
int ending_within(uint64_t extra_bytes, const std::function<void()>& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlim_t limit = address_space() + extra_bytes;
    const rlimit space{limit, limit};
    if (::setrlimit(RLIMIT_AS, &space) != 0) ::_exit(kOtherError);
    try {
      action();
    } catch (const ParseError& error) {
      ::_exit(error.kind() == ErrorKind::kResource ? kLimitError : kOtherError);
    } catch (const std::bad_alloc&) {
      ::_exit(kOutOfMemory);
    } catch (...) {
      ::_exit(kOtherError);
    }
    ::_exit(kGood);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void read_all_records(const std::string& path) {
  FastxReader reader(path);
  for (RecordView record; reader.next(record);) {
  }
}

}  // namespace

CATCH_TEST_CASE("a quarter of a gigabyte of reads streams through less than 16 MiB, plain and gzip",
                "[memory]") {
  if (!kCanLimit) return;
  const test::TemporaryFolder folder;
  std::string text;
  for (int i = 0; text.size() < (size_t{1} << 23); ++i) {
    text += "@read" + std::to_string(i) + "\n" + std::string(150, "ACGT"[i % 4]) + "\n+\n" +
            std::string(150, 'F') + "\n";
  }
  const std::string member = test::gzip_text(text), blocks = test::bgzf_text(text, 65280);
  for (const auto& [part, count] :
       {std::pair{text, 4}, std::pair{member, 32}, std::pair{blocks, 32}}) {
    std::ofstream file(folder / "reads", std::ios::binary);
    for (int i = 0; i < count; ++i) file << part;
    file.close();
    CATCH_REQUIRE(ending_within(uint64_t{16} << 20, [&] { read_all_records(folder / "reads"); }) ==
                  kGood);
  }
}

CATCH_TEST_CASE(
    "a record above the limit is refused by name within three times the limit of memory, on one "
    "line or on many",
    "[memory][slow]") {
  if (!kCanLimit) return;
  const test::TemporaryFolder folder;
  const std::string letters(size_t{1} << 22, 'A');
  std::string lines;
  for (size_t i = 0; i < letters.size() / 64; ++i) lines += letters.substr(0, 64) + "\n";
  const std::string line_member = test::gzip_text(lines), letter_member = test::gzip_text(letters);
  for (const std::string& start : {std::string(">a\n"), std::string("@a\n")}) {
    for (const std::string& member : {line_member, letter_member}) {
      std::ofstream file(folder / "reads", std::ios::binary);
      file << test::gzip_text(start);
      for (int i = 0; i < 80; ++i) file << member;  // 320 MiB
      file.close();
      CATCH_CAPTURE(start, member.size());
      CATCH_REQUIRE(ending_within(uint64_t{3} << 28, [&] { read_all_records(folder / "reads"); }) ==
                    kLimitError);
    }
  }
}

CATCH_TEST_CASE(
    "the files of the corpus that unpack to gigabytes end well or in a limit error within 512 MiB",
    "[memory][corpus][slow]") {
  DEEPBIO_NEEDS_SHARED();
  if (!kCanLimit) return;
  const std::vector<std::pair<std::string, std::vector<int>>> files{
      {"bomb_1GiB_header_no_newline.fastq.gz", {kLimitError}},
      {"bomb_1GiB_newlines.fastq.gz", {kOtherError}},  // no data behind the blank lines
      {"bomb_1GiB_nul.fastq.gz", {kOtherError}},       // no title
      {"bomb_1GiB_one_sequence.fa.gz", {kLimitError}},
      {"many_empty_members.fastq.gz", {kGood}},
      {"many_empty_records_256MiB.fa.gz", {kGood}}};
  for (const auto& [name, endings] : files) {
    const std::string path = test::shared("sequences/resource/synthetic/" + name);
    const int ending = ending_within(uint64_t{512} << 20, [&] { read_all_records(path); });
    CATCH_CAPTURE(name, ending);
    CATCH_CHECK(std::find(endings.begin(), endings.end(), ending) != endings.end());
  }
}

CATCH_TEST_CASE("a bigWig whose header speaks of blocks of 1 GiB takes memory for those it has",
                "[memory]") {
  const test::TemporaryFolder folder;
  std::string content = test::bigwig_by_hand(/*is_deflated=*/true);
  content.replace(52, 4, std::string("\0\0\0\x40", 4));
  test::write_text(folder / "a.bw", content);
  const auto fill = [path = folder / "a.bw"] {
    std::vector<float> values(20);
    open_bigwig(path)->fill(0, 0, 20, values.data());
  };
  CATCH_CHECK((!kCanLimit || ending_within(uint64_t{1} << 27, fill) == kGood));
}
