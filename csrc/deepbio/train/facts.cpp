#include "deepbio/train/facts.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <numeric>

#include "deepbio/base/error.h"
#include "deepbio/community/table.h"
#include "deepbio/io/biom.h"
#include "deepbio/io/matrix.h"
#include "deepbio/io/metadata.h"
#include "deepbio/io/newick.h"
#include "deepbio/io/safetensors.h"
#include "deepbio/io/sniff.h"
#include "deepbio/train/checkpoint.h"

namespace deepbio::train {
namespace {

Json table_facts(const std::string& path) {
  const io::CountTable table = io::read_table(path);
  const std::vector<double> totals = community::sample_totals(table);
  Json out(Json::Object{{"kind", "feature table"},
                        {"num_samples", table.num_samples()},
                        {"num_features", table.num_features()},
                        {"num_entries", table.num_entries()}});
  if (!totals.empty()) {
    out.set("min_depth_reads", *std::min_element(totals.begin(), totals.end()));
    out.set("median_depth_reads", community::median(totals));
    out.set("max_depth_reads", *std::max_element(totals.begin(), totals.end()));
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
  return Json(Json::Object{
      {"kind", "tree"}, {"num_tips", tree.num_tips()}, {"num_nodes", tree.num_nodes()}, {"is_rooted", tree.is_rooted}});
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

Json sequence_facts(const char* format) {
  return Json(Json::Object{{"kind", std::string(format) + " (see: deepbio stats)"}});
}

Json content_facts(const std::string& path, const io::FileGuess& guess) {
  switch (guess.kind) {
    case io::FileKind::kEmpty:
      return Json(Json::Object{{"kind", "empty file"}});
    case io::FileKind::kFasta:
      return sequence_facts("FASTA");
    case io::FileKind::kFastq:
      return sequence_facts("FASTQ");
    case io::FileKind::kTable:
      return table_facts(path);
    case io::FileKind::kTree:
      return tree_facts(path);
    case io::FileKind::kDistances:
      return distance_facts(path);
    case io::FileKind::kMetadata:
      return metadata_facts(path);
    case io::FileKind::kSafetensors:
      return safetensors_facts(path);
    case io::FileKind::kArtifact:
      return Json(Json::Object{{"kind", "QIIME 2 artifact"}});
    case io::FileKind::kForeign:
      return Json(Json::Object{{"kind", "not read: " + guess.description}});
    case io::FileKind::kUnknown:
      break;
  }
  throw ParseError({path}, "sequences, a table, a tree, distances, metadata or tensors", "content of another kind");
}

Json file_facts(const std::string& path) {
  const io::FileGuess guess = io::sniff(path);
  Json out = content_facts(path, guess);
  if (guess.container != io::Container::kPlain) out.set("container", std::string(to_string(guess.container)));
  if (!guess.artifact_type.empty()) out.set("artifact_type", guess.artifact_type);
  return out;
}

int64_t count_parameters(const RunConfig& config) {
  int64_t count = 0;
  for (const auto& parameter : model::make_model(config.model, config.is_predictor())->parameters()) {
    count += parameter.numel();
  }
  return count;
}

Json run_facts(const std::string& run) {
  const RunConfig config = read_run_config(run);
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

}  // namespace

Json facts_of(const std::string& path) {
  Json facts(Json::Object{{"path", path}});
  const Json found = std::filesystem::is_directory(path) ? run_facts(path) : file_facts(path);
  for (const auto& [name, value] : found.as_object()) facts.set(name, value);
  return facts;
}

}  // namespace deepbio::train
