#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <numeric>

#include "tools/command.h"

#include "deepbio/base/error.h"
#include "deepbio/community/table.h"
#include "deepbio/io/artifact.h"
#include "deepbio/io/biom.h"
#include "deepbio/io/fastx.h"
#include "deepbio/io/matrix.h"
#include "deepbio/io/metadata.h"
#include "deepbio/io/newick.h"
#include "deepbio/io/safetensors.h"
#include "deepbio/io/zip.h"
#include "deepbio/train/checkpoint.h"

namespace deepbio::tools {
namespace {

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

std::string first_bytes(const std::string& path) {
  std::string bytes(512, '\0');
  bytes.resize(io::open_bytes(path)->read(bytes.data(), bytes.size()));
  return bytes;
}

Json table_facts(const std::string& path) {
  const io::CountTable table = io::read_table(path);
  std::vector<double> totals = community::sample_totals(table);
  std::sort(totals.begin(), totals.end());
  Json out(Json::Object{{"kind", "feature table"},
                        {"num_samples", table.num_samples()},
                        {"num_features", table.num_features()},
                        {"num_entries", table.num_entries()}});
  if (!totals.empty()) {
    out.set("min_depth_reads", totals.front());
    out.set("median_depth_reads", totals[totals.size() / 2]);
    out.set("max_depth_reads", totals.back());
  }
  return out;
}

Json distance_facts(const std::string& path) {
  const io::DistanceMatrix matrix = io::read_distances(path);
  return Json(
      Json::Object{{"kind", "distance matrix"}, {"num_samples", matrix.size()}, {"has_ids", !matrix.ids.empty()}});
}

Json tree_facts(const std::string& path) {
  const io::Tree tree = io::read_newick(path);
  return Json(Json::Object{{"kind", "tree"}, {"num_tips", tree.num_tips()}, {"num_nodes", tree.num_nodes()}});
}

Json safetensors_facts(const std::string& path) {
  const io::SafetensorsFile file = io::read_safetensors(path);
  int64_t elements = 0;
  for (const io::TensorEntry& entry : file.tensors) {
    elements += std::accumulate(entry.shape.begin(), entry.shape.end(), int64_t{1}, std::multiplies<>());
  }
  return Json(Json::Object{
      {"kind", "safetensors"}, {"num_tensors", static_cast<int64_t>(file.tensors.size())}, {"num_elements", elements}});
}

Json metadata_facts(const std::string& path) {
  const io::Metadata metadata = io::read_metadata(path);
  return Json(Json::Object{{"kind", "sample metadata"},
                           {"num_samples", static_cast<int64_t>(metadata.ids.size())},
                           {"id_column", metadata.id_column},
                           {"columns", Json::array_of(metadata.columns)}});
}

Json hdf5_facts(const std::string& path) { return io::is_biom_hdf5(path) ? table_facts(path) : distance_facts(path); }

Json content_facts(const std::string& path) {
  const std::string start = first_bytes(path);
  if (start.empty()) return Json(Json::Object{{"kind", "empty file"}});
  if (starts_with(start, "\x89HDF")) return hdf5_facts(path);
  if (starts_with(start, "\x93NUMPY")) return distance_facts(path);
  if (start.size() > 8 && start[8] == '{' && start[7] == '\0') return safetensors_facts(path);
  if (start[0] == '>') return Json(Json::Object{{"kind", "FASTA (see: deepbio stats)"}});
  if (start[0] == '@') return Json(Json::Object{{"kind", "FASTQ (see: deepbio stats)"}});
  if (start[0] == '(') return tree_facts(path);
  if (start[0] == '{' || starts_with(start, "#OTU ID") || starts_with(start, "# Constructed")) return table_facts(path);
  if (start[0] == '\t') return distance_facts(path);
  return metadata_facts(path);
}

Json file_facts(const std::string& path) {
  if (!io::is_zip(path)) return content_facts(path);
  io::Artifact artifact;
  try {
    artifact = io::describe_artifact(path);
  } catch (const ParseError&) {
    return Json(Json::Object{{"kind", "zip archive (such as a TorchScript file)"}});
  }
  Json out = artifact.member.empty() ? Json(Json::Object{{"kind", "QIIME 2 artifact"}}) : content_facts(path);
  out.set("artifact_type", artifact.type);
  return out;
}

int64_t count_parameters(const train::RunConfig& config) {
  int64_t count = 0;
  for (const auto& parameter : model::make_model(config.model, config.is_predictor())->parameters()) {
    count += parameter.numel();
  }
  return count;
}

Json run_facts(const std::string& run) {
  const train::RunConfig config = train::read_run_config(run);
  Json out(Json::Object{{"kind", config.kind == "train" ? "run of train" : "run of pretrain"},
                        {"preset", config.preset},
                        {"num_parameters", count_parameters(config)}});
  if (config.target) {
    out.set("target", config.target->column());
    out.set("target_kind", config.target->is_classifier() ? "classes" : "regression");
    out.set("target_transform", std::string(data::to_string(config.target->transform())));
    if (config.target->is_classifier()) out.set("classes", Json::array_of(config.target->classes()));
  }
  const std::filesystem::path metrics = std::filesystem::path(run) / "metrics.jsonl";
  if (std::filesystem::exists(metrics)) {
    const std::string text = io::read_all(metrics.string());
    out.set("epochs_done", static_cast<int64_t>(std::count(text.begin(), text.end(), '\n')));
  }
  out.set("has_weights", std::filesystem::exists(std::filesystem::path(run) / "model.safetensors"));
  out.set("trained_on", config.trained_on);
  out.set("data", config.data.to_json());
  out.set("model", config.model.to_json());
  out.set("versions", config.versions);
  return out;
}

void print_table(const Json& facts, const std::string& prefix) {
  for (const auto& [name, value] : facts.as_object()) {
    if (value.is_object()) {
      print_table(value, prefix + name + ".");
    } else {
      std::cout << prefix << name << "\t" << (value.is_string() ? value.as_string() : value.dump()) << "\n";
    }
  }
}

int run_info(const std::string& path, const Shared& shared) {
  Json facts(Json::Object{{"path", path}});
  const bool is_folder = std::filesystem::is_directory(path);
  const Json found = is_folder ? run_facts(path) : file_facts(path);
  for (const auto& [name, value] : found.as_object()) facts.set(name, value);
  if (shared.json) {
    std::cout << facts.dump() << "\n";
  } else {
    print_table(facts, "");
  }
  return 0;
}

}  // namespace

std::function<int()> setup_info(CLI::App& app, Shared& shared) {
  auto path = std::make_shared<std::string>();
  app.add_option("path", *path, "A file or a run directory")->required();
  return [path, &shared] { return run_info(*path, shared); };
}

}  // namespace deepbio::tools
