// One row for each option, in groups; a row holds the address of its field, so that JSON, keywords,
// flags and docs read and write the struct itself. What a single row can tell (a range, a choice)
// is checked there; what needs two is in Check.
#include "deepbio/model/config.h"

#include "deepbio/base/error.h"

namespace deepbio::model {
namespace {

// Keywords of AAM's constructors that change speed and nothing else.
constexpr std::string_view kSpeedKeywords[] = {"attn_implementation", "asv_chunk_size",
                                               "gradient_checkpointing"};

struct Stack {
  const char* name;
  const char* what;
  int64_t *layers, *heads, *width;
  double* dropout;
};

// Five transformers with the same four options each: their rows are made, not written.
std::vector<Stack> stacks(ModelConfig& c) {
  return {{"asv", "letters of an ASV", &c.asv_num_layers, &c.asv_num_heads,
           &c.asv_intermediate_size, &c.asv_dropout},
          {"sample", "ASVs of a sample", &c.sample_num_layers, &c.sample_num_heads,
           &c.sample_intermediate_size, &c.sample_dropout},
          {"encoder", "ASVs, before the sample embedding", &c.encoder_num_layers,
           &c.encoder_num_heads, &c.encoder_intermediate_size, &c.encoder_dropout},
          {"count", "ASVs, before the count head", &c.count_num_layers, &c.count_num_heads,
           &c.count_intermediate_size, &c.count_dropout},
          {"target", "ASVs, before the target head", &c.target_num_layers, &c.target_num_heads,
           &c.target_intermediate_size, &c.target_dropout}};
}

OptionRows size_rows(ModelConfig& c) {
  return {
      OptionRow{"vocab_size", &c.vocab_size,
                "Token ids: padding 0, A 1, C 2, G 3, T 4, START 5, MASK 6", at_least(5)}
          .for_encoder()
          .not_on_command(),
      OptionRow{"embedding_dim", &c.embedding_dim,
                "Width of all embeddings; time grows with its square", at_least(1)}
          .for_encoder(),
      OptionRow{"max_bp", &c.max_bp, "Bases of an ASV that are read; what is longer is cut",
                at_least(1)}
          .for_encoder(),
      OptionRow{"token_limit", &c.token_limit, "ASVs of a sample that are read", at_least(1)}
          .for_encoder(),
  };
}

template <class Field>
OptionRow of_all(const char* name, std::vector<Field*> fields, const char* help,
                 OptionValues values) {
  OptionRow row{name, fields.front(), help, std::move(values)};
  // The shorthand comes before the rows of the stacks, which may then differ from it.
  return row.sets_all({fields.begin() + 1, fields.end()});
}

OptionRows stack_rows(ModelConfig& c) {
  std::vector<int64_t*> layers, heads;
  std::vector<double*> dropouts;
  OptionRows each;
  for (const Stack& stack : stacks(c)) {
    const std::string name = stack.name, of = std::string(" of the transformer over ") + stack.what;
    // The encoder of pretraining has no such stack.
    const bool is_head = name == "count" || name == "target";
    OptionRow shape[] = {{name + "_num_layers", stack.layers, "Layers" + of, at_least(1)},
                         {name + "_num_heads", stack.heads,
                          "Attention heads" + of + "; they share the width", at_least(1)},
                         {name + "_intermediate_size", stack.width,
                          "Feed-forward width" + of + "; 0: 4 times the width", at_least(0)}};
    for (OptionRow& row : shape) {
      row.on_command = false;
      row.of_encoder = !is_head;
      row.of_predictor = is_head;
      each.push_back(row);
    }
    each.push_back(
        OptionRow{name + "_dropout", stack.dropout, "Dropout" + of, below_one()}.not_on_command());
    each.back().of_predictor = is_head;
    layers.push_back(stack.layers);
    heads.push_back(stack.heads);
    dropouts.push_back(stack.dropout);
  }
  return OptionRows{of_all("attention_heads", heads, "Attention heads of every stack", at_least(1)),
                    of_all("attention_layers", layers,
                           "Layers of every stack; time grows with them", at_least(1)),
                    of_all("dropout", dropouts, "Dropout of every stack", below_one())} +
         each;
}

OptionRows encoder_rows(ModelConfig& c) {
  return {
      OptionRow{"activation", &c.activation, "Of the feed-forward layers; gelu is the exact one",
                one_of({"gelu", "gelu_tanh", "relu"})}
          .for_encoder()
          .not_on_command(),
      OptionRow{"encoder_type", &c.encoder_type, "What the encoder is trained to tell",
                one_of({"unifrac", "faith_pd", "taxonomy", "combined"})}
          .for_encoder()
          .not_on_command(),
      OptionRow{"base_output_dim", &c.base_output_dim,
                "Outputs of faith_pd and taxonomy; 0: the width", at_least(0)}
          .for_encoder()
          .not_on_command(),
      OptionRow{"predict_nucleotides", &c.predict_nucleotides,
                "Have the head that guesses hidden bases"}
          .not_on_command(),
      {"nuc_mask_ratio", &c.nuc_mask_ratio, "Share of bases hidden for the nucleotide loss",
       below_one()},
      {"nuc_mask_strategy", &c.nuc_mask_strategy,
       "Which bases are hidden: single ones, or runs of neighbours", one_of({"random", "span"})},
      OptionRow{"count_embedding", &c.count_embedding, "Let the model see how abundant each ASV is"}
          .for_encoder(),
      OptionRow{"count_embedding_method", &c.count_embedding_method, "How it sees abundance",
                one_of({"add", "concat", "film"})}
          .for_encoder(),
  };
}

OptionRows head_rows(ModelConfig& c) {
  return {
      OptionRow{"out_dim", &c.out_dim, "Numbers to predict, or classes", at_least(1)}
          .not_on_command(),
      OptionRow{"classifier", &c.is_classifier, "The target is a class, not a number"}.also(
          "is_classifier"),
      {"freeze_base", &c.freeze_base, "Train the heads only; the encoder stays as it is"},
      {"count_prediction", &c.count_prediction, "Have a head that predicts abundances"},
      {"target_layer_norm", &c.target_layer_norm, "LayerNorm before the target head"},
      {"abundance_pooling", &c.abundance_pooling,
       "Let the head see the mean ASV embedding, weighted by ln(count + 1), as well"},
      {"bounded_targets", &c.bounded_targets, "Sigmoid on the prediction: answers between 0 and 1"},
      {"learnable_output_scale", &c.learnable_output_scale,
       "A learned scale and shift of each prediction"},
      {"output_activation", &c.output_activation,
       "On the prediction; all but none keep it from being negative",
       one_of({"none", "relu", "softplus", "exp"})},
      {"regressor_hidden_dims", &c.regressor_hidden_dims,
       "Widths of the target head's hidden layers", at_least(1)},
      {"regressor_dropout", &c.regressor_dropout, "Dropout between them", below_one()},
      {"residual_regression_head", &c.residual_regression_head,
       "A linear path beside the hidden layers"},
      OptionRow{"num_quantiles", &c.num_quantiles, "Quantiles of each number; 0: a plain number",
                at_least(0)}
          .not_on_command(),
  };
}

OptionRows covariate_rows(ModelConfig& c) {
  return {
      OptionRow{"categorical_cardinalities", &c.categorical_cardinalities,
                "Values of each covariate and one for unknown, by column", at_least(1)}
          .not_on_command(),
      {"categorical_embed_dim", &c.categorical_embed_dim,
       "Width of the embedding of each covariate", at_least(1)},
      {"categorical_fusion", &c.categorical_fusion, "How covariates meet the ASVs",
       one_of({"concat", "add", "gmu", "cross-attention", "perceiver"})},
      OptionRow{"categorical_dropout", &c.categorical_dropout,
                "Dropout of the covariates' embeddings", below_one()}
          .not_on_command(),
      {"cross_attn_heads", &c.cross_attn_heads, "Attention heads of cross-attention and perceiver",
       at_least(1)},
      {"perceiver_num_latents", &c.perceiver_num_latents, "Latent vectors of perceiver",
       at_least(1)},
      {"perceiver_num_layers", &c.perceiver_num_layers, "Layers over the latents of perceiver",
       at_least(1)},
      OptionRow{"conditional_scaling_columns", &c.conditional_scaling_columns,
                "Covariates that also scale and shift the prediction"}
          .also("conditional_output_scaling"),
  };
}

// Ours: which branches predict, and what they are made of.
OptionRows branch_rows(ModelConfig& c) {
  return {
      {"transformer_branch", &c.transformer_branch,
       "Predict with AAM's transformer over the ASVs of a sample"},
      OptionRow{"num_known_asvs", &c.num_known_asvs,
                "ASVs known from training; 0: no branch of them", at_least(0)}
          .not_on_command(),
      {"known_inputs", &c.known_inputs,
       "What is seen of a known ASV. presence: whether it is there; log_presence: its log share of "
       "the reads, too; levels: whether it is there, above 0.1 % and above 1 % of the reads",
       one_of({"log_presence", "presence", "levels"})},
      {"known_hidden_dim", &c.known_hidden_dim, "Width of the hidden layer over known ASVs",
       at_least(1)},
      {"known_dropout", &c.known_dropout, "Dropout of that layer", below_one()},
      {"known_input_dropout", &c.known_input_dropout,
       "Share of the known ASVs that a step leaves out", below_one()},
      {"sequence_branch", &c.sequence_branch,
       "Predict from pooled ASV embeddings: of ASVs not seen in training as well"},
      {"sequence_hidden_dim", &c.sequence_hidden_dim,
       "Width of the hidden layer over pooled embeddings", at_least(1)},
      {"sequence_dropout", &c.sequence_dropout, "Dropout of that layer", below_one()},
      {"sequence_input_dropout", &c.sequence_input_dropout, "Dropout of the pooled embeddings",
       below_one()},
      {"num_bins", &c.num_bins,
       "Bins over the range of the training targets that a number's answer is told in; 0: none",
       at_least(0)},
      OptionRow{"ensemble", &c.num_members,
                "Networks in each branch of known ASVs and sequences, averaged", at_least(1)}
          .also("num_members"),
  };
}

// What needs more than one option to be seen.
class Check {
 public:
  // A copy: rows hold addresses that may be written to, and the config that is checked is constant.
  explicit Check(ModelConfig config) : c_(std::move(config)), rows_(c_.rows()) {}

