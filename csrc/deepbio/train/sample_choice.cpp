#include "deepbio/train/sample_choice.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <unordered_set>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/community/table.h"
#include "deepbio/data/targets.h"

namespace deepbio::train {
namespace {

constexpr int64_t kMostAutoDepth = 5000;
constexpr size_t kManyClasses = 10;  // more different numbers are rather measured than named

std::string count_of(size_t part, size_t whole) {
  return std::to_string(part) + " of " + std::to_string(whole);
}

data::MissingSamples missing_mode(const SampleRules& rules) {
  if (rules.missing_samples == "drop") return data::MissingSamples::kDrop;
  if (rules.missing_samples == "error") return data::MissingSamples::kError;
  throw ArgumentError("`missing_samples`: expected error or drop, got " +
                      quoted(rules.missing_samples));
}

// The stages of the choice; each narrows what is kept and says whom it has left out.
class Choosing {
 public:
  Choosing(const SampleSources& sources, const SampleRules& rules)
      : sources_(sources), rules_(rules) {
    // All samples of the table to begin with; values and labels come with the first stage.
    choice_.samples.resize(sources.table->sample_ids.size());
    std::iota(choice_.samples.begin(), choice_.samples.end(), int64_t{0});
  }

  SampleChoice go() {
    // First: a column that is not there is a mistake, however few samples would be left.
    check_columns();
    if (!rules_.target.empty()) keep_labelled();
    if (sources_.distance_ids != nullptr) keep_those_with_distances();
    keep_deep();
    if (!rules_.target.empty()) check_target();
    return std::move(choice_);
  }

 private:
  void check_columns() const {
    if (sources_.metadata == nullptr) {
      if (rules_.target.empty() && rules_.categorical_columns.empty()) return;
      throw ArgumentError(
          "column " +
          quoted(rules_.target.empty() ? rules_.categorical_columns.front() : rules_.target) +
          " needs `metadata`");
    }
    for (const std::string& column : rules_.categorical_columns) {
      (void)sources_.metadata->column(column);
      if (column != rules_.target) continue;
      throw ArgumentError("`categorical_columns`: " + quoted(column) +
                          " is the target: the model would be told what it is to learn");
    }
  }

  void keep_labelled() {
    data::LabelledSamples found =
        data::labelled_samples(sources_.table->sample_ids, *sources_.metadata, rules_.target,
                               rules_.is_classifier, missing_mode(rules_));
    leave_out(std::move(found.without_metadata), "absent from " + sources_.metadata->path,
              choice_.samples.size());
    const io::Metadata& metadata = *sources_.metadata;
    // Which words of the column were taken for missing: "n/a" may be meant as a class.
    const std::string words = io::missing_report(metadata, metadata.column(rules_.target));
    leave_out(std::move(found.without_value), "without a value of " + quoted(rules_.target),
              choice_.samples.size(),
              words.empty() ? "" : " (" + metadata.path + ": " + words + ")");
    choice_.samples = std::move(found.samples);
    choice_.values = std::move(found.values);
    choice_.labels = std::move(found.labels);
  }

  void keep_those_with_distances() {
    const std::vector<std::string>& ids = *sources_.distance_ids;
    const std::string& name = sources_.distances_name;
    if (ids.empty()) {
      throw ArgumentError(
          name + ": expected sample ids with the matrix (a .ids.txt beside a .npy), got none");
    }
    // Matrices are often made before samples are chosen: those that are too many are said, not
    // refused.
    const std::unordered_set<std::string> in_table(sources_.table->sample_ids.begin(),
                                                   sources_.table->sample_ids.end());
    std::vector<std::string> unused;
    std::copy_if(ids.begin(), ids.end(), std::back_inserter(unused),
                 [&](const std::string& id) { return in_table.count(id) == 0; });
    if (!unused.empty()) {
      choice_.notes.push_back(name + ": " + count_of(unused.size(), ids.size()) +
                              " samples are absent from the table: " + some_of(unused));
    }
    const std::unordered_set<std::string> known(ids.begin(), ids.end());
    // Among the samples that are kept so far: one without a target needs no distances.
    std::vector<std::string> missing = keep(
        [&](size_t i) { return known.count(sources_.table->sample_ids[choice_.samples[i]]) > 0; });
    if (missing.empty()) return;
    const size_t before = choice_.samples.size() + missing.size();
    if (missing_mode(rules_) == data::MissingSamples::kError) {
      throw ArgumentError(name + ": " + count_of(missing.size(), before) +
                          " samples are absent from it: " + some_of(missing) +
                          "; `missing_samples=drop` leaves them out");
    }
    leave_out(std::move(missing), "absent from " + name, before);
    if (choice_.samples.empty())
      throw ArgumentError(name + ": expected distances of the table's samples, got of none");
  }

