#include "deepbio/train/study.h"

namespace deepbio::train {
namespace {

OptionValues depth_values() {
  OptionValues values = at_least(0);
  values.words = {{"auto", kAutoDepth}};
  return values;
}

OptionValues share_values() {
  OptionValues values = from_to(0, 1);
  values.without_least = true;
  return values;
}

// The model's distances end at 1, so those without an upper end are no choice.
OptionValues metric_values() {
  OptionValues values = one_of({"unweighted", "weighted_normalized"});
  values.words = {{"unifrac", "unweighted"}, {"weighted", "weighted_normalized"}};  // AAM's names
  return values;
}

}  // namespace

OptionRows StudyOptions::rows() {
  return {
      {"rarefy_depth", &data.rarefy_depth_reads,
       "Reads drawn per sample, anew in each epoch; 0: counts as they are; auto: the largest depth "
       "up to 5000 that keeps 90 % of the samples",
       depth_values()},
      OptionRow{
          "least_thinning", &least_thinning,
          "Each epoch keeps a random share of a sample's reads, between this and 1; 1: all of them",
          share_values()}
          .for_predictor(),
      {"asv_sampling", &data.asv_sampling, "Which ASVs stay above `token_limit`, and their order",
       one_of({"first", "abundance", "random"})},
      {"missing_features", &missing_features,
       "ASVs that are not in the tree: stop, or leave them out of the distances",
       one_of({"error", "drop"})},
      {"missing_samples", &missing_samples,
       "Samples absent from the metadata or the distances: stop, or leave them out",
       one_of({"error", "drop"})},
      OptionRow{"missing_sequences", &data.missing_sequences,
                "Features whose id is not DNA and that are not in `sequences`: stop, or know them "
                "by their id, which only a model that reads no sequences can",
                one_of({"error", "id"})}
          .for_predictor(),
      OptionRow{"missing_values", &missing_values,
                "Words of the metadata that stand for a missing value, beside the empty cell; "
                "INSDC: those of INSDC"}
          .for_predictor(),
      {"unifrac_metric", &data.unifrac_metric, "Distances to learn", metric_values()},
      OptionRow{"target_transform", &target_transform,
                "What the target becomes for the model; predictions come back in its units",
                one_of({"none", "minmax", "zscore", "log-minmax", "log-zscore"})}
          .for_predictor(),
      OptionRow{
          "categorical_columns", &categorical_columns,
          "Covariates: metadata columns that the head sees as well, one value of each per sample"}
          .for_predictor(),
      OptionRow{
          "group_column", &group_column,
          "Metadata column (host, subject): samples of one value are all on one side of a split"}
          .for_predictor(),
      {"test_size", &test_size, "Share of the samples held back for validation", inside_unit()},
  };
}

}  // namespace deepbio::train
