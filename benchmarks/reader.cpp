// One timing of one way to read a sequence file; prints {"items", "seconds"}. benchmarks/reader.py
// calls it.
//
//   benchmark_reader make FOLDER            the files, from a fixed seed, unless they are there: 1
//   M reads of 150 bp
//                                           (plain, gzip -6, BGZF), 8 kb reads, a FASTA of 80
//                                           columns
//   benchmark_reader CASE FILE THREADS      CASE is a key of cases() below
// The case `limit` is read() of 256 KiB + memchr for line ends with every base and quality byte
// summed: no checks, no records.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include "deepbio/base/json.h"
#include "deepbio/base/random.h"
#include "deepbio/io/bytes/output.h"
#include "deepbio/io/reads/fasta_index.h"
#include "deepbio/io/reads/fastx.h"
#include "deepbio/io/reads/fastx_file.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::string make_reads(int64_t count, int64_t length) {
  std::string text;
  for (int64_t i = 0; i < count; ++i) {
    CounterRandom random(11, 0, static_cast<uint64_t>(i), Purpose::kSimulate);
    text += "@SIM:1:FLOW:1:" + std::to_string(1000 + i / 1000) + ":" + std::to_string(i % 1000) +
            " 1:N:0:ACGT\n";
    for (int64_t base = 0; base < length; ++base) text += "ACGT"[random.below(4)];
    text += "\n+\n";
    for (int64_t base = 0; base < length; ++base) text += "#,:FFFFFFFFFFFFF"[random.below(16)];
    text += '\n';
  }
  return text;
}

std::string random_genome(int64_t contigs, int64_t length) {
  std::string text;
  for (int64_t contig = 0; contig < contigs; ++contig) {
    CounterRandom random(12, 0, static_cast<uint64_t>(contig), Purpose::kSimulate);
    text += ">contig" + std::to_string(contig) + "\n";
    for (int64_t base = 0; base < length; ++base) {
      text += "ACGT"[random.below(4)];
      if (base % 80 == 79) text += '\n';
    }
    if (length % 80 != 0) text += '\n';
  }
  return text;
}

std::string member(const std::string& text, bool is_block) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  std::string head("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10), tail(8, '\0');
  if (is_block) {
    head[3] = 4;
    head += std::string("\6\0BC\2\0", 6);
    const size_t size = head.size() + 2 + out.size() + tail.size() - 1;
    head += static_cast<char>(size & 0xff);
    head += static_cast<char>(size >> 8);
  }
  const auto crc =
      crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
  for (int i = 0; i < 4; ++i) tail[i] = static_cast<char>(crc >> 8 * i);
  for (int i = 0; i < 4; ++i) tail[4 + i] = static_cast<char>(text.size() >> 8 * i);
  return head + out + tail;
}

std::string bgzf(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size(); at += 65280) out += member(text.substr(at, 65280), true);
  return out + member("", true);
}

void make(const std::string& path, const std::function<std::string()>& content) {
  if (!std::filesystem::exists(path)) write_file(path, content());
}

// Sums what a reader of reads touches; for FASTQ of four lines.
uint64_t limit(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY);
  constexpr size_t kChunk = size_t{1} << 18;
  std::vector<char> buffer(2 * kChunk);
  size_t held = 0;
  uint64_t line = 0, sum = 0;
  while (true) {
    const ssize_t got = ::read(file, buffer.data() + held, kChunk);
    if (got <= 0) break;
    const char *at = buffer.data(), *const end = at + held + got;
    while (const auto* stop =
               static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)))) {
      if (line++ % 2 == 1) {
        uint64_t part = 0;
        for (const char* c = at; c < stop; ++c) part += static_cast<unsigned char>(*c);
        sum += part;
      }
      at = stop + 1;
    }
    held = static_cast<size_t>(end - at);
    std::memmove(buffer.data(), at, held);
  }
  ::close(file);
  return sum;
}

using Numbers = std::vector<int64_t>;

// Random numbers of records, some of them more than once.
Numbers draw(int64_t count, int64_t num_records) {
  Numbers out;
  for (int64_t i = 0; i < count; ++i) {
    CounterRandom random(13, 0, static_cast<uint64_t>(i), Purpose::kSimulate);
    out.push_back(static_cast<int64_t>(random.below(static_cast<uint64_t>(num_records))));
  }
  return out;
}

struct Timed {
  int64_t items = 0;   // records, or bases for a limit
  double seconds = 0;  // without what was made ready before
};

