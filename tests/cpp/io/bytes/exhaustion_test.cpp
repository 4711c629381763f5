// Readers when memory runs out at any allocation, and when files are opened thousands of times: no
// crash, no wrong value, nothing left behind. malloc and free of this program are counted and made
// to fail by number.
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <new>
#include <system_error>

#include "catch.h"
#include "io/bytes/gzip_text.h"
#include <malloc.h>
#include <unistd.h>

#include "deepbio/base/error.h"
#include "deepbio/io/reads/fastx.h"
#include "deepbio/io/reads/fastx_file.h"
#include "deepbio/io/tables/biom.h"
#include "deepbio/io/tables/metadata.h"
#include "deepbio/io/tables/newick.h"

// Sanitizers bring a malloc of their own.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define DEEPBIO_COUNTS_MALLOC
#endif

namespace {

std::atomic<int64_t> calls_until_failure{0};  // 0: none fails
std::atomic<int64_t> num_calls{0}, num_living{0};

[[maybe_unused]] bool is_to_fail() {
  ++num_calls;
  return calls_until_failure > 0 && --calls_until_failure == 0;
}

[[maybe_unused]] void* counted(void* memory) {
  if (memory != nullptr) ++num_living;
  return memory;
}

}  // namespace

#ifdef DEEPBIO_COUNTS_MALLOC
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void __libc_free(void* memory);

void* malloc(size_t size) noexcept {
  if (is_to_fail()) {
    errno = ENOMEM;
    return nullptr;
  }
  return counted(__libc_malloc(size));
}
void* calloc(size_t count, size_t size) noexcept {
  if (is_to_fail()) {
    errno = ENOMEM;
    return nullptr;
  }
  return counted(__libc_calloc(count, size));
}
void* realloc(void* memory, size_t size) noexcept {
  if (is_to_fail()) {
    errno = ENOMEM;
    return nullptr;
  }
  void* const moved = __libc_realloc(memory, size);
  if (memory == nullptr && moved != nullptr) ++num_living;
  return moved;
}
void free(void* memory) noexcept {
  if (memory != nullptr) --num_living;
  __libc_free(memory);
}
}
#endif

using namespace deepbio;
using namespace deepbio::io;

namespace {

size_t num_open_files() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

std::string some_reads(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    const std::string letters(40 + i, "ACGT"[i % 4]);
    text += "@read" + std::to_string(i) + " of a run\n" + letters + "\n+\n" +
            std::string(letters.size(), 'F') + "\n";
  }
  return text;
}

int64_t num_bases(const std::string& path, int num_threads) {
  FastxOptions options;
  options.open.num_threads = num_threads;
  FastxReader reader(path, options);
  int64_t bases = 0;
  for (RecordView record; reader.next(record);)
    bases += static_cast<int64_t>(record.sequence.size());
  return bases;
}

struct Work {
  std::string name;
  std::function<int64_t()> run;
};

// Every reader of this layer that does not go through libhdf5.
std::vector<Work> make_work(const test::TemporaryFolder& folder) {
  const std::string reads = some_reads(30);
  test::write_text(folder / "plain", reads);
  test::write_text(folder / "gzip", test::gzip_text(reads));
  test::write_text(folder / "bgzf", test::bgzf_text(reads, 500));
  test::write_text(folder / "fasta", ">a b\nACGT\nAC\n;c\n>d\nTTTT\n");
  test::write_text(folder / "tree", "((a:1,'b c':2):0.5,(c:1,d:1e-3)e:1);\n");
  test::write_text(
      folder / "metadata",
      "#SampleID\tsite\tage\n#q2:types\tcategorical\tnumeric\ns1\tgut\t3\ns2\toral\t\n");
  test::write_text(folder / "table", "#OTU ID\ts1\ts2\nf1\t3\t0\nf2\t0\t7\n");
  test::write_text(
      folder / "json",
      R"({"id":null,"format":"Biological Observation Matrix 1.0.0","type":"OTU table",)"
      R"("matrix_type":"sparse","matrix_element_type":"int","shape":[2,2],)"
      R"("data":[[0,1,5],[1,0,2]],)"
      R"("rows":[{"id":"f1","metadata":null},{"id":"f2","metadata":null}],)"
      R"("columns":[{"id":"s1","metadata":null},{"id":"s2","metadata":null}]})");
  std::vector<Work> out;
  for (const std::string name : {"plain", "gzip", "bgzf", "fasta"}) {
    for (const int threads : {1, 2}) {
      out.push_back({name + " " + std::to_string(threads),
                     [path = folder / name, threads] { return num_bases(path, threads); }});
    }
    out.push_back({name + " by number", [path = folder / name] {
                     std::filesystem::remove(path + ".dbx");
                     const FastxFile file(path);
                     RecordBatch batch;
                     file.read(std::vector<int64_t>{1, 0}, batch);
                     return static_cast<int64_t>(batch.sequences.size());
                   }});
  }
  out.push_back({"tree", [path = folder / "tree"] { return read_newick(path).num_nodes(); }});
  out.push_back({"metadata", [path = folder / "metadata"] {
                   return static_cast<int64_t>(read_metadata(path).ids.size());
                 }});
  for (const std::string name : {"table", "json"}) {
    out.push_back({name, [path = folder / name] { return read_table(path).num_entries(); }});
  }
  return out;
}

}  // namespace

