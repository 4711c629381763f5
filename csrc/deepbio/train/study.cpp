// Steps in the order in which one needs the other: samples are chosen before they are split, the
// split comes before anything is fitted to its training part, and what is written of the study
// comes last.
#include "deepbio/train/study.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "deepbio/base/error.h"
#include "deepbio/community/missing_features.h"
#include "deepbio/community/table.h"
#include "deepbio/community/tree.h"
#include "deepbio/data/feature_sequences.h"
#include "deepbio/io/tables/ids.h"
#include "deepbio/io/tables/matrix.h"
#include "deepbio/io/tables/metadata.h"
#include "deepbio/io/tables/newick.h"
#include "deepbio/train/content_hash.h"
#include "deepbio/train/prediction_data.h"

namespace deepbio::train {
namespace {

namespace fs = std::filesystem;

// Columns that name whose sample it is, where surveys have one; looked at to warn, never to decide.
constexpr const char* kHostColumns[] = {
    "host_subject_id", "host-subject-id", "subject_id", "subject",       "host",
    "individual",      "patient",         "studyid",    "participant_id"};

// The cell of each sample in a column; "" where it has none.
std::vector<std::string> cells_of(const io::Metadata& metadata, const std::string& column,
                                  const std::vector<std::string>& sample_ids) {
  const auto& cells = metadata.values[static_cast<size_t>(metadata.column(column))];
  std::vector<std::string> out;
  for (const std::string& id : sample_ids) {
    const auto row = metadata.row_of.find(id);
    const bool is_known =
        row != metadata.row_of.end() && !io::is_missing(cells[static_cast<size_t>(row->second)]);
    out.push_back(is_known ? cells[static_cast<size_t>(row->second)] : "");
  }
  return out;
}

// Ids of a file; none without one.
std::vector<std::string> read_list(const std::string& path) {
  if (path.empty()) return {};
  std::vector<std::string> ids = io::read_id_list(path);
  if (ids.empty()) throw ArgumentError(path + ": expected sample ids, one a line, got none");
  return ids;
}

// The matrix in the order of the table's samples.
at::Tensor distances_of(const io::DistanceMatrix& matrix, const io::CountTable& table) {
  std::unordered_map<std::string, int64_t> row_of;
  for (size_t row = 0; row < matrix.ids.size(); ++row)
    row_of[matrix.ids[row]] = static_cast<int64_t>(row);
  std::vector<int64_t> rows;  // looked up once: the pairs are as many as their square
  for (const std::string& id : table.sample_ids) rows.push_back(row_of.at(id));
  const int64_t count = table.num_samples();
  at::Tensor out = at::empty({count, count}, at::kFloat);
  float* value = out.data_ptr<float>();
  for (const int64_t a : rows) {
    for (const int64_t b : rows)
      *value++ = static_cast<float>(matrix.values[a * matrix.num_rows + b]);
  }
  return out;
}

// The number of each sample's group; "" is a group of its own.
std::vector<int64_t> numbered_groups(const std::vector<std::string>& groups) {
  std::unordered_map<std::string, int64_t> number_of;
  std::vector<int64_t> out;
  int64_t next = 0;
  for (const std::string& group : groups) {
    const auto [found, is_new] = number_of.emplace(group, next);
    out.push_back(is_new || group.empty() ? next++ : found->second);
  }
  return out;
}

void check_metric(double most, const std::string& name) {
  if (most <= 1 + 1e-6) return;
  throw ArgumentError(
      name + ": expected distances up to 1, got " + Json(most).dump() +
      "; the model's distances end at 1, so use an unweighted or normalised metric");
}

// Reads the files of a study and builds it step by step.
class Preparing {
 public:
  Preparing(const StudyFiles& files, const StudyOptions& options)
      : files_(files), options_(options) {
    if (!files.tree.empty() && !files.distances.empty()) {
      throw ArgumentError("expected `tree` or `distances`, got both");
    }
    if (!options.group_column.empty() && files.metadata.empty()) {
      throw ArgumentError("`group_column` needs `metadata`");
    }
  }

