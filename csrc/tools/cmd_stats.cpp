#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <memory>
#include <vector>

#include "tools/command.h"
#include "tools/reading_progress.h"

#include "deepbio/base/json.h"
#include "deepbio/io/fastx.h"

namespace deepbio::tools {
namespace {

// Counts over one file. Lengths in bp, qualities as raw bytes.
struct Statistics {
  std::string path, format, container;
  std::vector<std::string> warnings;
  std::vector<int64_t> lengths;
  int64_t bases = 0;
  std::array<int64_t, 256> letters{};
  int64_t qualities = 0, quality_sum = 0;
  unsigned char lowest_quality = 255, highest_quality = 0;

  void add(const io::RecordView& record) {
    lengths.push_back(static_cast<int64_t>(record.sequence.size()));
    bases += lengths.back();
    for (const unsigned char letter : record.sequence) ++letters[letter];
    for (const unsigned char quality : record.quality) {
      lowest_quality = std::min(lowest_quality, quality);
      highest_quality = std::max(highest_quality, quality);
      quality_sum += quality;
    }
    qualities += static_cast<int64_t>(record.quality.size());
  }

  int64_t count(const char* of) const {
    int64_t sum = 0;
    for (; *of; ++of) sum += letters[static_cast<unsigned char>(*of)];
    return sum;
  }
};

// Phred+33 reaches below ';' (59), which Phred+64 and Solexa never use; those end at 'h' (104), with 'i' (105) seen now
// and then. HiFi and duplex reads have high bytes only, up to '~' (126).
int offset_guess(const Statistics& s) {
  return s.lowest_quality >= 59 && s.highest_quality > 74 && s.highest_quality <= 105 ? 64 : 33;
}

Statistics read_statistics(const std::string& path, bool quiet) {
  Statistics out;
  out.path = path;
  io::FastxReader reader(path, {.open = reading_options()});
  ReadingProgress progress(path, quiet);
  for (io::RecordView record; reader.next(record);) {
    out.add(record);
    progress.step(reader);
  }
  io::SkipReport report = reader.report();
  if (out.qualities > 0 && offset_guess(out) == 64) {
    report.warnings.emplace_back(
        "qualities look like Phred+64 (Illumina 1.3 to 1.7); readers take them for Phred+33 "
        "unless quality_offset is 64");
  }
  print_warnings(path, report);
  out.warnings = std::move(report.warnings);
  out.format = to_string(reader.format());
  out.container = to_string(reader.container());
  std::sort(out.lengths.begin(), out.lengths.end());
  return out;
}

// The length at which records at least as long hold half of all bases.
int64_t n50(const Statistics& s) {
  int64_t sum = 0;
  for (size_t i = s.lengths.size(); i-- > 0;) {
    sum += s.lengths[i];
    if (2 * sum >= s.bases) return s.lengths[i];
  }
  return 0;
}

double median(const std::vector<int64_t>& sorted) {
  if (sorted.empty()) return 0;
  const size_t middle = sorted.size() / 2;
  const auto upper = static_cast<double>(sorted[middle]);
  return sorted.size() % 2 ? upper : (static_cast<double>(sorted[middle - 1]) + upper) / 2;
}

Json to_json(const Statistics& s) {
  const auto records = static_cast<int64_t>(s.lengths.size());
  const auto share = [&](const char* letters) {
    return s.bases ? static_cast<double>(s.count(letters)) / static_cast<double>(s.bases) : 0.0;
  };
  Json out = Json::object();
  out.set("path", s.path);
  out.set("format", s.format);
  out.set("container", s.container);
  out.set("records", records);
  out.set("bases", s.bases);
  out.set("min_length_bp", records ? s.lengths.front() : int64_t{0});
  out.set("mean_length_bp", records ? static_cast<double>(s.bases) / static_cast<double>(records) : 0.0);
  out.set("median_length_bp", median(s.lengths));
  out.set("max_length_bp", records ? s.lengths.back() : int64_t{0});
  out.set("n50_bp", n50(s));
  out.set("gc_share", share("GCgcSs"));
  out.set("n_share", share("Nn"));
  if (s.qualities > 0) {
    const int offset = offset_guess(s);
    out.set("mean_quality", static_cast<double>(s.quality_sum) / static_cast<double>(s.qualities) - offset);
    out.set("quality_offset", offset);
  }
  out.set("warnings", Json::array_of(s.warnings));
  return out;
}

void print_row(const Statistics& s) {
  const Json json = to_json(s);
  const Json* quality = json.find("mean_quality");
  std::printf("%s\t%s\t%s\t%lld\t%lld\t%lld\t%.1f\t%.1f\t%lld\t%lld\t%.4f\t%.4f\t%s\t%s\n", s.path.c_str(),
              s.format.c_str(), s.container.c_str(), static_cast<long long>(s.lengths.size()),
              static_cast<long long>(s.bases), static_cast<long long>(json.at("min_length_bp").as_int()),
              json.at("mean_length_bp").as_double(), json.at("median_length_bp").as_double(),
              static_cast<long long>(json.at("max_length_bp").as_int()), static_cast<long long>(n50(s)),
              json.at("gc_share").as_double(), json.at("n_share").as_double(),
              quality ? std::to_string(quality->as_double()).c_str() : "-",
              quality ? std::to_string(offset_guess(s)).c_str() : "-");
}

int run_stats(const std::vector<std::string>& paths, const Shared& shared) {
  Json files = Json::array();
  if (!shared.json) {
    std::printf(
        "path\tformat\tcontainer\trecords\tbases\tmin_length_bp\tmean_length_bp\tmedian_length_bp\t"
        "max_length_bp\tn50_bp\tgc_share\tn_share\tmean_quality\tquality_offset\n");
  }
  for (const std::string& path : paths) {
    const Statistics statistics = read_statistics(path, shared.quiet);
    if (shared.json) {
      files.push_back(to_json(statistics));
    } else {
      print_row(statistics);
    }
  }
  if (shared.json) {
    Json document = Json::object();
    document.set("files", std::move(files));
    std::cout << document.dump(2) << "\n";
  }
  return 0;
}

}  // namespace

std::function<int()> setup_stats(CLI::App& app, Shared& shared) {
  auto paths = std::make_shared<std::vector<std::string>>();
  app.add_option("files", *paths, "FASTA or FASTQ files, plain, gzip or BGZF; - is stdin")->required();
  return [paths, &shared] { return run_stats(*paths, shared); };
}

}  // namespace deepbio::tools
