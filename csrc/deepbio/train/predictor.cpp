#include "deepbio/train/predictor.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "deepbio/base/error.h"
#include "deepbio/data/feature_sequences.h"
#include "deepbio/io/tables/tsv_cell.h"
#include "deepbio/model/device.h"
#include "deepbio/model/distribution.h"
#include "deepbio/seq/encode.h"
#include "deepbio/train/start.h"

namespace deepbio::train {
namespace {

// Puts a model into eval mode without gradients and back.
class Evaluating {
 public:
  explicit Evaluating(model::AamModel& model) : model_(model), was_training_(model.is_training()) {
    model_.eval();
  }
  // Also when the model throws: a caller that trains goes on in training mode.
  ~Evaluating() { model_.train(was_training_); }
  Evaluating(const Evaluating&) = delete;
  Evaluating& operator=(const Evaluating&) = delete;

 private:
  model::AamModel& model_;
  bool was_training_;
  torch::NoGradGuard no_grad_;
};

// [F, D] with the rows of `features` filled in, the others zero.
torch::Tensor encode_some(model::AamModel& model, const data::SampleDataset& dataset,
                          const std::vector<int64_t>& features, int64_t batch_size) {
  const Evaluating evaluating(model);
  const torch::Device device = model::device_of(model);
  torch::Tensor embeddings = torch::zeros(
      {static_cast<int64_t>(dataset.sequences().size()), model.config().embedding_dim}, device);
  for (size_t begin = 0; begin < features.size(); begin += static_cast<size_t>(batch_size)) {
    const size_t end = std::min(features.size(), begin + static_cast<size_t>(batch_size));
    std::vector<std::string_view> reads;
    for (size_t i = begin; i < end; ++i) reads.emplace_back(dataset.sequences()[features[i]]);
    const torch::Tensor tokens = seq::encode_aam_tokens(reads, dataset.options().max_bp).values;
    const std::vector<int64_t> rows(features.begin() + begin, features.begin() + end);
    embeddings.index_copy_(0, torch::tensor(rows, torch::kLong).to(device),
                           model.encode_asvs(tokens.to(device)));
  }
  return embeddings;
}

std::vector<int64_t> features_of(const data::SampleDataset& dataset,
                                 const std::vector<int64_t>& samples) {
  const io::CountTable& table = dataset.table();
  std::vector<bool> is_used(table.feature_ids.size(), false);
  for (const int64_t sample : samples) {
    if (sample < 0 || sample >= table.num_samples()) {
      throw ArgumentError("predict: expected samples 0.." +
                          std::to_string(table.num_samples() - 1) + ", got " +
                          std::to_string(sample));
    }
    for (int64_t entry = table.indptr[sample]; entry < table.indptr[sample + 1]; ++entry) {
      is_used[table.indices[entry]] = true;
    }
  }
  std::vector<int64_t> features;
  for (size_t feature = 0; feature < is_used.size(); ++feature) {
    if (is_used[feature]) features.push_back(static_cast<int64_t>(feature));
  }
  return features;
}

// Whether a prediction depends on ASV embeddings: a branch that the mixture gives no weight is not
// worth encoding for.
bool needs_embeddings(const model::AamModel& model) {
  const auto* predictor = dynamic_cast<const model::SequencePredictorImpl*>(&model);
  const model::ModelConfig& config = model.config();
  if (predictor == nullptr || config.transformer_branch) return true;
  if (!config.sequence_branch) return false;
  // Members of known ASVs come first in the mixture (SequencePredictorImpl::member_outputs).
  const int64_t first = config.num_known_asvs > 0 ? config.num_members : 0;
  return predictor->mixture()->weight.slice(0, first).gt(0).any().item<bool>();
}

// What all processes answer for their parts of N samples, [N, ...], in each of them.
torch::Tensor gathered(const torch::Tensor& own, int64_t begin, int64_t count, int64_t size,
                       const ProcessGroup& group) {
  std::vector<int64_t> shape = own.sizes().vec();
  shape[0] = size;
  // Each row is one process's, so the sum is exact.
  torch::Tensor all = torch::zeros(shape, own.options());
  all.narrow(0, begin, count).copy_(own.narrow(0, 0, count));
  group.all_reduce(all);
  return all;
}

// Runs the model on the samples in batches; `pick` takes from the outputs what is wanted, [B, ...].
template <class Pick>
torch::Tensor forward_all(model::AamModel& model, const data::SampleDataset& dataset,
                          const std::vector<int64_t>& all_samples, const PredictOptions& options,
                          bool embed_samples, Pick pick) {
  if (all_samples.empty()) throw ArgumentError("predict: expected at least one sample, got none");
  if (options.batch_size < 1) {
    throw ArgumentError("predict: expected a batch size >= 1, got " +
                        std::to_string(options.batch_size));
  }
  const auto size_of_all = static_cast<int64_t>(all_samples.size());
  // Shares that differ by one at most, and in order: gathering puts rows back where they were.
  const int64_t first = size_of_all * options.group.rank / options.group.world_size,
                count = size_of_all * (options.group.rank + 1) / options.group.world_size - first;
  // A process without samples answers for one that nobody asks it about.
  const std::vector<int64_t> samples(
      all_samples.begin() + std::min(first, size_of_all - 1),
      all_samples.begin() + std::min(first, size_of_all - 1) + std::max<int64_t>(count, 1));
  const torch::Device device = model::find_device(options.device, model::device_of(model));
  model.to(device);
  const Evaluating evaluating(model);
  const bool encodes = embed_samples || needs_embeddings(model);
  const std::vector<int64_t> used = features_of(dataset, samples);
  FeatureTensors features;
  features.embeddings =
      // [F, D] although few features may be used: make_inputs picks rows by the feature's number.
      encode_some(model, dataset, encodes ? used : std::vector<int64_t>(), /*batch_size=*/64);
  if (model.config().num_known_asvs > 0) features.identity = feature_identities(dataset).to(device);
  std::vector<torch::Tensor> parts;
  for (size_t begin = 0; begin < samples.size(); begin += static_cast<size_t>(options.batch_size)) {
    const size_t size = std::min(samples.size() - begin, static_cast<size_t>(options.batch_size));
    const data::SampleBatch batch = data::on_device(
        dataset.batch(std::span(samples).subspan(begin, size), options.epoch), device);
    const model::Outputs outputs = model.forward(
        make_inputs(batch, features),
        {.skip_padding = true, .predict_counts = false, .embed_samples = embed_samples});
    parts.push_back(pick(outputs).cpu());
  }
  const torch::Tensor own = torch::cat(parts);
  return options.group.is_alone() ? own : gathered(own, first, count, size_of_all, options.group);
}

torch::Tensor in_target_units(const torch::Tensor& scaled, const RunConfig& config) {
  torch::Tensor values = scaled.contiguous().clone();
  if (!config.target) return values;
  double* value = values.data_ptr<double>();
  for (int64_t i = 0; i < values.numel(); ++i) value[i] = config.target->restore(value[i]);
  return values;
}

// Median, mean and interval from predictions.distribution. A quantile passes through the target's
// transform, which rises; a mean does not, so it is taken over the bins in the target's own units.
void answer_by_distribution(const torch::Tensor& edges, const RunConfig& config,
                            Predictions& predictions) {
  namespace fn = model::functional;
  const torch::Tensor log_probabilities = predictions.distribution.log();
  const auto quantile = [&](double level) {
    return in_target_units(fn::distribution_quantile(log_probabilities, edges, level), config);
  };
  predictions.values = quantile(0.5).unsqueeze(1);
  // An interval that holds nine in ten.
  predictions.levels = {0.05, 0.95};
  predictions.quantiles = torch::stack({quantile(0.05), quantile(0.95)}, 1);
  const torch::Tensor centres = 0.5 * (edges.slice(0, 1) + edges.slice(0, 0, -1));
  predictions.means = torch::matmul(predictions.distribution, in_target_units(centres, config));
}

// Nine digits: a float32 answer has seven, and its way back to the target's unit adds rounding.
std::string number(double value) {
  char text[32];
  const auto end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::general, 9).ptr;
  return std::string(text, end);
}

// with_actual: the truth stands in a column after the prediction.
std::string header_line(const Predictions& predictions, const RunConfig& config, bool with_actual) {
  const int64_t outputs = predictions.values.size(1);
  const bool is_classifier = config.target && config.target->is_classifier();
  std::string line = "sample_id";
  if (is_classifier || outputs == 1) {
    line.append("\tprediction");
  } else {
    for (int64_t output = 0; output < outputs; ++output)
      line.append("\tprediction_").append(std::to_string(output));
  }
  if (with_actual) line.append("\tactual");
  if (is_classifier) {
    for (const std::string& name : config.target->classes()) {
      line.append("\t").append(io::quoted_cell("probability_" + name));
    }
  }
  if (predictions.means.defined()) line.append("\tprediction_mean");
  for (const double level : predictions.levels) line.append("\tquantile_").append(number(level));
  return line.append(predictions.deviation.defined() ? "\tprediction_std\n" : "\n");
}

std::string class_name(const RunConfig& config, int64_t class_id) {
  return io::quoted_cell(config.target->classes()[static_cast<size_t>(class_id)]);
}

// A row per sample, in the target's units; actual: null, or what is true of each.
std::string table_text(const Predictions& predictions, const RunConfig& config,
                       const Truth* actual) {
  const bool is_classifier = config.target && config.target->is_classifier();
  const torch::Tensor values = predictions.values.to(torch::kDouble).contiguous();
  const double* value = values.const_data_ptr<double>();
  std::string text = header_line(predictions, config, actual != nullptr);
  const auto add = [&text](const std::string& cell) { text.append("\t").append(cell); };
  const auto add_values = [&] {
    for (int64_t column = 0; column < values.size(1); ++column) add(number(*value++));
  };
  for (size_t row = 0; row < predictions.sample_ids.size(); ++row) {
    text += io::quoted_cell(predictions.sample_ids[row]);
    if (is_classifier) {
      add(class_name(config, predictions.class_ids[row]));
      if (actual != nullptr) add(io::quoted_cell(actual->labels.at(row)));
      add_values();
    } else {
      add_values();
      if (actual != nullptr) add(number(actual->values.at(row)));
    }
    if (predictions.means.defined()) add(number(predictions.means[row].item<double>()));
    for (size_t level = 0; level < predictions.levels.size(); ++level) {
      add(number(predictions.quantiles[row][level].item<double>()));
    }
    if (predictions.deviation.defined()) add(number(predictions.deviation[row].item<double>()));
    text += "\n";
  }
  return text;
}

// The levels a quantile regression was trained with.
std::vector<double> quantile_levels(const RunConfig& config, int64_t count) {
  const Json* resolved = config.training.is_object() ? config.training.find("resolved") : nullptr;
  const Json* loss = resolved == nullptr ? nullptr : resolved->find("loss");
  const Json* levels = loss == nullptr ? nullptr : loss->find("quantiles");
  std::vector<double> out;
  if (levels != nullptr) {
    for (const Json& level : levels->as_array()) out.push_back(level.as_double());
  }
  // A file that was changed by hand: columns would get the names of other levels.
  if (static_cast<int64_t>(out.size()) != count) {
    throw ConfigError("config.json: the model answers " + std::to_string(count) +
                      " quantiles, the run says " + std::to_string(out.size()));
  }
  return out;
}

}  // namespace