  // Leaves out what is too shallow, and what is empty.
  void keep_deep() {
    const std::vector<double> all = community::sample_totals(*sources_.table);
    std::vector<double> totals;
    for (const int64_t sample : choice_.samples) totals.push_back(all[sample]);
    // Of the samples that are left: those left out above have no say in the depth.
    const int64_t depth =
        rules_.rarefy_depth_reads == kAutoDepth ? auto_depth(totals) : rules_.rarefy_depth_reads;
    choice_.rarefy_depth_reads = depth;
    std::vector<std::string> shallow =
        keep([&](size_t i) { return totals[i] > 0 && totals[i] >= static_cast<double>(depth); });
    leave_out(std::move(shallow),
              "with fewer than " + std::to_string(std::max<int64_t>(depth, 1)) + " reads",
              totals.size());
    if (!choice_.samples.empty()) return;
    const double deepest = totals.empty() ? 0 : *std::max_element(totals.begin(), totals.end());
    throw ArgumentError("no sample has " + std::to_string(std::max<int64_t>(depth, 1)) +
                        " reads; the deepest has " + Json(deepest).dump() +
                        ": choose a smaller `rarefy_depth`");
  }

  void check_target() {
    const std::string name = sources_.metadata->path + ": column " + quoted(rules_.target);
    if (rules_.is_classifier) {
      const std::set<std::string> classes(choice_.labels.begin(), choice_.labels.end());
      const bool are_numbers =
          io::is_numeric(*sources_.metadata, sources_.metadata->column(rules_.target));
      // Most likely `is_classifier` was not meant: told, not refused.
      if (are_numbers && classes.size() > kManyClasses) {
        choice_.notes.push_back(name + " holds numbers; each of its " +
                                std::to_string(classes.size()) +
                                " different values becomes a class");
      }
      if (classes.size() > 1 || rules_.may_be_constant) return;
      throw ArgumentError(name + " is " + quoted(choice_.labels.front()) + " in all " +
                          std::to_string(choice_.labels.size()) +
                          " samples; expected at least two classes");
    }
    // A constant target is learned by its mean, whatever the samples look like.
    const std::set<double> values(choice_.values.begin(), choice_.values.end());
    if (values.size() > 1 || rules_.may_be_constant) return;
    throw ArgumentError(name + " is " + Json(*values.begin()).dump() + " in all " +
                        std::to_string(choice_.values.size()) +
                        " samples; expected at least two different values");
  }

  // Keeps the samples at the places where `is_good`; returns the ids of the others.
  template <class Good>
  std::vector<std::string> keep(Good is_good) {
    std::vector<std::string> others;
    size_t end = 0;
    for (size_t i = 0; i < choice_.samples.size(); ++i) {
      if (!is_good(i)) {
        others.push_back(sources_.table->sample_ids[choice_.samples[i]]);
        continue;
      }
      choice_.samples[end] = choice_.samples[i];
      if (!choice_.values.empty()) choice_.values[end] = choice_.values[i];
      // Not onto itself, which would leave an empty label.
      if (!choice_.labels.empty() && end != i) choice_.labels[end] = std::move(choice_.labels[i]);
      ++end;
    }
    choice_.samples.resize(end);
    if (!choice_.values.empty()) choice_.values.resize(end);
    if (!choice_.labels.empty()) choice_.labels.resize(end);
    return others;
  }

  void leave_out(std::vector<std::string> samples, const std::string& why, size_t of,
                 const std::string& more = "") {
    if (samples.empty()) return;
    choice_.notes.push_back("left out " + count_of(samples.size(), of) + " samples " + why + ": " +
                            some_of(samples) + more);
    choice_.left_out.push_back({why, std::move(samples)});
  }

  const SampleSources& sources_;
  const SampleRules& rules_;
  SampleChoice choice_;
};

}  // namespace

SampleChoice choose_samples(const SampleSources& sources, const SampleRules& rules) {
  return Choosing(sources, rules).go();
}

int64_t auto_depth(const std::vector<double>& totals) {
  if (totals.empty()) return 1;
  std::vector<double> sorted = totals;
  std::sort(sorted.begin(), sorted.end());
  const auto droppable = static_cast<size_t>(static_cast<double>(sorted.size()) * 0.1);
  // The depth of the sample after the shallowest tenth, so that nine in ten stay.
  return std::clamp<int64_t>(static_cast<int64_t>(std::floor(sorted[droppable])), 1,
                             kMostAutoDepth);
}

std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(names.size(), 3); ++i) text += (i ? ", " : "") + names[i];
  return names.size() > 3 ? text + ", ..." : text;
}

}  // namespace deepbio::train