CATCH_TEST_CASE(
    "whichever allocation fails, the error says so, the values are right otherwise, and nothing "
    "leaks",
    "[exhaustion]") {
#ifndef DEEPBIO_COUNTS_MALLOC
  CATCH_WARN("skipped: malloc belongs to a sanitizer or another C library here");
#else
  const test::TemporaryFolder folder;
  for (const Work& work : make_work(folder)) {
    const int64_t expected = work.run();  // also fills what is kept for the life of the process
    work.run();
    const size_t files_before = num_open_files();
    int64_t num_failed = 0, num_leaked = 0, num_wrong = 0;
    std::string other;
    bool is_through = false;
    for (int64_t k = 1; !is_through && k < 100000; ++k) {
      const int64_t before = num_living;
      calls_until_failure = k;
      int64_t found = expected;
      bool is_failed = false;
      try {
        found = work.run();
      } catch (const std::bad_alloc&) {
        is_failed = true;
      } catch (const std::system_error&) {  // of a thread or a lock
        is_failed = true;
      } catch (const std::exception& error) {
        other = error.what();
      }
      is_through = calls_until_failure > 0;  // it took fewer allocations than that
      calls_until_failure = 0;
      num_failed += is_failed ? 1 : 0;
      num_wrong += found != expected ? 1 : 0;
      if (num_living > before && other.empty()) ++num_leaked;
    }
    CATCH_CAPTURE(work.name, num_failed, other);
    CATCH_CHECK(is_through);
    CATCH_CHECK(num_failed > 3);
    CATCH_CHECK(num_wrong == 0);
    CATCH_CHECK(num_leaked == 0);
    CATCH_CHECK(other.empty());
    CATCH_CHECK(num_open_files() == files_before);
  }
#endif
}

CATCH_TEST_CASE(
    "10,000 openings, half of them of damaged files, leave no file open and no memory taken",
    "[exhaustion]") {
  const test::TemporaryFolder folder;
  const std::string reads = some_reads(3), member = test::gzip_text(reads);
  test::write_text(folder / "good", reads);
  test::write_text(folder / "good.gz", member);
  test::write_text(folder / "bad", "@a\nAC\n+\nI\n");
  test::write_text(folder / "bad.gz", member.substr(0, member.size() - 3));
  const auto open_all = [&] {
    int num_errors = 0;
    for (const char* name : {"good", "good.gz", "bad", "bad.gz"}) {
      for (const int threads : {1, 2}) {
        try {
          num_bases(folder / name, threads);
        } catch (const ParseError&) {
          ++num_errors;
        }
      }
    }
    return num_errors;
  };
  for (int i = 0; i < 10; ++i) CATCH_REQUIRE(open_all() == 4);
  const size_t files_before = num_open_files();
  const int64_t living_before = num_living;
  for (int i = 0; i < 1250; ++i) open_all();
  CATCH_REQUIRE(num_open_files() == files_before);
#ifdef DEEPBIO_COUNTS_MALLOC
  CATCH_REQUIRE(num_living - living_before < 10);
#else
  static_cast<void>(living_before);
#endif
}
