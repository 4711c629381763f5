#include "tools/training_options.h"

#include <algorithm>
#include <iostream>

#include "deepbio/base/error.h"
#include "deepbio/base/spelling.h"

namespace deepbio::tools {
namespace {

TrainingSetup aam_preset(bool is_predictor) {
  TrainingSetup setup;
  setup.preset = "aam";
  model::ModelConfig& model = setup.model;
  model.asv_num_layers = model.sample_num_layers = model.encoder_num_layers = 4;
  model.count_num_layers = model.target_num_layers = 4;
  model.predict_nucleotides = true;
  setup.asv_sampling = "first";
  setup.target_transform = "minmax";
  setup.training.count_target = is_predictor ? "minmax" : "relative";
  return setup;
}

// The prediction of the default preset (docs/training.md): what is known of each ASV, within a fixed budget of steps.
void predict_by_known_asvs(TrainingSetup& setup) {
  model::ModelConfig& model = setup.model;
  model.transformer_branch = model.count_prediction = false;
  model.freeze_base = true;
  model.known_input_dropout = model.sequence_input_dropout = 0.5;
  model.known_dropout = model.sequence_dropout = 0.8;
  model.known_inputs = "levels";
  model.num_bins = 67;
  model.num_members = 4;
  setup.rarefy_depth_reads = 0;
  setup.least_thinning = 0.3;
  setup.missing_sequences = "id";
  train::TrainingOptions& training = setup.training;
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
  training.loss.target_loss_type = "histogram";
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
  setup.training.loss.target_loss_type = train::LossOptions().target_loss_type;
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
  model.asv_dropout = 0;  // its masks would cost more than the rest of the stack; the sample level keeps its own
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
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].of_encoder) rows[i].set(old[i].get());
  }
}

std::string flag_name(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return "--" + name;
}

std::string help_text(const OptionRow& ours, const OptionRow& theirs) {
  const std::string value = value_text(ours.get()), aam = value_text(theirs.get());
  return ours.help + " (default " + value + (value == aam ? ")" : "; aam " + aam + ")");
}

// CLI11 puts the name in front of a problem, but not that of an option which the help does not show.
CLI::Validator check_of(const OptionRow& row, const std::string& used_name) {
  return {[row, used_name](std::string& text) {
            const std::string problem = row.problem(row.parse(text));
            if (problem.empty() || used_name == row.name) return spelled_for_shell(problem);
            return spelled_for_shell("`" + row.name + "`: " + problem);
          },
          row.value_name()};
}

}  // namespace

TrainingSetup preset_setup(const std::string& name, bool is_predictor) {
  if (name == "aam") return aam_preset(is_predictor);
  if (name == "default") return default_preset(is_predictor);
  throw ConfigError("`preset`: expected default or aam, got " + quoted(name));
}

OptionRows TrainingSetup::learning_rows() {
  return training.rows() +
         OptionRows{{"test_size", &test_size, "Share of the samples held back for validation", inside_unit()}};
}

OptionRows TrainingSetup::model_rows() { return model.rows(); }

OptionRows TrainingSetup::data_rows() {
  OptionValues depth = at_least(0);
  depth.words = {{"auto", kAutoDepth}};
  OptionValues above_zero_to_one = from_to(0, 1);
  above_zero_to_one.without_least = true;
  OptionValues metric = one_of({"unweighted", "weighted_normalized"});
  metric.words = {{"unifrac", "unweighted"}, {"weighted", "weighted_normalized"}};  // AAM's names
  return {{"rarefy_depth", &rarefy_depth_reads,
           "Reads drawn per sample, anew in each epoch; 0: counts as they are; auto: the largest depth up to 5000 that "
           "keeps 90 % of the samples",
           depth},
          OptionRow{"least_thinning", &least_thinning,
                    "Each epoch keeps a random share of a sample's reads, between this and 1; 1: all of them",
                    above_zero_to_one}
              .for_predictor(),
          {"asv_sampling", &asv_sampling, "Which ASVs stay above `token_limit`, and their order",
           one_of({"first", "abundance", "random"})},
          {"missing_features", &missing_features,
           "ASVs that are not in the tree: stop, or leave them out of the distances", one_of({"error", "drop"})},
          {"missing_samples", &missing_samples,
           "Samples absent from the metadata or the distances: stop, or leave them out", one_of({"error", "drop"})},
          OptionRow{"missing_sequences", &missing_sequences,
                    "Features whose id is not DNA and that are not in `sequences`: stop, or know them by their id, "
                    "which only a model that reads no sequences can",
                    one_of({"error", "id"})}
              .for_predictor(),
          {"unifrac_metric", &unifrac_metric, "Distances to learn", metric},
          OptionRow{"target_transform", &target_transform,
                    "What the target becomes for the model; predictions come back in its units",
                    one_of({"none", "minmax", "zscore", "log-minmax", "log-zscore"})}
              .for_predictor(),
          OptionRow{"categorical_columns", &categorical_columns,
                    "Covariates: metadata columns that the head sees as well, one value of each per sample"}
              .for_predictor()};
}

OptionRows TrainingSetup::loss_rows() { return training.loss.rows(); }

OptionRows TrainingSetup::rows() { return learning_rows() + model_rows() + data_rows() + loss_rows(); }

Json TrainingSetup::to_json() const {
  TrainingSetup copy = *this;
  Json out = deepbio::to_json(copy.rows());
  out.set("preset", preset);
  return out;
}

struct TrainingFlags::Given {
  std::vector<CLI::Option*> spellings;  // its name, then other names, which the help does not show
  std::string text;
  bool value = false;

  // The name that was used, without dashes in front; "" when the option was not given.
  std::string used() const {
    for (const CLI::Option* option : spellings) {
      if (option->count() > 0) return option->get_lnames().front();
    }
    return "";
  }
};

