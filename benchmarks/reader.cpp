// How fast records come out of sequence files, beside what only touches the bytes. Prints one JSON document.
//
//   reader FOLDER [REPEATS]
// makes the files in FOLDER once (1 M reads of 150 bp plain, gzip -6 and BGZF; 8 kb reads; 80-column FASTA; fixed
// seed), then measures every case once per round, so that a slow minute of the machine hits all of them, and gives the
// median and the spread of REPEATS rounds in seconds. `limit` is read() of 256 KiB + memchr for line ends with every
// base and quality byte summed: no checks, no records.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include "deepbio/base/json.h"
#include "deepbio/base/random.h"
#include "deepbio/io/fastx.h"
#include "deepbio/io/inflate.h"
#include "deepbio/io/output.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

std::string random_reads(int64_t count, int64_t length) {
  std::string text;
  for (int64_t i = 0; i < count; ++i) {
    CounterRandom random(11, 0, static_cast<uint64_t>(i), Purpose::kSimulate);
    text += "@SIM:1:FLOW:1:" + std::to_string(1000 + i / 1000) + ":" + std::to_string(i % 1000) + " 1:N:0:ACGT\n";
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
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
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
    while (const auto* stop = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)))) {
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

uint64_t count(const std::string& path, int threads) {
  FastxReader reader(path, {.open = {.num_threads = threads}});
  uint64_t records = 0;
  for (RecordView record; reader.next(record);) ++records;
  return records;
}

uint64_t batches(const std::string& path) {
  FastxReader reader(path);
  uint64_t records = 0;
  RecordBatch batch;
  while (const int64_t got = reader.read(batch, 4096)) {
    records += static_cast<uint64_t>(got);
    batch.clear();
  }
  return records;
}

struct Case {
  std::string name, path, library;
  std::function<uint64_t()> run;
  std::vector<double> seconds;
};

Json summary(Case& item, uint64_t records) {
  std::sort(item.seconds.begin(), item.seconds.end());
  const double median = item.seconds[item.seconds.size() / 2];
  return Json(Json::Object{{"case", item.name},
                           {"median_s", median},
                           {"min_s", item.seconds.front()},
                           {"max_s", item.seconds.back()},
                           {"million_records_per_s", static_cast<double>(records) / median / 1e6}});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: reader FOLDER [REPEATS]\n";
    return 2;
  }
  const std::string folder = std::string(argv[1]) + "/";
  const int repeats = argc > 2 ? std::atoi(argv[2]) : 7;
  constexpr int64_t kReads = 1000000;
  make(folder + "reads.fastq", [] { return random_reads(kReads, 150); });
  make(folder + "reads.fastq.gz", [&] { return member(read_all(folder + "reads.fastq"), false); });
  make(folder + "reads.bgzf.gz", [&] { return bgzf(read_all(folder + "reads.fastq")); });
  make(folder + "long.fastq", [] { return random_reads(30000, 8000); });
  make(folder + "genome.fa", [] { return random_genome(4, 60000000); });
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, const std::string& file, const std::string& library, auto run) {
    const std::string path = folder + file;
    cases.push_back({name, path, library, [run, path] { return run(path); }, {}});
  };
  const auto serial = [](const std::string& path) { return count(path, 1); };
  const auto two = [](const std::string& path) { return count(path, 2); };
  for (const std::string file : {"reads.fastq", "long.fastq"}) {
    add("limit " + file, file, "", limit);
    add("views " + file, file, "", serial);
    add("batches " + file, file, "", batches);
  }
  add("views genome.fa", "genome.fa", "", serial);
  for (const InflateLibrary library : inflate_libraries()) {
    const std::string name(to_string(library));
    for (const std::string file : {"reads.fastq.gz", "reads.bgzf.gz"}) {
      add(file + ", " + name + ", 1 thread", file, name, serial);
      add(file + ", " + name + ", 2 threads", file, name, two);
    }
  }
  std::vector<uint64_t> records(cases.size());
  for (int round = 0; round < repeats; ++round) {
    for (size_t i = 0; i < cases.size(); ++i) {
      ::setenv("DEEPBIO_INFLATE", cases[i].library.c_str(), 1);
      const auto start = std::chrono::steady_clock::now();
      records[i] = cases[i].run();
      cases[i].seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
  }
  Json::Array results;
  for (size_t i = 0; i < cases.size(); ++i) {
    Json line = summary(cases[i], cases[i].name.starts_with("limit") ? kReads : records[i]);
    line.set("megabytes", static_cast<double>(std::filesystem::file_size(cases[i].path)) / 1e6);
    results.push_back(line);
  }
  std::cout << Json(Json::Object{{"rounds", repeats}, {"results", results}}).dump(2) << "\n";
  return 0;
}
