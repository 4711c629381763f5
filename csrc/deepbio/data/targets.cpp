#include "deepbio/data/targets.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "deepbio/base/error.h"

namespace deepbio::data {
namespace {

constexpr std::array<std::pair<TargetTransform, std::string_view>, 5> kTransforms{{
    {TargetTransform::kNone, "none"},
    {TargetTransform::kMinMax, "minmax"},
    {TargetTransform::kZScore, "zscore"},
    {TargetTransform::kLogMinMax, "log-minmax"},
    {TargetTransform::kLogZScore, "log-zscore"},
}};
// A constant target has no scale to divide by; above e^88 a float32 model would answer infinity.
constexpr double kSmallestScale = 1e-8, kLargestExponent = 88;

bool takes_log(TargetTransform transform) {
  return transform == TargetTransform::kLogMinMax || transform == TargetTransform::kLogZScore;
}

std::string examples(const std::vector<std::string>& ids) {
  std::string out;
  for (size_t i = 0; i < std::min<size_t>(ids.size(), 3); ++i) out += (i ? ", " : "") + ids[i];
  return out + (ids.size() > 3 ? ", ..." : "");
}

}  // namespace

TargetTransform parse_target_transform(std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& [transform, known] : kTransforms) {
    if (name == known) return transform;
    names.push_back(known);
  }
  throw ArgumentError(
      "target transform: expected none, minmax, zscore, log-minmax or log-zscore, got " +
      quoted(name) + "; the nearest is " + nearest_name(name, names));
}

std::string_view to_string(TargetTransform transform) {
  for (const auto& [value, name] : kTransforms) {
    if (value == transform) return name;
  }
  throw ArgumentError("target transform: unknown value");
}

TargetCodec TargetCodec::fit_regression(std::string column, const std::vector<double>& values,
                                        TargetTransform transform) {
  if (values.empty()) throw ArgumentError("target " + quoted(column) + ": no values to fit on");
  TargetCodec codec;
  codec.column_ = std::move(column);
  codec.transform_ = transform;
  std::vector<double> scaled = values;
  if (takes_log(transform)) {
    // log1p, so that counts and ages of 0 have a logarithm.
    for (double& value : scaled) {
      if (value <= -1) {
        throw ArgumentError("target " + quoted(codec.column_) +
                            ": the logarithm needs values above -1, got " + std::to_string(value) +
                            "; use `target_transform=zscore` or minmax");
      }
      value = std::log1p(value);
    }
  }
  if (transform == TargetTransform::kMinMax || transform == TargetTransform::kLogMinMax) {
    const auto [low, high] = std::minmax_element(scaled.begin(), scaled.end());
    codec.shift_ = *low;
    codec.scale_ = *high - *low;
  } else if (transform != TargetTransform::kNone) {
    // Population standard deviation, as AAM divides by n.
    const auto count = static_cast<double>(scaled.size());
    double sum = 0, squares = 0;
    // In two passes: the sum of squares alone loses all digits where the mean is large beside the
    // spread.
    for (const double value : scaled) sum += value;
    codec.shift_ = sum / count;
    for (const double value : scaled) squares += (value - codec.shift_) * (value - codec.shift_);
    codec.scale_ = std::sqrt(squares / count);
  }
  if (codec.scale_ < kSmallestScale) codec.scale_ = 1;
  return codec;
}

TargetCodec TargetCodec::fit_classes(std::string column, const std::vector<std::string>& labels) {
  // Sorted, so that a class has the same id whatever the order of the samples.
  const std::set<std::string> distinct(labels.begin(), labels.end());
  if (distinct.size() < 2) {
    throw ArgumentError("target " + quoted(column) +
                        ": a classifier needs at least two classes, got " +
                        std::to_string(distinct.size()));
  }
  TargetCodec codec;
  codec.column_ = std::move(column);
  codec.is_classifier_ = true;
  codec.classes_.assign(distinct.begin(), distinct.end());
  return codec;
}