class Clock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Timed views(const std::string& path, int threads) {
  const Clock clock;
  FastxReader reader(path, {.open = {.num_threads = threads}});
  int64_t records = 0;
  for (RecordView record; reader.next(record);) ++records;
  return {records, clock.seconds()};
}

Timed batches(const std::string& path, int threads) {
  const Clock clock;
  FastxReader reader(path, {.open = {.num_threads = threads}});
  int64_t records = 0;
  RecordBatch batch;
  while (const int64_t got = reader.read(batch, 4096)) {
    records += got;
    batch.clear();
  }
  return {records, clock.seconds()};
}

Timed build_index(const std::string& path, int threads) {
  std::filesystem::remove(FastxIndex::index_path(path, ""));
  const Clock clock;
  IndexOptions options;
  options.num_threads = threads;
  const FastxIndex index = FastxIndex::open_or_build(path, options);
  return {index.size(), clock.seconds()};
}

// `count` random records in batches of `batch`, each in the order of the file when asked for.
Timed random_reads(const std::string& path, int64_t count, int64_t batch, bool is_sorted) {
  const FastxFile file(path);
  Numbers numbers = draw(count, file.size());
  const auto at = [&](int64_t place) { return numbers.begin() + std::min(count, place); };
  for (int64_t first = 0; is_sorted && first < count; first += batch)
    std::sort(at(first), at(first + batch));
  RecordBatch out;
  const Clock clock;
  for (int64_t first = 0; first < count; first += batch) {
    file.read({at(first), at(first + batch)}, out);
    out.clear();
  }
  return {count, clock.seconds()};
}

Timed windows(const std::string& path, int64_t count, int64_t length) {
  const FastaFile file(path);
  const Clock clock;
  uint64_t bases = 0;
  for (int64_t i = 0; i < count; ++i) {
    CounterRandom random(14, 0, static_cast<uint64_t>(i), Purpose::kSimulate);
    const FaiEntry& entry = file.entries()[random.below(file.entries().size())];
    const auto start =
        static_cast<int64_t>(random.below(static_cast<uint64_t>(entry.length_bp - length)));
    bases += file.fetch(entry.name, start, start + length).size();
  }
  return {static_cast<int64_t>(bases) / length, clock.seconds()};
}

const std::map<std::string, std::function<Timed(const std::string&, int)>>& cases() {
  static const std::map<std::string, std::function<Timed(const std::string&, int)>> all{
      {"limit",
       [](const std::string& path, int) {
         const Clock clock;
         const auto sum = static_cast<int64_t>(limit(path));
         return Timed{sum, clock.seconds()};
       }},
      {"views", views},
      {"batches", batches},
      {"index", build_index},
      {"sorted",
       [](const std::string& path, int) { return random_reads(path, 100000, 100000, true); }},
      {"shuffled",
       [](const std::string& path, int) { return random_reads(path, 100000, 100000, false); }},
      {"batch256",
       [](const std::string& path, int) { return random_reads(path, 2560, 256, false); }},
      {"one", [](const std::string& path, int) { return random_reads(path, 1000, 1, false); }},
      {"windows200", [](const std::string& path, int) { return windows(path, 20000, 200); }},
      {"windows131k", [](const std::string& path, int) { return windows(path, 1000, 131072); }},
  };
  return all;
}

void make_files(const std::string& folder) {
  std::filesystem::create_directories(folder);
  make(folder + "/reads.fastq", [] { return make_reads(1000000, 150); });
  make(folder + "/reads.fastq.gz",
       [&] { return member(read_all(folder + "/reads.fastq"), false); });
  make(folder + "/reads.bgzf.gz", [&] { return bgzf(read_all(folder + "/reads.fastq")); });
  make(folder + "/long.fastq", [] { return make_reads(30000, 8000); });
  make(folder + "/genome.fa", [] { return random_genome(4, 60000000); });
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 2 && words[0] == "make") {
    make_files(words[1]);
    return 0;
  }
  if (words.size() != 3 || !cases().contains(words[0])) {
    std::cerr << "usage: benchmark_reader make FOLDER, or benchmark_reader CASE FILE THREADS with "
                 "CASE one of";
    for (const auto& [name, run] : cases()) std::cerr << " " << name;
    std::cerr << "\n";
    return 2;
  }
  const Timed timed = cases().at(words[0])(words[1], std::stoi(words[2]));
  std::cout << Json(Json::Object{{"items", timed.items}, {"seconds", timed.seconds}}).dump()
            << "\n";
  return 0;
}
