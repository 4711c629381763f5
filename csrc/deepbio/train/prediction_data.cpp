#include "deepbio/train/prediction_data.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>

#include "deepbio/base/error.h"
#include "deepbio/community/table.h"
#include "deepbio/data/feature_sequences.h"
#include "deepbio/io/tables/metadata.h"
#include "deepbio/train/run.h"
#include "deepbio/train/study.h"

namespace deepbio::train {

data::SampleDatasetOptions dataset_options(const DataConfig& data, uint64_t seed, bool redraw) {
  data::SampleDatasetOptions options;
  options.max_bp = data.max_bp;
  options.token_limit = data.token_limit;
  options.asv_sampling = data::parse_asv_sampling(data.asv_sampling);
  options.rarefy_depth_reads = data.rarefy_depth_reads;
  options.redraw_each_epoch = redraw;
  options.seed = seed;
  options.metric = community::parse_metric(data.unifrac_metric);
  return options;
}

PredictionData prediction_data(const io::CountTable& whole, const RunConfig& config,
                               const std::string& fasta_path, bool redraw) {
  PredictionData out;
  const auto depth = static_cast<double>(config.data.rarefy_depth_reads);
  const std::vector<double> totals = community::sample_totals(whole);
  std::vector<int64_t> deep;
  for (size_t i = 0; i < totals.size(); ++i) {
    // As training chose its samples: at depth 0 one read is enough.
    if (totals[i] > 0 && totals[i] >= depth) {
      deep.push_back(static_cast<int64_t>(i));
    } else {
      out.left_out.push_back(whole.sample_ids[i]);
    }
  }
  if (deep.empty()) {
    throw ArgumentError(
        "no sample of the table has the " + std::to_string(config.data.rarefy_depth_reads) +
        " reads that this run rarefies to; the deepest has " +
        Json(totals.empty() ? 0.0 : *std::max_element(totals.begin(), totals.end())).dump());
  }
  // Features without reads in these samples would be encoded, and asked for their DNA, for nothing.
  out.table = std::make_shared<const io::CountTable>(
      community::drop_empty_features(community::select_samples(whole, deep)));
  const Json* resolved = config.training.is_object() ? config.training.find("resolved") : nullptr;
  // The run's: the draw of reads is the one that validation saw.
  const uint64_t seed =
      resolved == nullptr ? 0 : static_cast<uint64_t>(resolved->at("seed").as_int());
  const auto missing = data::parse_missing_sequences(config.data.missing_sequences);
  out.dataset = std::make_unique<data::SampleDataset>(
      out.table, data::feature_sequences(out.table->feature_ids, fasta_path, missing),
      dataset_options(config.data, seed, redraw));
  if (!out.left_out.empty()) {
    out.notes.push_back("left out " + std::to_string(out.left_out.size()) + " of " +
                        std::to_string(whole.sample_ids.size()) + " samples with fewer than " +
                        std::to_string(std::max<int64_t>(config.data.rarefy_depth_reads, 1)) +
                        " reads: " + some_of(out.left_out));
  }
  if (const std::string note = cut_note(*out.dataset); !note.empty()) out.notes.push_back(note);
  out.samples.resize(deep.size());
  std::iota(out.samples.begin(), out.samples.end(), int64_t{0});
  return out;
}

void note_unseen_asvs(PredictionData& data, const std::string& run) {
  const std::vector<std::string> trained_on = read_train_asvs(run);
  if (trained_on.empty()) return;
  // The model reads max_bp bases of an ASV: what differs after them is the same to it.
  const auto max_bp = static_cast<size_t>(data.dataset->options().max_bp);
  std::unordered_set<std::string> known;
  for (const std::string& dna : trained_on) known.insert(dna.substr(0, max_bp));
  // Both lists are upper case DNA, so that they can be compared as text.
  const std::vector<std::string> asvs = asvs_of(*data.dataset, data.samples);
  const auto num_seen =
      static_cast<size_t>(std::count_if(asvs.begin(), asvs.end(), [&](const std::string& dna) {
        return known.count(dna.substr(0, max_bp)) > 0;
      }));
  if (num_seen == asvs.size()) return;
  const model::ModelConfig model = read_run_config(run).model;
  // What an unseen ASV means depends on the model: its sequence may say something, its identity
  // cannot.
  const bool reads_sequences =
      model.is_plain() || model.sequence_branch || model.transformer_branch;
  const char* others = reads_sequences ? "; the others are known by their sequence alone"
                                       : "; the others count as reads, no more";
  data.notes.push_back(std::to_string(num_seen) + " of " + std::to_string(asvs.size()) +
                       " ASVs of the table were seen in training" +
                       (num_seen == 0 ? ": predictions are guesses" : others));
}

std::string cut_note(const data::SampleDataset& dataset) {
  const auto max_bp = static_cast<size_t>(dataset.options().max_bp);
  size_t num_cut = 0, longest = 0;
  for (const std::string& dna : dataset.sequences()) {
    num_cut += dna.size() > max_bp;
    longest = std::max(longest, dna.size());
  }
  if (num_cut == 0) return "";
  return std::to_string(num_cut) + " of " + std::to_string(dataset.sequences().size()) +
         " ASVs are longer than `max_bp` " + std::to_string(max_bp) + " (up to " +
         std::to_string(longest) + " bases); the model does not see the rest of them";
}

void add_covariates(PredictionData& data, const RunConfig& config,
                    const std::string& metadata_path) {
  if (config.categories.empty()) return;
  if (metadata_path.empty()) {
    std::string columns;
    for (const auto& [name, size] : config.categories.cardinalities())
      columns += (columns.empty() ? "" : ", ") + name;
    throw ArgumentError("this run was trained with covariates (" + columns +
                        "); predictions need `metadata`");
  }
  data.dataset->set_categories(
      config.categories.encode(io::read_metadata(metadata_path), data.table->sample_ids));
}

}  // namespace deepbio::train