Json TargetCodec::to_json() const {
  Json json = Json::object();
  json.set("column", column_);
  json.set("is_classifier", is_classifier_);
  if (is_classifier_) {
    json.set("classes", Json::array_of(classes_));
  } else {
    json.set("transform", std::string(to_string(transform_)));
    json.set("shift", shift_);
    json.set("scale", scale_);
  }
  return json;
}

TargetCodec TargetCodec::from_json(const Json& json) {
  TargetCodec codec;
  codec.column_ = json.at("column").as_string();
  codec.is_classifier_ = json.at("is_classifier").as_bool();
  if (codec.is_classifier_) {
    for (const Json& name : json.at("classes").as_array())
      codec.classes_.push_back(name.as_string());
  } else {
    codec.transform_ = parse_target_transform(json.at("transform").as_string());
    codec.shift_ = json.at("shift").as_double();
    codec.scale_ = json.at("scale").as_double();
  }
  return codec;
}

double TargetCodec::normalize(double value) const {
  if (takes_log(transform_)) value = std::log1p(value);
  return (value - shift_) / scale_;
}

double TargetCodec::restore(double normalized) const {
  // What a model extrapolates may lie far outside of what was seen; exp of it stays finite.
  const double value = normalized * scale_ + shift_;
  return takes_log(transform_) ? std::exp(std::min(value, kLargestExponent)) - 1 : value;
}

int64_t TargetCodec::class_id(std::string_view label) const {
  const auto found = std::lower_bound(classes_.begin(), classes_.end(), label);
  if (found == classes_.end() || *found != label) {
    throw ArgumentError("target " + quoted(column_) + ": the model knows " +
                        std::to_string(classes_.size()) + " classes (" + examples(classes_) +
                        "), got " + quoted(label));
  }
  return found - classes_.begin();
}

namespace {

// The value of a sample as a number. A column without any number holds classes, not mistakes.
double number_in(const io::Metadata& metadata, int64_t column, int64_t row) {
  try {
    return *io::numeric_value(metadata, column, row);
  } catch (const ParseError&) {
    // Some numbers: the cell is a mistake, and the reader's message names its line.
    if (io::holds_number(metadata, column)) throw;
    throw ArgumentError(metadata.path + ": column " +
                        quoted(metadata.columns[static_cast<size_t>(column)]) +
                        " holds no number; `is_classifier=true` takes its words for classes");
  }
}

}  // namespace

LabelledSamples labelled_samples(const std::vector<std::string>& sample_ids,
                                 const io::Metadata& metadata, std::string_view column,
                                 bool is_classifier, MissingSamples missing) {
  const int64_t index = metadata.column(column);
  const auto& cells = metadata.values[static_cast<size_t>(index)];
  LabelledSamples out;
  for (size_t sample = 0; sample < sample_ids.size(); ++sample) {
    const std::string& id = sample_ids[sample];
    const auto row = metadata.row_of.find(id);
    if (row == metadata.row_of.end()) {
      out.without_metadata.push_back(id);
      // No value is no answer to learn, whichever policy holds for samples that are absent from the
      // metadata.
    } else if (io::is_missing(cells[static_cast<size_t>(row->second)])) {
      out.without_value.push_back(id);
    } else {
      if (is_classifier) {
        out.labels.push_back(cells[static_cast<size_t>(row->second)]);
      } else {
        out.values.push_back(number_in(metadata, index, row->second));
      }
      out.samples.push_back(static_cast<int64_t>(sample));
    }
  }
  if (!out.without_metadata.empty() && missing == MissingSamples::kError) {
    const size_t count = out.without_metadata.size();
    throw ArgumentError(metadata.path + ": " + std::to_string(count) +
                        (count == 1 ? " sample of the table has no metadata ("
                                    : " samples of the table have no metadata (") +
                        examples(out.without_metadata) +
                        "); add them, or use `missing_samples=drop`");
  }
  if (out.samples.empty()) {
    throw ArgumentError(metadata.path + ": no sample of the table has a value in column " +
                        quoted(column));
  }
  return out;
}

}  // namespace deepbio::data
