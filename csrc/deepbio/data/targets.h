// Targets of samples: a metadata column as numbers (normalised, with the way back) or as classes.
//
// Transforms (AAM's names): none, minmax (y-min)/(max-min), zscore (y-mean)/sd (population sd),
// log-minmax, log-zscore (ln(y+1) first; inverse exp(min(x, 88)) - 1). A range or sd below 1e-8
// counts as 1. Fitted on training rows only; stored in config.json so that predictions come back in
// the target's own units.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/base/json.h"
#include "deepbio/io/tables/metadata.h"

namespace deepbio::data {

enum class TargetTransform { kNone, kMinMax, kZScore, kLogMinMax, kLogZScore };
TargetTransform parse_target_transform(std::string_view name);
std::string_view to_string(TargetTransform transform);

class TargetCodec {
 public:
  // Fits on the given rows' values. throws ArgumentError (no values, log of a value <= -1).
  static TargetCodec fit_regression(std::string column, const std::vector<double>& values,
                                    TargetTransform transform);
  // Classes are the sorted distinct labels. throws ArgumentError for fewer than two.
  static TargetCodec fit_classes(std::string column, const std::vector<std::string>& labels);
  static TargetCodec from_json(const Json& json);
  Json to_json() const;

  bool is_classifier() const { return is_classifier_; }
  const std::string& column() const { return column_; }
  const std::vector<std::string>& classes() const { return classes_; }
  double normalize(double value) const;
  double restore(double normalized) const;
  int64_t class_id(std::string_view label) const;  // throws ArgumentError for an unseen label
  TargetTransform transform() const { return transform_; }

 private:
  std::string column_;
  bool is_classifier_ = false;
  TargetTransform transform_ = TargetTransform::kNone;
  double shift_ = 0, scale_ = 1;
  std::vector<std::string> classes_;
};

// Values of one column for the table's samples.
struct LabelledSamples {
  std::vector<int64_t> samples;               // rows of the table that have a value
  std::vector<double> values;                 // regression
  std::vector<std::string> labels;            // classes
  std::vector<std::string> without_metadata;  // sample ids absent from the metadata
  std::vector<std::string> without_value;     // sample ids whose value is missing
};
enum class MissingSamples { kError, kDrop };
// throws ArgumentError: samples absent from the metadata (count, examples) under kError; none left.
LabelledSamples labelled_samples(const std::vector<std::string>& sample_ids,
                                 const io::Metadata& metadata, std::string_view column,
                                 bool is_classifier, MissingSamples missing);

}  // namespace deepbio::data
