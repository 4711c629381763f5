// A preset sets values, the options that are given set theirs over it, and then `follow_the_given`
// looks at what was left alone: a value of the preset that no longer makes sense beside a given one
// changes with it. What was given is never changed.
#include "deepbio/train/setup.h"

#include "deepbio/base/error.h"

namespace deepbio::train {
namespace {

TrainingSetup aam_preset(bool is_predictor) {
  TrainingSetup setup;
  setup.preset = "aam";
  model::ModelConfig& model = setup.model;
  model.asv_num_layers = model.sample_num_layers = model.encoder_num_layers = 4;
  model.count_num_layers = model.target_num_layers = 4;
  model.predict_nucleotides = true;
  setup.study.data.rarefy_depth_reads = kAutoDepth;
  setup.study.data.asv_sampling = "first";
  setup.study.target_transform = "minmax";
  setup.training.count_target = is_predictor ? "minmax" : "relative";
  return setup;
}

// The prediction of the default preset (docs/training.md): what is known of each ASV, within a
// fixed budget of steps.
void predict_by_known_asvs(TrainingSetup& setup) {
  model::ModelConfig& model = setup.model;
  model.transformer_branch = model.count_prediction = false;
  model.freeze_base = true;
  model.known_input_dropout = model.sequence_input_dropout = 0.5;
  model.known_dropout = model.sequence_dropout = 0.8;
  // Odd, so that one bin has the middle of the targets' range as its centre.
  model.num_bins = 67;
  model.num_members = 4;
  setup.study.data.rarefy_depth_reads = 0;
  setup.study.least_thinning = 0.3;
  setup.study.data.missing_sequences = "id";
  TrainingOptions& training = setup.training;
  training.batch_size = 32;
  training.epochs = 16;
  training.min_steps = 200;
  training.beta2 = 0.98;
  training.patience = 0;
  training.best_metric = "last";
  training.average_from = 0.5;
  training.known_min_samples = 2;
  training.base_lr_factor = 0.1;  // in joint training
  training.unfreeze_from = 0.3;
  training.loss.nuc_penalty = 0;
  training.loss.target_loss_type = loss_with_answer(LossAnswer::kBins).name;
}

// A pretrained encoder predicts beside what is known, by the weight that inner folds give it.
void predict_by_sequences_too(TrainingSetup& setup) {
  setup.model.sequence_branch = true;
  setup.training.calibration_folds = 3;
}

// Classes: who is there says more than how much of it.
void adapt_to_classes(TrainingSetup& setup) {
  model::ModelConfig& model = setup.model;
  model.known_inputs = "presence";
  model.known_dropout = model.sequence_dropout = 0.5;
  model.num_bins = 0;
  setup.training.epochs = 12;
  setup.training.min_steps = 600;  // slowly: decided on inner splits, docs/science.md
  setup.training.lr = 3e-4;
  setup.training.loss.target_loss_type = LossOptions().target_loss_type;
}

TrainingSetup default_preset(bool is_predictor) {
  TrainingSetup setup;
  model::ModelConfig& model = setup.model;
  model.embedding_dim = 64;
  model.asv_num_layers = model.sample_num_layers = 2;
  model.encoder_num_layers = model.count_num_layers = model.target_num_layers = 1;
  model.predict_nucleotides = true;
  model.count_embedding = true;
  model.count_embedding_method = "film";
  // Its masks would cost more than the rest of the stack; the sample level keeps its own.
  model.asv_dropout = 0;
  setup.study.data.rarefy_depth_reads = kAutoDepth;
  setup.training.lr = 1e-3;
  setup.training.batch_size = 16;
  setup.training.epochs = 20;
  setup.training.max_grad_norm = 1;
  if (is_predictor) predict_by_known_asvs(setup);
  return setup;
}

// The parts of a pretrained encoder that must stay for its weights to fit.
void take_encoder(model::ModelConfig& model, model::ModelConfig base) {
  const OptionRows rows = model.rows(), old = base.rows();
  // Both are rows of the same struct, hence in the same order.
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].of_encoder) rows[i].set(old[i].get());
  }
}

bool is_given(const Json& given, const char* name) { return given.find(name) != nullptr; }