FeatureTensors frozen_features(model::AamModel& model, const data::SampleDataset& dataset) {
  const model::ModelConfig& config = model.config();
  FeatureTensors features;
  if (!model.is_predictor() || !config.freeze_base) return features;
  if (config.transformer_branch || config.sequence_branch)
    features.embeddings = encode_features(model, dataset);
  if (config.num_known_asvs > 0)
    features.identity = feature_identities(dataset).to(model::device_of(model));
  return features;
}

torch::Tensor encode_features(model::AamModel& model, const data::SampleDataset& dataset,
                              int64_t batch_size) {
  std::vector<int64_t> all(dataset.sequences().size());
  for (size_t feature = 0; feature < all.size(); ++feature)
    all[feature] = static_cast<int64_t>(feature);
  return encode_some(model, dataset, all, batch_size);
}

OptionRows PredictOptions::rows() {
  return {{"batch_size", &batch_size, "Samples at a time", at_least(1)}, model::device_row(device)};
}

Predictions predict(model::AamModel& model, const RunConfig& config,
                    const data::SampleDataset& dataset, const std::vector<int64_t>& samples,
                    const PredictOptions& options) {
  if (!model.is_predictor()) {
    throw ArgumentError(
        "predict: this run is a pretrained encoder without a target; use `deepbio embed`, or train "
        "it");
  }
  const bool has_bins = model.config().num_bins > 0;
  torch::Tensor values =
      forward_all(model, dataset, samples, options, /*embed_samples=*/false,
                  [has_bins](const model::Outputs& outputs) {
                    return has_bins ? outputs.target_distribution : outputs.target_prediction;
                  })
          .to(torch::kDouble);
  Predictions predictions;
  for (const int64_t sample : samples)
    predictions.sample_ids.push_back(dataset.table().sample_ids[sample]);
  if (model.config().is_classifier) {
    predictions.values = values.exp();
    const torch::Tensor chosen = model::class_scores(model, values).argmax(-1).contiguous();
    predictions.class_ids.assign(chosen.data_ptr<int64_t>(),
                                 chosen.data_ptr<int64_t>() + chosen.numel());
    return predictions;
  }
  if (has_bins) {
    predictions.distribution = values.exp();
    const auto& predictor = dynamic_cast<const model::SequencePredictorImpl&>(model);
    answer_by_distribution(predictor.mixture()->bin_edges.cpu().to(torch::kDouble), config,
                           predictions);
    return predictions;
  }
  // [N, O, Q]. Of several outputs a file has no columns for their quantiles, and the median alone
  // is given.
  if (values.dim() == 3) {
    predictions.levels = quantile_levels(config, values.size(2));
    if (values.size(1) == 1) predictions.quantiles = in_target_units(values.select(1, 0), config);
    values = values.select(2, nearest_to_median(predictions.levels));
    if (!predictions.quantiles.defined()) predictions.levels.clear();
  }
  predictions.values = in_target_units(values, config);
  return predictions;
}

torch::Tensor embed(model::AamModel& model, const data::SampleDataset& dataset,
                    const std::vector<int64_t>& samples, const PredictOptions& options) {
  // Embeddings of made-up sequences would look like those of real ones.
  const std::string without =
      data::without_sequence(dataset.table().feature_ids, dataset.sequences());
  if (!without.empty()) throw ArgumentError("embed: the encoder reads sequences, but " + without);
  return forward_all(
      model, dataset, samples, options, /*embed_samples=*/true, [](const model::Outputs& outputs) {
        if (!outputs.embeddings.defined()) {
          throw ArgumentError(
              "embed: a model with encoder type other than unifrac has no sample embeddings");
        }
        return outputs.embeddings;
      });
}

void write_predictions(const std::string& path, const Predictions& predictions,
                       const RunConfig& config, io::Overwrite overwrite) {
  io::write_file(path, table_text(predictions, config, nullptr), overwrite);
}

void write_validation(const std::string& path, const Predictions& predictions,
                      const RunConfig& config, const Truth& actual) {
  io::write_file(path, table_text(predictions, config, &actual));
}

}  // namespace deepbio::train