  Study go() {
    whole_ = io::read_table(files_.table);
    if (!files_.metadata.empty())
      metadata_ = io::read_metadata(files_.metadata, {options_.missing_values});
    if (!files_.distances.empty()) {
      matrix_ = io::read_distances(files_.distances);
      // Of the whole matrix, before samples are chosen: a study must not pass or fail by who is
      // left.
      check_metric(most_distance(), files_.distances);
    }
    choose();
    split();
    make_datasets();
    if (options_.learns_distances) set_distances();
    if (!files_.target.empty()) set_targets();
    if (!options_.categorical_columns.empty()) set_categories();
    describe();
    return std::move(study_);
  }

 private:
  double most_distance() const {
    const std::vector<double>& values = matrix_->values;
    return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  }

  void choose() {
    SampleRules rules;
    rules.target = files_.target;
    rules.is_classifier = options_.is_classifier;
    rules.categorical_columns = options_.categorical_columns;
    rules.missing_samples = options_.missing_samples;
    rules.rarefy_depth_reads = options_.data.rarefy_depth_reads;
    SampleSources sources;
    sources.table = &whole_;
    sources.metadata = metadata_ ? &*metadata_ : nullptr;
    sources.distance_ids = matrix_ ? &matrix_->ids : nullptr;
    sources.distances_name = files_.distances;
    SampleChoice choice = choose_samples(sources, rules);
    study_.rarefy_depth_reads = choice.rarefy_depth_reads;
    // Features without reads in the samples that stay are gone: they would be encoded for nothing.
    study_.table = std::make_shared<const io::CountTable>(
        community::drop_empty_features(community::select_samples(whole_, choice.samples)));
    study_.values = std::move(choice.values);
    study_.labels = std::move(choice.labels);
    study_.left_out = std::move(choice.left_out);
    study_.notes = std::move(choice.notes);
  }

  void split() {
    const std::vector<std::string>& ids = study_.table->sample_ids;
    SplitRules rules{options_.test_size, options_.seed, study_.labels, {}};
    std::string group_name = options_.group_column;
    if (!group_name.empty()) rules.groups = cells_of(*metadata_, group_name, ids);
    if (options_.train_samples.empty() && options_.val_samples.empty()) {
      study_.split = split_samples(static_cast<int64_t>(ids.size()), rules);
    } else {
      study_.split =
          split_by_lists(ids, listed(options_.train_samples), listed(options_.val_samples));
      study_.split.groups = numbered_groups(rules.groups);  // inner folds keep them whole
    }
    // Only for the note that hosts have samples on both sides; the split itself was not asked for
    // groups.
    if (group_name.empty()) group_name = host_column();
    if (!group_name.empty() && rules.groups.empty())
      rules.groups = cells_of(*metadata_, group_name, ids);
    const std::vector<std::string> notes = split_notes(study_.split, rules, group_name);
    study_.notes.insert(study_.notes.end(), notes.begin(), notes.end());
  }

  // Ids of a list; those that the table does not know are an error, those that were left out are
  // said.
  std::vector<std::string> listed(const std::string& path) {
    const std::vector<std::string> ids = read_list(path);
    const std::unordered_set<std::string> in_table(whole_.sample_ids.begin(),
                                                   whole_.sample_ids.end());
    const std::unordered_set<std::string> stays(study_.table->sample_ids.begin(),
                                                study_.table->sample_ids.end());
    std::vector<std::string> unknown, lost;
    for (const std::string& id : ids) {
      if (in_table.count(id) == 0) {
        unknown.push_back(id);
      } else if (stays.count(id) == 0) {
        lost.push_back(id);
      }
    }
    const std::string of_all = " of " + std::to_string(ids.size());
    // Most likely a list of another study; those that were left out are known, and only told.
    if (!unknown.empty()) {
      throw ArgumentError(path + ": " + std::to_string(unknown.size()) + of_all +
                          " samples are absent from the table: " + some_of(unknown));
    }
    if (!lost.empty()) {
      study_.notes.push_back(path + ": " + std::to_string(lost.size()) + of_all +
                             " samples are among those left out: " + some_of(lost));
    }
    return ids;
  }