  void all() {
    check_values(rows_);
    for (const Stack& stack : stacks(c_)) expect_divisor(stack.heads);
    expect(!c_.predict_nucleotides || c_.nuc_mask_ratio == 0 || c_.vocab_size >= 7, &c_.vocab_size,
           "7 or more when nucleotides are masked (MASK is token 6; " +
               named(&c_.nuc_mask_ratio, "0") + " turns masking off)",
           std::to_string(c_.vocab_size));
    head();
    covariates();
    branches();
  }

 private:
  std::string named(const OptionField& field, const std::string& value = "true") const {
    return mention(rows_, field, value);
  }
  void expect(bool good, const OptionField& field, const std::string& expected,
              const std::string& got) const {
    if (!good) throw ConfigError(named(field, "") + ": expected " + expected + ", got " + got);
  }
  void expect_divisor(int64_t* heads) {
    expect(c_.embedding_dim % *heads == 0, heads,
           "a divisor of " + named(&c_.embedding_dim, std::to_string(c_.embedding_dim)),
           std::to_string(*heads));
  }

  void head() {
    expect(!c_.is_classifier || c_.out_dim >= 2, &c_.out_dim,
           "2 or more with " + named(&c_.is_classifier), std::to_string(c_.out_dim));
    expect(!c_.residual_regression_head || !c_.regressor_hidden_dims.empty(),
           &c_.residual_regression_head, named(&c_.regressor_hidden_dims, "") + " to go with it",
           "none");
    expect(c_.output_activation == "none" || !(c_.bounded_targets || c_.is_classifier),
           &c_.output_activation,
           "none with " + named(&c_.bounded_targets) + " or " + named(&c_.is_classifier),
           c_.output_activation);
    // Each of them turns the output into something other than logits of classes.
    expect(!(c_.is_classifier && (c_.bounded_targets || c_.num_quantiles > 0)), &c_.is_classifier,
           "neither " + named(&c_.bounded_targets) + " nor quantiles beside it", "both");
  }