TrainingFlags::TrainingFlags(CLI::App& app, bool is_predictor) : is_predictor_(is_predictor) {
  app.add_option("--preset", preset_, "default: small, fast, sees abundances; aam: AAM's architecture and losses")
      ->check(CLI::IsMember({"default", "aam"}))
      ->capture_default_str();
  TrainingSetup ours = preset_setup("default", is_predictor), theirs = preset_setup("aam", is_predictor);
  add_group(app, "Learning", ours.learning_rows(), theirs.learning_rows());
  add_group(app, "Model", ours.model_rows(), theirs.model_rows());
  add_group(app, "Data", ours.data_rows(), theirs.data_rows());
  add_group(app, "Losses", ours.loss_rows(), theirs.loss_rows());
}

void TrainingFlags::add_group(CLI::App& app, const std::string& group, const OptionRows& ours,
                              const OptionRows& theirs) {
  for (size_t i = 0; i < ours.size(); ++i) {
    const OptionRow& row = ours[i];
    given_.push_back(std::make_unique<Given>());
    if (!row.on_command || (row.of_predictor && !is_predictor_)) continue;
    std::vector<std::string> names{row.name};
    names.insert(names.end(), row.other_names.begin(), row.other_names.end());
    names.insert(names.end(), row.old_names.begin(), row.old_names.end());
    const std::string help = spelled_for_shell(help_text(row, theirs[i]));
    for (const std::string& name : names) {
      given_.back()->spellings.push_back(add_flag(app, row, name, help)->group(name == row.name ? group : ""));
    }
  }
}

CLI::Option* TrainingFlags::add_flag(CLI::App& app, const OptionRow& row, const std::string& name,
                                     const std::string& help) {
  const std::string flag = flag_name(name);
  if (row.value_name().empty()) {
    return app.add_flag(flag + ",!--no-" + flag.substr(2), given_.back()->value, help)->take_last();
  }
  return app.add_option(flag, given_.back()->text, help)
      ->check(check_of(row, name))
      ->option_text(row.value_name())
      ->take_last();
}

TrainingFlags::~TrainingFlags() = default;

void TrainingFlags::apply_given(TrainingSetup& setup) const {
  const OptionRows rows = setup.rows();
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string used = given_[i]->used();
    if (used.empty()) continue;
    rows[i].set(rows[i].value_name().empty() ? Json(given_[i]->value) : rows[i].parse(given_[i]->text));
    for (const std::string& name : rows[i].old_names) {
      if (flag_name(name) != "--" + used) continue;
      std::cerr << "deepbio: note: --" << used << " is now " << flag_name(rows[i].name)
                << "; the old name goes with the next version\n";
    }
  }
}

bool TrainingFlags::is_given(const std::string& name) const {
  TrainingSetup any;
  const OptionRows rows = any.rows();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].name == name) return !given_[i]->used().empty();
  }
  throw Error("no option is called " + name);
}

void TrainingFlags::follow_the_given(TrainingSetup& setup, bool is_pretrained) const {
  train::TrainingOptions& training = setup.training;
  model::ModelConfig& model = setup.model;
  // Epochs are what was asked for, not more.
  if (is_given("epochs") && !is_given("min_steps")) training.min_steps = 0;
  // A best epoch is one of them, not a mean of several.
  if (is_given("patience") && !is_given("best_metric")) training.best_metric = "val_loss";
  if (training.best_metric != "last" && !is_given("average_from")) training.average_from = 1;
  // A histogram's answer is not scaled or bounded.
  const bool scales = model.bounded_targets || model.output_activation != "none" || model.learnable_output_scale ||
                      !model.conditional_scaling_columns.empty();
  if (scales && !is_given("loss_type")) training.loss.target_loss_type = train::LossOptions().target_loss_type;
  if (training.loss.target_loss_type != "histogram" && !is_given("num_bins")) model.num_bins = 0;
  // These act in the transformer's head alone.
  const bool wants_transformer =
      !model.regressor_hidden_dims.empty() || model.abundance_pooling || model.categorical_fusion != "concat";
  if (wants_transformer && !is_given("transformer_branch")) model.transformer_branch = true;
  // The transformer of an encoder that has learned nothing has to learn.
  if (model.transformer_branch && !is_pretrained && !is_given("freeze_base")) model.freeze_base = false;
  // An encoder that is to learn has to reach the prediction.
  const bool moves = !model.freeze_base && !model.transformer_branch;
  if (moves && !is_given("sequence_branch")) model.sequence_branch = true;
  const bool reads_sequences = model.sequence_branch || model.transformer_branch;
  if (reads_sequences && !is_given("missing_sequences")) setup.missing_sequences = "error";
}

TrainingSetup TrainingFlags::resolve(const Shared& shared, const model::ModelConfig* base, bool is_pretrained) const {
  TrainingSetup setup = preset_setup(preset_, is_predictor_);
  if (base != nullptr) take_encoder(setup.model, *base);
  if (is_pretrained && is_predictor_ && preset_ == "default") predict_by_sequences_too(setup);
  setup.training.seed = shared.seed;
  apply_given(setup);
  if (preset_ == "default" && is_predictor_) {
    if (setup.model.is_classifier) {  // decides over values of the preset, which what is given then overrules
      adapt_to_classes(setup);
      apply_given(setup);
    }
    follow_the_given(setup, is_pretrained);
  }
  train::LossOptions& loss = setup.training.loss;
  if (setup.model.freeze_base) loss.nuc_penalty = 0;
  setup.model.predict_nucleotides = loss.nuc_penalty > 0;
  setup.model.num_quantiles = is_predictor_ ? loss.num_quantiles() : 0;
  setup.training.check();
  return setup;
}

}  // namespace deepbio::tools