// What an option that is given means for others of the default preset that are not.
void follow_the_given(TrainingSetup& setup, const Json& given, bool is_pretrained) {
  TrainingOptions& training = setup.training;
  model::ModelConfig& model = setup.model;
  // Epochs are what was asked for, not more.
  if (is_given(given, "epochs") && !is_given(given, "min_steps")) training.min_steps = 0;
  // A best epoch is one of them, not a mean of several.
  if (is_given(given, "patience") && !is_given(given, "best_metric"))
    training.best_metric = "val_loss";
  if (training.best_metric != "last" && !is_given(given, "average_from")) training.average_from = 1;
  // A histogram's answer is not scaled or bounded.
  const bool scales = model.bounded_targets || model.output_activation != "none" ||
                      model.learnable_output_scale || !model.conditional_scaling_columns.empty();
  if (scales && !is_given(given, "loss_type"))
    training.loss.target_loss_type = LossOptions().target_loss_type;
  const bool wants_bins = training.loss.regression_loss().answer == LossAnswer::kBins;
  if (!wants_bins && !is_given(given, "num_bins")) model.num_bins = 0;
  // These act in the transformer's head alone.
  const bool wants_transformer = !model.regressor_hidden_dims.empty() || model.abundance_pooling ||
                                 model.categorical_fusion != "concat";
  if (wants_transformer && !is_given(given, "transformer_branch")) model.transformer_branch = true;
  // The transformer of an encoder that has learned nothing has to learn.
  if (model.transformer_branch && !is_pretrained && !is_given(given, "freeze_base"))
    model.freeze_base = false;
  // An encoder that is to learn has to reach the prediction.
  const bool moves = !model.freeze_base && !model.transformer_branch;
  if (moves && !is_given(given, "sequence_branch")) model.sequence_branch = true;
  const bool reads_sequences = model.sequence_branch || model.transformer_branch;
  if (reads_sequences && !is_given(given, "missing_sequences"))
    setup.study.data.missing_sequences = "error";
}

}  // namespace

std::vector<OptionGroup> TrainingSetup::groups() {
  return {{"Learning", training.rows()},
          {"Model", model.rows()},
          {"Data", study.rows()},
          {"Losses", training.loss.rows()}};
}

OptionRows TrainingSetup::rows() {
  OptionRows all;
  for (const OptionGroup& group : groups()) all = std::move(all) + group.rows;
  return all;
}

Json TrainingSetup::to_json() const {
  TrainingSetup copy = *this;
  Json out = deepbio::to_json(copy.rows());
  out.set("preset", preset);
  return out;
}

DataConfig TrainingSetup::data_config(int64_t rarefy_depth_reads) const {
  return {model.max_bp,
          model.token_limit,
          rarefy_depth_reads,
          study.data.asv_sampling,
          study.data.unifrac_metric,
          study.data.missing_sequences};
}

StudyOptions TrainingSetup::study_options() const {
  StudyOptions options = study;
  options.is_classifier = model.is_classifier;
  options.data = data_config(study.data.rarefy_depth_reads);
  options.learns_distances = training.loss.penalty > 0;
  options.seed = training.seed;
  return options;
}

TrainingSetup preset_setup(const std::string& name, bool is_predictor) {
  if (name == "aam") return aam_preset(is_predictor);
  if (name == "default") return default_preset(is_predictor);
  throw ConfigError("`preset`: expected default or aam, got " + quoted(name));
}

TrainingSetup resolve_setup(const SetupRequest& request) {
  TrainingSetup setup = preset_setup(request.preset, request.is_predictor);
  const bool is_adaptive = request.preset == "default" && request.is_predictor;
  // Before the given values: one that contradicts the encoder is then refused by its shapes.
  if (request.base != nullptr) take_encoder(setup.model, *request.base);
  if (request.is_pretrained && is_adaptive) predict_by_sequences_too(setup);
  setup.training.seed = request.seed;

  from_json(setup.rows(), request.given);
  if (is_adaptive) {
    if (setup.model.is_classifier) {  // decides over values of the preset, which what is given then
                                      // overrules
      adapt_to_classes(setup);
      from_json(setup.rows(), request.given);
    }
    follow_the_given(setup, request.given, request.is_pretrained);
  }

  LossOptions& loss = setup.training.loss;
  // Nothing below a frozen base learns, so that bases need not be hidden from it.
  if (setup.model.freeze_base) loss.nuc_penalty = 0;
  setup.model.predict_nucleotides = loss.nuc_penalty > 0;
  // The loss decides how many numbers a head gives: they cannot be set apart.
  setup.model.num_quantiles = request.is_predictor ? loss.num_quantiles() : 0;
  setup.training.check();
  return setup;
}

}  // namespace deepbio::train