  void covariates() {
    const bool attends =
        c_.categorical_fusion == "cross-attention" || c_.categorical_fusion == "perceiver";
    if (attends && !c_.categorical_cardinalities.empty()) expect_divisor(&c_.cross_attn_heads);
    for (const auto& [column, cardinality] : c_.categorical_cardinalities) {
      expect(!column.empty() && column.find('.') == column.npos, &c_.categorical_cardinalities,
             "column names without a dot (they become parameter names)", quoted(column));
    }
    for (const std::string& column : c_.conditional_scaling_columns) {
      expect(c_.categorical_cardinalities.count(column) > 0, &c_.conditional_scaling_columns,
             "columns that are covariates", quoted(column));
    }
  }

  void branches() {
    expect(c_.num_bins != 1, &c_.num_bins, "0 or at least 2", "1");
    expect(c_.num_bins == 0 || (c_.out_dim == 1 && !c_.is_classifier && c_.num_quantiles == 0),
           &c_.num_bins, "0 for classes, quantiles and several outputs",
           std::to_string(c_.num_bins));
    // Options below act inside the transformer branch and would be passed over without a word.
    if (c_.transformer_branch) return;
    const auto refuse = [this](bool is_set, const OptionField& field) {
      expect(!is_set, field, named(&c_.transformer_branch) + " with it",
             "a model without that branch");
    };
    refuse(c_.abundance_pooling, &c_.abundance_pooling);
    refuse(!c_.regressor_hidden_dims.empty(), &c_.regressor_hidden_dims);
    refuse(!c_.categorical_cardinalities.empty() && c_.categorical_fusion != "concat",
           &c_.categorical_fusion);
  }

  ModelConfig c_;
  OptionRows rows_;
};

}  // namespace

OptionRows ModelConfig::rows() {
  OptionRows predictor = head_rows(*this) + covariate_rows(*this) + branch_rows(*this);
  for (OptionRow& row : predictor) row.of_predictor = true;
  return size_rows(*this) + stack_rows(*this) + encoder_rows(*this) + predictor;
}

Json ModelConfig::to_json() const {
  ModelConfig copy = *this;
  return deepbio::to_json(copy.rows());
}

ModelConfig ModelConfig::from_json(const Json& json) {
  ModelConfig config;
  deepbio::from_json(config.rows(), json, {std::begin(kSpeedKeywords), std::end(kSpeedKeywords)});
  return config;
}

void ModelConfig::check() const { Check(*this).all(); }

std::vector<double> ModelConfig::known_levels() const {
  return known_inputs == "levels" ? std::vector<double>{0, 0.001, 0.01} : std::vector<double>{0};
}

bool ModelConfig::is_plain() const {
  return transformer_branch && num_known_asvs == 0 && !sequence_branch && num_bins == 0;
}

}  // namespace deepbio::model
