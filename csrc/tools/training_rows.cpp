#include "tools/training_rows.h"

#include <sstream>

#include "deepbio/base/error.h"

namespace deepbio::tools {
namespace {

using Setup = TrainingSetup;
using Row = TrainingRow;

std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> items;
  std::istringstream stream(text);
  for (std::string item; std::getline(stream, item, ',');) items.push_back(item);
  return items;
}

template <class T>
T number_of(const std::string& text) {
  T value{};
  if (!CLI::detail::lexical_cast(text, value)) throw ConfigError("expected a number, got " + quoted(text));
  return value;
}

template <class T>
CLI::Validator every_is() {
  return CLI::Validator(
      [](std::string& text) {
        for (const std::string& item : split_commas(text)) {
          T value{};
          if (!CLI::detail::lexical_cast(item, value)) return "expected a number, got " + quoted(item);
        }
        return std::string();
      },
      "NUMBER,...");
}

Row integer(const char* name, const char* help, std::function<int64_t&(Setup&)> field) {
  return {name,
          help,
          "INT",
          false,
          false,
          CLI::TypeValidator<int64_t>("INT"),
          [field](Setup& setup, const std::string& text) { field(setup) = number_of<int64_t>(text); },
          [field](const Setup& setup) { return Json(field(const_cast<Setup&>(setup))); }};
}

Row real(const char* name, const char* help, std::function<double&(Setup&)> field) {
  return {name,
          help,
          "NUMBER",
          false,
          false,
          CLI::TypeValidator<double>("NUMBER"),
          [field](Setup& setup, const std::string& text) { field(setup) = number_of<double>(text); },
          [field](const Setup& setup) { return Json(field(const_cast<Setup&>(setup))); }};
}

Row choice(const char* name, const char* help, const std::vector<std::string>& names,
           std::function<std::string&(Setup&)> field) {
  std::string list;
  for (const std::string& each : names) list += (list.empty() ? "" : "|") + each;
  return {name,
          help,
          list,
          false,
          false,
          CLI::IsMember(names),
          [field](Setup& setup, const std::string& text) { field(setup) = text; },
          [field](const Setup& setup) { return Json(field(const_cast<Setup&>(setup))); }};
}

Row flag(const char* name, const char* help, std::function<bool&(Setup&)> field) {
  return {name,
          help,
          "",
          true,
          false,
          CLI::Validator(),
          [field](Setup& setup, const std::string& text) { field(setup) = text == "true"; },
          [field](const Setup& setup) { return Json(field(const_cast<Setup&>(setup))); }};
}

template <class T>
Row list(const char* name, const char* help, std::function<std::vector<T>&(Setup&)> field) {
  return {name,
          help,
          "NUMBER,...",
          false,
          false,
          every_is<T>(),
          [field](Setup& setup, const std::string& text) {
            field(setup).clear();
            for (const std::string& item : split_commas(text)) field(setup).push_back(number_of<T>(item));
          },
          [field](const Setup& setup) { return Json::array_of(field(const_cast<Setup&>(setup))); }};
}

Row names(const char* name, const char* help, std::function<std::vector<std::string>&(Setup&)> field) {
  return {name,
          help,
          "NAME,...",
          false,
          false,
          CLI::Validator(),
          [field](Setup& setup, const std::string& text) { field(setup) = split_commas(text); },
          [field](const Setup& setup) { return Json::array_of(field(const_cast<Setup&>(setup))); }};
}

// One value for all five stacks; the help shows that of the ASV stack.
Row of_all_stacks(Row row, std::function<void(model::ModelConfig&, const std::string&)> set) {
  row.set = [set](Setup& setup, const std::string& text) { set(setup.model, text); };
  return row;
}

void add_learning_rows(std::vector<Row>& rows) {
  rows.push_back(integer(
      "epochs", "Passes over the training samples", [](Setup & s) -> auto& { return s.training.epochs; }));
  rows.push_back(integer(
      "batch-size", "Samples per step", [](Setup & s) -> auto& { return s.training.batch_size; }));
  rows.push_back(real(
      "lr", "Highest learning rate of AdamW", [](Setup & s) -> auto& { return s.training.lr; }));
  rows.push_back(real(
      "weight-decay", "Of AdamW, on all parameters", [](Setup & s) -> auto& { return s.training.weight_decay; }));
  rows.push_back(integer(
      "warmup-steps", "Steps of linear warm-up, at most a tenth of all",
      [](Setup & s) -> auto& { return s.training.warmup_steps; }));
  rows.push_back(choice(
      "scheduler", "What the learning rate does after the warm-up", {"warmup_cosine", "constant"},
      [](Setup & s) -> auto& { return s.training.scheduler; }));
  rows.push_back(integer(
      "patience", "Epochs without a better value before stopping (0: never stop early)",
      [](Setup & s) -> auto& { return s.training.patience; }));
  rows.push_back(real(
      "max-grad-norm", "Clip gradients to this norm (0: do not)",
      [](Setup & s) -> auto& { return s.training.max_grad_norm; }));
  rows.push_back(integer(
      "gradient-accumulation-steps", "Batches per step of the optimizer",
      [](Setup & s) -> auto& { return s.training.gradient_accumulation_steps; }));
  rows.push_back(integer(
      "num-workers", "Threads that make batches ahead (0: none)",
      [](Setup & s) -> auto& { return s.training.loader_threads; }));
}

void add_model_rows(std::vector<Row>& rows) {
  rows.push_back(integer(
      "embedding-dim", "Width of all embeddings", [](Setup & s) -> auto& { return s.model.embedding_dim; }));
  rows.push_back(of_all_stacks(
      integer(
          "attention-heads", "Heads in every stack", [](Setup & s) -> auto& { return s.model.asv_num_heads; }),
      [](model::ModelConfig& m, const std::string& text) {
        m.asv_num_heads = m.sample_num_heads = m.encoder_num_heads = m.count_num_heads = m.target_num_heads =
            number_of<int64_t>(text);
      }));
  rows.push_back(of_all_stacks(
      integer(
          "attention-layers", "Layers in every stack", [](Setup & s) -> auto& { return s.model.asv_num_layers; }),
      [](model::ModelConfig& m, const std::string& text) {
        m.asv_num_layers = m.sample_num_layers = m.encoder_num_layers = m.count_num_layers = m.target_num_layers =
            number_of<int64_t>(text);
      }));
  rows.push_back(
      of_all_stacks(real(
                        "dropout", "Dropout in every stack", [](Setup & s) -> auto& { return s.model.asv_dropout; }),
                    [](model::ModelConfig& m, const std::string& text) {
                      m.asv_dropout = m.sample_dropout = m.encoder_dropout = m.count_dropout = m.target_dropout =
                          number_of<double>(text);
                    }));
  rows.push_back(integer(
      "max-bp", "Bases of an ASV that are read", [](Setup & s) -> auto& { return s.model.max_bp; }));
  rows.push_back(integer(
      "token-limit", "ASVs of a sample that are read", [](Setup & s) -> auto& { return s.model.token_limit; }));
  rows.push_back(flag(
      "count-embedding", "Let the model see how abundant each ASV is",
      [](Setup & s) -> auto& { return s.model.count_embedding; }));
  rows.push_back(choice(
      "count-embedding-method", "How", {"add", "concat", "film"},
      [](Setup & s) -> auto& { return s.model.count_embedding_method; }));
  rows.push_back(flag(
      "abundance-pooling", "Let the head see the mean ASV embedding, weighted by abundance",
      [](Setup & s) -> auto& { return s.model.abundance_pooling; }));
  rows.push_back(real(
      "nuc-mask-ratio", "Share of bases hidden for the nucleotide loss",
      [](Setup & s) -> auto& { return s.model.nuc_mask_ratio; }));
  rows.push_back(choice(
      "nuc-mask-strategy", "Which bases are hidden", {"random", "span"},
      [](Setup & s) -> auto& { return s.model.nuc_mask_strategy; }));
}

void add_data_rows(std::vector<Row>& rows) {
  rows.push_back(choice(
      "asv-sampling", "Which ASVs stay above --token-limit, and their order", {"first", "abundance", "random"},
      [](Setup & s) -> auto& { return s.asv_sampling; }));
  Row depth = integer(
      "rarefy-depth",
      "Reads drawn per sample, anew in each epoch; 0: counts as they are; auto: the largest "
      "depth up to 5000 that keeps 90 % of the samples",
      [](Setup & s) -> auto& { return s.rarefy_depth_reads; });
  depth.unit = "auto|INT";
  depth.check = CLI::Validator(
      [](std::string& text) {
        int64_t value = 0;
        const bool good = text == "auto" || (CLI::detail::lexical_cast(text, value) && value >= 0);
        return good ? std::string() : "expected auto or a number of reads, got " + quoted(text);
      },
      "auto|INT");
  depth.set = [](Setup& setup, const std::string& text) {
    setup.rarefy_depth_reads = text == "auto" ? kAutoDepth : number_of<int64_t>(text);
  };
  depth.get = [](const Setup& setup) {
    return setup.rarefy_depth_reads == kAutoDepth ? Json("auto") : Json(setup.rarefy_depth_reads);
  };
  rows.push_back(depth);
  rows.push_back(real(
      "test-size", "Share of the samples held back for validation", [](Setup & s) -> auto& { return s.test_size; }));
  rows.push_back(choice(
      "missing-features", "ASVs that are not in the tree: stop, or leave them out of the distances", {"error", "drop"},
      [](Setup & s) -> auto& { return s.missing_features; }));
  rows.push_back(choice(
      "missing-samples", "Samples absent from the metadata or the distances: stop, or leave them out",
      {"error", "drop"}, [](Setup & s) -> auto& { return s.missing_samples; }));
}

void add_loss_rows(std::vector<Row>& rows) {
  Row metric = choice(
      "unifrac-metric", "Distances to learn (AAM's names unifrac and weighted are understood)",
      {"unweighted", "weighted_normalized", "unifrac", "weighted"},
      [](Setup & s) -> auto& { return s.unifrac_metric; });
  metric.set = [](Setup& setup, const std::string& text) {
    setup.unifrac_metric = text == "unifrac" ? "unweighted" : text == "weighted" ? "weighted_normalized" : text;
  };
  rows.push_back(metric);
  rows.push_back(real(
      "penalty", "Weight of the distance loss", [](Setup & s) -> auto& { return s.training.loss.penalty; }));
  rows.push_back(real(
      "nuc-penalty", "Weight of the nucleotide loss", [](Setup & s) -> auto& { return s.training.loss.nuc_penalty; }));
}

void add_predictor_rows(std::vector<Row>& rows) {
  rows.push_back(flag(
      "classifier", "The column holds classes", [](Setup & s) -> auto& { return s.model.is_classifier; }));
  rows.push_back(list<double>(
      "class-weights", "Weight of each class in the loss, in the order of the sorted labels",
      [](Setup & s) -> auto& { return s.training.loss.class_weights; }));
  rows.push_back(choice(
      "target-transform", "What the target becomes for the model; predictions come back in its units",
      {"none", "minmax", "zscore", "log-minmax", "log-zscore"}, [](Setup & s) -> auto& { return s.target_transform; }));
  rows.push_back(choice(
      "loss-type", "Loss of a regression", {"huber", "mse", "mae", "quantile", "asymmetric"},
      [](Setup & s) -> auto& { return s.training.loss.target_loss_type; }));
  rows.push_back(list<double>(
      "quantiles", "Levels of --loss-type quantile; the middle one is the prediction",
      [](Setup & s) -> auto& { return s.training.loss.quantiles; }));
  rows.push_back(real(
      "over-penalty", "Of --loss-type asymmetric", [](Setup & s) -> auto& { return s.training.loss.over_penalty; }));
  rows.push_back(real(
      "under-penalty", "Of --loss-type asymmetric", [](Setup & s) -> auto& { return s.training.loss.under_penalty; }));
  rows.push_back(real(
      "target-penalty", "Weight of the target loss",
      [](Setup & s) -> auto& { return s.training.loss.target_penalty; }));
  rows.push_back(real(
      "count-penalty", "Weight of the count loss", [](Setup & s) -> auto& { return s.training.loss.count_penalty; }));
  rows.push_back(flag(
      "count-prediction", "Have a count head", [](Setup & s) -> auto& { return s.model.count_prediction; }));
  rows.push_back(flag(
      "freeze-base", "Train the heads only", [](Setup & s) -> auto& { return s.model.freeze_base; }));
  rows.push_back(choice(
      "best-metric", "What makes an epoch the best one", {"val_loss", "mae", "r2", "accuracy", "f1"},
      [](Setup & s) -> auto& { return s.training.best_metric; }));
  rows.push_back(flag(
      "target-layer-norm", "LayerNorm before the target head",
      [](Setup & s) -> auto& { return s.model.target_layer_norm; }));
  rows.push_back(flag(
      "bounded-targets", "Sigmoid on the prediction", [](Setup & s) -> auto& { return s.model.bounded_targets; }));
  rows.push_back(flag(
      "learnable-output-scale", "Scale and bias after the target head",
      [](Setup & s) -> auto& { return s.model.learnable_output_scale; }));
  rows.push_back(choice(
      "output-activation", "On the prediction", {"none", "relu", "softplus", "exp"},
      [](Setup & s) -> auto& { return s.model.output_activation; }));
  rows.push_back(list<int64_t>(
      "regressor-hidden-dims", "Hidden layers of the target head",
      [](Setup & s) -> auto& { return s.model.regressor_hidden_dims; }));
  rows.push_back(real(
      "regressor-dropout", "Dropout of the target head", [](Setup & s) -> auto& { return s.model.regressor_dropout; }));
  rows.push_back(flag(
      "residual-regression-head", "A linear path beside the hidden layers",
      [](Setup & s) -> auto& { return s.model.residual_regression_head; }));
}

void add_covariate_rows(std::vector<Row>& rows) {
  rows.push_back(names(
      "categorical-columns", "Metadata columns that the head sees as well, one value of each per sample",
      [](Setup & s) -> auto& { return s.categorical_columns; }));
  rows.push_back(integer(
      "categorical-embed-dim", "Width of the embedding of each",
      [](Setup & s) -> auto& { return s.model.categorical_embed_dim; }));
  rows.push_back(choice(
      "categorical-fusion", "How they meet the ASVs", {"concat", "add", "gmu", "cross-attention", "perceiver"},
      [](Setup & s) -> auto& { return s.model.categorical_fusion; }));
  rows.push_back(integer(
      "cross-attn-heads", "Heads of cross-attention and perceiver",
      [](Setup & s) -> auto& { return s.model.cross_attn_heads; }));
  rows.push_back(integer(
      "perceiver-num-latents", "Latents of perceiver",
      [](Setup & s) -> auto& { return s.model.perceiver_num_latents; }));
  rows.push_back(integer(
      "perceiver-num-layers", "Layers of perceiver", [](Setup & s) -> auto& { return s.model.perceiver_num_layers; }));
  rows.push_back(names(
      "conditional-output-scaling", "Those of them that also scale and shift the prediction",
      [](Setup & s) -> auto& { return s.model.conditional_scaling_columns; }));
}

}  // namespace

const std::vector<TrainingRow>& training_rows() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> out;
    add_learning_rows(out);
    add_model_rows(out);
    add_data_rows(out);
    add_loss_rows(out);
    const size_t common = out.size();
    add_predictor_rows(out);
    add_covariate_rows(out);
    for (size_t i = common; i < out.size(); ++i) out[i].of_predictor_only = true;
    return out;
  }();
  return rows;
}

}  // namespace deepbio::tools