  std::string host_column() const {
    if (!metadata_) return "";
    for (const char* name : kHostColumns) {
      const auto& columns = metadata_->columns;
      if (std::find(columns.begin(), columns.end(), name) != columns.end() && files_.target != name)
        return name;
    }
    return "";
  }

  data::SampleDatasetOptions sample_options(const DataConfig& data, bool redraw) const {
    data::SampleDatasetOptions options = dataset_options(data, options_.seed, redraw);
    // Validation sees all reads.
    if (redraw) options.least_thinning = options_.least_thinning;
    return options;
  }

  void make_datasets() {
    const std::vector<std::string>& ids = study_.table->feature_ids;
    // Once for both datasets, which share them.
    const std::vector<std::string> sequences = data::feature_sequences(
        ids, files_.sequences, data::parse_missing_sequences(options_.data.missing_sequences));
    if (const std::string without = data::without_sequence(ids, sequences); !without.empty()) {
      study_.notes.push_back(
          without + ": they are known by their ids, so a table to predict must use the same ids");
    }
    DataConfig data = options_.data;
    data.rarefy_depth_reads = study_.rarefy_depth_reads;
    const auto dataset = [&](bool redraw) {
      return std::make_unique<data::SampleDataset>(study_.table, sequences,
                                                   sample_options(data, redraw));
    };
    // Two datasets over one table: the same samples, of which training draws anew in each epoch.
    study_.train = dataset(true);
    if (const std::string note = cut_note(*study_.train); !note.empty())
      study_.notes.push_back(note);
    study_.val = dataset(false);
  }

  void set_distances() {
    if (!files_.tree.empty()) {
      const auto missing = options_.missing_features == "drop" ? community::MissingFeatures::kDrop
                                                               : community::MissingFeatures::kError;
      auto phylogeny = std::make_shared<community::Phylogeny>(community::match_features(
          io::read_newick(files_.tree), study_.table->feature_ids, missing, files_.tree));
      if (!phylogeny->missing.empty()) {
        study_.notes.push_back(
            community::to_text(community::missing_report(*study_.table, *phylogeny), files_.tree));
      }
      study_.train->set_phylogeny(phylogeny);
      study_.val->set_phylogeny(phylogeny);
    }
    if (matrix_) {
      const at::Tensor distances = distances_of(*matrix_, *study_.table);
      const data::DistanceOrigin origin{files_.distances, most_distance()};
      study_.train->set_distances(distances, origin);
      study_.val->set_distances(distances, origin);
    }
  }

  // Targets in table order, fitted on the training part (classes: on all, so that none is unknown
  // later).
  void set_targets() {
    at::Tensor targets;
    if (options_.is_classifier) {
      study_.codec = data::TargetCodec::fit_classes(files_.target, study_.labels);
      targets = at::empty({study_.table->num_samples()}, at::kLong);
      for (size_t i = 0; i < study_.labels.size(); ++i) {
        targets.data_ptr<int64_t>()[i] = study_.codec->class_id(study_.labels[i]);
      }
    } else {
      std::vector<double> known;
      for (const int64_t sample : study_.split.train) known.push_back(study_.values[sample]);
      study_.codec = data::TargetCodec::fit_regression(
          files_.target, known, data::parse_target_transform(options_.target_transform));
      targets = at::empty({study_.table->num_samples(), 1}, at::kFloat);
      for (size_t i = 0; i < study_.values.size(); ++i) {
        targets.data_ptr<float>()[i] =
            static_cast<float>(study_.codec->normalize(study_.values[i]));
      }
    }
    study_.train->set_targets(targets);
    study_.val->set_targets(targets);
  }

  // Covariates, numbered by the training part.
  void set_categories() {
    std::vector<std::string> known;
    for (const int64_t sample : study_.split.train)
      known.push_back(study_.table->sample_ids[sample]);
    study_.categories =
        data::CategoricalEncoder::fit(options_.categorical_columns, *metadata_, known);
    const data::CategoryIds ids = study_.categories.encode(*metadata_, study_.table->sample_ids);
    study_.train->set_categories(ids);
    study_.val->set_categories(ids);
  }

