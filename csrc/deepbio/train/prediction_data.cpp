#include "deepbio/train/prediction_data.h"

#include <algorithm>
#include <numeric>

#include "deepbio/base/error.h"
#include "deepbio/community/table.h"
#include "deepbio/io/metadata.h"

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

PredictionData prediction_data(const io::CountTable& whole, const RunConfig& config, const std::string& fasta_path,
                               bool redraw) {
  PredictionData out;
  const auto depth = static_cast<double>(config.data.rarefy_depth_reads);
  const std::vector<double> totals = community::sample_totals(whole);
  std::vector<int64_t> deep;
  for (size_t i = 0; i < totals.size(); ++i) {
    if (totals[i] > 0 && totals[i] >= depth) {
      deep.push_back(static_cast<int64_t>(i));
    } else {
      out.left_out.push_back(whole.sample_ids[i]);
    }
  }
  if (deep.empty()) {
    throw ArgumentError("no sample of the table has the " + std::to_string(config.data.rarefy_depth_reads) +
                        " reads that this run rarefies to; the deepest has " +
                        Json(totals.empty() ? 0.0 : *std::max_element(totals.begin(), totals.end())).dump());
  }
  out.table =
      std::make_shared<const io::CountTable>(community::drop_empty_features(community::select_samples(whole, deep)));
  const Json* resolved = config.training.is_object() ? config.training.find("resolved") : nullptr;
  const uint64_t seed = resolved == nullptr ? 0 : static_cast<uint64_t>(resolved->at("seed").as_int());
  out.dataset =
      std::make_unique<data::SampleDataset>(out.table, data::feature_sequences(out.table->feature_ids, fasta_path),
                                            dataset_options(config.data, seed, redraw));
  out.samples.resize(deep.size());
  std::iota(out.samples.begin(), out.samples.end(), int64_t{0});
  return out;
}

void add_covariates(PredictionData& data, const RunConfig& config, const std::string& metadata_path) {
  if (config.categories.empty()) return;
  if (metadata_path.empty()) {
    std::string columns;
    for (const auto& [name, size] : config.categories.cardinalities()) columns += (columns.empty() ? "" : ", ") + name;
    throw ArgumentError("this run was trained with covariates (" + columns + "); predictions need --metadata FILE");
  }
  data.dataset->set_categories(config.categories.encode(io::read_metadata(metadata_path), data.table->sample_ids));
}

}  // namespace deepbio::train
