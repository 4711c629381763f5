#include <cstdio>
#include <iostream>
#include <memory>
#include <vector>

#include "tools/command.h"
#include "tools/printing.h"
#include "tools/reading_progress.h"

#include "deepbio/io/reads/statistics.h"

namespace deepbio::tools {
namespace {

Json read_statistics(const std::string& path, bool quiet) {
  io::FastxReader reader(path, {.open = reading_options()});
  ReadingProgress progress(path, quiet);
  io::ReadStatistics statistics;
  for (io::RecordView record; reader.next(record);) {
    statistics.add(record);
    progress.step(reader);
  }
  std::vector<std::string> warnings = reader.report().warnings;
  if (const std::string warning = statistics.quality_warning(); !warning.empty())
    warnings.push_back(warning);
  Json out(Json::Object{{"path", path},
                        {"format", std::string(to_string(reader.format()))},
                        {"container", std::string(to_string(reader.container()))}});
  const Json numbers = statistics.to_json();
  for (const auto& [name, value] : numbers.as_object()) out.set(name, value);
  out.set("warnings", Json::array_of(warnings));
  print_warnings(out);
  return out;
}

void print_statistics(const Json& row) {
  const auto whole = [&](const char* name) {
    return static_cast<long long>(row.at(name).as_int());
  };
  const Json* quality = row.find("mean_quality");
  std::printf("%s\t%s\t%s\t%lld\t%lld\t%lld\t%.1f\t%.1f\t%lld\t%lld\t%.4f\t%.4f\t%s\t%s\n",
              row.at("path").as_string().c_str(), row.at("format").as_string().c_str(),
              row.at("container").as_string().c_str(), whole("records"), whole("bases"),
              whole("min_length_bp"), row.at("mean_length_bp").as_double(),
              row.at("median_length_bp").as_double(), whole("max_length_bp"), whole("n50_bp"),
              row.at("gc_share").as_double(), row.at("n_share").as_double(),
              quality ? std::to_string(quality->as_double()).c_str() : "-",
              quality ? row.at("quality_offset").dump().c_str() : "-");
}

int run_stats(const std::vector<std::string>& paths, const Shared& shared) {
  Json files = Json::array();
  if (!shared.json) {
    std::printf(
        "path\tformat\tcontainer\trecords\tbases\tmin_length_bp\tmean_length_bp\tmedian_length_bp\t"
        "max_length_bp\tn50_bp\tgc_share\tn_share\tmean_quality\tquality_offset\n");
  }
  for (const std::string& path : paths) {
    Json row = read_statistics(path, shared.quiet);
    if (!shared.json) print_statistics(row);
    files.push_back(std::move(row));
  }
  print_json(Json(Json::Object{{"files", std::move(files)}}), shared, 2);
  return 0;
}

}  // namespace

std::function<int()> setup_stats(CLI::App& app, Shared& shared) {
  auto paths = std::make_shared<std::vector<std::string>>();
  app.add_option("files", *paths, "FASTA, FASTQ or BAM files, plain, gzip or BGZF; - is stdin")
      ->required();
  return [paths, &shared] { return run_stats(*paths, shared); };
}

}  // namespace deepbio::tools