  void describe() {
    Json& out = study_.trained_on;
    out = Json::object();
    for (const auto& [name, path] :
         {std::pair{"table", files_.table}, std::pair{"sequences", files_.sequences},
          std::pair{"tree", files_.tree}, std::pair{"distances", files_.distances},
          std::pair{"metadata", files_.metadata}}) {
      // Absolute: a report or a resumed run may be started in another folder.
      if (!path.empty()) out.set(name, fs::absolute(path).lexically_normal().string());
    }
    out.set("num_samples", study_.table->num_samples());
    out.set("num_features", study_.table->num_features());
    out.set("num_train", static_cast<int64_t>(study_.split.train.size()));
    out.set("num_val", static_cast<int64_t>(study_.split.val.size()));
    Json left_out = Json::array();
    for (const LeftOut& each : study_.left_out) {
      left_out.push_back(
          Json(Json::Object{{"why", each.why},
                            {"num_samples", static_cast<int64_t>(each.samples.size())},
                            {"samples", Json::array_of(each.samples)}}));
    }
    out.set("left_out", std::move(left_out));
    out.set("content", content_hashes(*study_.val));
    if (study_.codec) out.set("baseline", training_baseline());
  }

  Json training_baseline() const {
    std::vector<double> values;
    std::vector<std::string> labels;
    for (const int64_t sample : study_.split.train) {
      if (!study_.values.empty()) values.push_back(study_.values[sample]);
      if (!study_.labels.empty()) labels.push_back(study_.labels[sample]);
    }
    return baseline_of(*study_.codec, values, labels);
  }

  const StudyFiles& files_;
  const StudyOptions& options_;
  io::CountTable whole_;
  std::optional<io::Metadata> metadata_;
  std::optional<io::DistanceMatrix> matrix_;
  Study study_;
};

}  // namespace

Study prepare_study(const StudyFiles& files, const StudyOptions& options) {
  return Preparing(files, options).go();
}

std::vector<std::string> asvs_of(const data::SampleDataset& dataset,
                                 const std::vector<int64_t>& samples) {
  const io::CountTable& table = dataset.table();
  std::vector<bool> is_seen(table.feature_ids.size(), false);
  for (const int64_t sample : samples) {
    for (int64_t entry = table.indptr[sample]; entry < table.indptr[sample + 1]; ++entry) {
      if (table.values[entry] > 0) is_seen[table.indices[entry]] = true;
    }
  }
  std::vector<std::string> out;
  for (size_t feature = 0; feature < is_seen.size(); ++feature) {
    if (!is_seen[feature]) continue;
    // Upper case: the model reads both alike, and lists of two tables are compared as text.
    std::string dna = dataset.sequences()[feature];
    for (char& base : dna)
      base = static_cast<char>(base >= 'a' && base <= 'z' ? base - 'a' + 'A' : base);
    out.push_back(std::move(dna));
  }
  return out;
}

Json baseline_of(const data::TargetCodec& codec, const std::vector<double>& values,
                 const std::vector<std::string>& labels) {
  Json baseline = Json::object();
  if (codec.is_classifier()) {
    std::vector<int64_t> of_class(codec.classes().size(), 0);
    for (const std::string& label : labels) ++of_class[static_cast<size_t>(codec.class_id(label))];
    Json counts = Json::object();
    for (size_t i = 0; i < of_class.size(); ++i) counts.set(codec.classes()[i], of_class[i]);
    baseline.set("class_counts", std::move(counts));
  } else if (!values.empty()) {
    double mean = 0;
    for (const double value : values) mean += value / static_cast<double>(values.size());
    baseline.set("mean", mean);
  }
  return baseline;
}

void check_model_distances(const data::SampleDataset& dataset) {
  const data::DistanceOrigin& origin = dataset.distance_origin();
  if (dataset.distances().defined()) check_metric(origin.most, origin.name);
}

}  // namespace deepbio::train
