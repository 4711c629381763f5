#include "tools/sample_data.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <set>
#include <unordered_map>

#include "deepbio/base/error.h"
#include "deepbio/community/missing_features.h"
#include "deepbio/community/table.h"
#include "deepbio/community/tree.h"
#include "deepbio/io/matrix.h"
#include "deepbio/io/metadata.h"
#include "deepbio/io/newick.h"

namespace deepbio::tools {
namespace {

constexpr int64_t kMostAutoDepth = 5000;

std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(names.size(), 3); ++i) text += (i ? ", " : "") + names[i];
  return names.size() > 3 ? text + ", ..." : text;
}

std::string count_of(size_t part, size_t whole) { return std::to_string(part) + " of " + std::to_string(whole); }

// Which samples go on, with their targets; every stage narrows it.
struct Selection {
  std::vector<int64_t> samples;
  std::vector<double> values;
  std::vector<std::string> labels;

  void keep(const std::vector<bool>& good) {
    Selection out;
    for (size_t i = 0; i < samples.size(); ++i) {
      if (!good[i]) continue;
      out.samples.push_back(samples[i]);
      if (!values.empty()) out.values.push_back(values[i]);
      if (!labels.empty()) out.labels.push_back(labels[i]);
    }
    *this = std::move(out);
  }
};

data::MissingSamples missing_samples(const TrainingSetup& setup) {
  return setup.missing_samples == "drop" ? data::MissingSamples::kDrop : data::MissingSamples::kError;
}

Selection select_labelled(const io::CountTable& table, const StudyFiles& files, const TrainingSetup& setup,
                          const Log& log) {
  const io::Metadata metadata = io::read_metadata(files.metadata);
  data::LabelledSamples labelled = data::labelled_samples(table.sample_ids, metadata, files.column,
                                                          setup.model.is_classifier, missing_samples(setup));
  const auto report = [&](const std::vector<std::string>& ids, const std::string& why) {
    if (ids.empty()) return;
    log("left out " + count_of(ids.size(), table.sample_ids.size()) + " samples " + why + ": " + some_of(ids));
  };
  report(labelled.without_metadata, "absent from " + files.metadata);
  report(labelled.without_value, "without a value of " + files.column);
  return {std::move(labelled.samples), std::move(labelled.values), std::move(labelled.labels)};
}

void check_targets(const Selection& selection, const StudyFiles& files) {
  const std::set<double> values(selection.values.begin(), selection.values.end());
  if (!selection.values.empty() && values.size() < 2) {
    throw ArgumentError(files.metadata + ": column " + quoted(files.column) + " is " + Json(*values.begin()).dump() +
                        " in all " + std::to_string(selection.values.size()) +
                        " samples; expected at least two different values");
  }
}

// Leaves out what is too shallow (and what is empty); returns the depth (0: counts as they are).
int64_t apply_depth(const io::CountTable& table, int64_t wanted, Selection& selection, const Log& log) {
  const std::vector<double> all = community::sample_totals(table);
  std::vector<double> totals;
  for (const int64_t sample : selection.samples) totals.push_back(all[sample]);
  const int64_t depth = wanted == kAutoDepth ? auto_depth(totals) : wanted;
  std::vector<bool> good;
  std::vector<std::string> shallow;
  for (size_t i = 0; i < totals.size(); ++i) {
    good.push_back(totals[i] > 0 && totals[i] >= static_cast<double>(depth));
    if (!good.back()) shallow.push_back(table.sample_ids[selection.samples[i]]);
  }
  const size_t before = selection.samples.size();
  selection.keep(good);
  if (!shallow.empty()) {
    log("left out " + count_of(shallow.size(), before) + " samples with fewer than " +
        std::to_string(std::max<int64_t>(depth, 1)) + " reads: " + some_of(shallow));
  }
  if (selection.samples.empty()) {
    throw ArgumentError("no sample has " + std::to_string(depth) + " reads; the deepest has " +
                        Json(totals.empty() ? 0 : *std::max_element(totals.begin(), totals.end())).dump() +
                        ": choose a smaller --rarefy-depth");
  }
  return depth;
}

// The matrix in the order of the table's samples.
at::Tensor distances_of(const io::DistanceMatrix& matrix, const io::CountTable& table) {
  std::unordered_map<std::string, int64_t> row_of;
  for (size_t row = 0; row < matrix.ids.size(); ++row) row_of[matrix.ids[row]] = static_cast<int64_t>(row);
  const int64_t count = table.num_samples();
  at::Tensor out = at::empty({count, count}, at::kFloat);
  float* value = out.data_ptr<float>();
  for (const std::string& a : table.sample_ids) {
    for (const std::string& b : table.sample_ids) {
      *value++ = static_cast<float>(matrix.values[row_of.at(a) * matrix.num_rows + row_of.at(b)]);
    }
  }
  return out;
}

void keep_samples_with_distances(const io::DistanceMatrix& matrix, const io::CountTable& table, const StudyFiles& files,
                                 const TrainingSetup& setup, Selection& selection, const Log& log) {
  if (matrix.ids.empty()) {
    throw ArgumentError(files.distances + ": expected sample ids with the matrix (a .ids.txt beside a .npy), got none");
  }
  const std::set<std::string> known(matrix.ids.begin(), matrix.ids.end());
  std::vector<bool> good;
  std::vector<std::string> missing;
  for (const int64_t sample : selection.samples) {
    good.push_back(known.count(table.sample_ids[sample]) > 0);
    if (!good.back()) missing.push_back(table.sample_ids[sample]);
  }
  // Matrices are often made before samples are chosen: those that are too many are said, not refused.
  const std::set<std::string> in_table(table.sample_ids.begin(), table.sample_ids.end());
  std::vector<std::string> unused;
  std::copy_if(matrix.ids.begin(), matrix.ids.end(), std::back_inserter(unused),
               [&](const std::string& id) { return in_table.count(id) == 0; });
  if (!unused.empty()) {
    log(files.distances + ": " + count_of(unused.size(), matrix.ids.size()) +
        " samples are absent from the table: " + some_of(unused));
  }
  if (missing.empty()) return;
  const std::string what = count_of(missing.size(), good.size()) + " samples are absent from it: " + some_of(missing);
  if (missing_samples(setup) == data::MissingSamples::kError) {
    throw ArgumentError(files.distances + ": " + what + " (--missing-samples drop leaves them out)");
  }
  log(files.distances + ": " + what);
  selection.keep(good);
}

void check_metric(const io::DistanceMatrix& matrix, const StudyFiles& files) {
  const double most = matrix.values.empty() ? 0 : *std::max_element(matrix.values.begin(), matrix.values.end());
  if (most <= 1 + 1e-6) return;
  throw ArgumentError(files.distances + ": expected distances up to 1, got " + Json(most).dump() +
                      "; the model's distances end at 1, so use an unweighted or normalised metric");
}

// Targets in table order, fitted on the training part (classes: on all, so that none is unknown later).
void set_targets(Study& study, const StudyFiles& files, const TrainingSetup& setup) {
  at::Tensor targets;
  if (setup.model.is_classifier) {
    study.codec = data::TargetCodec::fit_classes(files.column, study.labels);
    targets = at::empty({study.table->num_samples()}, at::kLong);
    for (size_t i = 0; i < study.labels.size(); ++i) {
      targets.data_ptr<int64_t>()[i] = study.codec->class_id(study.labels[i]);
    }
  } else {
    std::vector<double> known;
    for (const int64_t sample : study.split.train) known.push_back(study.values[sample]);
    study.codec =
        data::TargetCodec::fit_regression(files.column, known, data::parse_target_transform(setup.target_transform));
    targets = at::empty({study.table->num_samples(), 1}, at::kFloat);
    for (size_t i = 0; i < study.values.size(); ++i) {
      targets.data_ptr<float>()[i] = static_cast<float>(study.codec->normalize(study.values[i]));
    }
  }
  study.train->set_targets(targets);
  study.val->set_targets(targets);
}

// Covariates, fitted on the training part.
void set_categories(Study& study, const StudyFiles& files, const TrainingSetup& setup) {
  const io::Metadata metadata = io::read_metadata(files.metadata);
  std::vector<std::string> known;
  for (const int64_t sample : study.split.train) known.push_back(study.table->sample_ids[sample]);
  study.categories = data::CategoricalEncoder::fit(setup.categorical_columns, metadata, known);
  const data::CategoryIds ids = study.categories.encode(metadata, study.table->sample_ids);
  study.train->set_categories(ids);
  study.val->set_categories(ids);
}

// What a model that knows nothing would answer.
Json baseline_of(const Study& study) {
  Json baseline = Json::object();
  if (!study.labels.empty()) {
    Json counts = Json::object();
    std::vector<int64_t> of_class(study.codec->classes().size(), 0);
    for (const int64_t sample : study.split.train) ++of_class[study.codec->class_id(study.labels[sample])];
    for (size_t i = 0; i < of_class.size(); ++i) counts.set(study.codec->classes()[i], of_class[i]);
    baseline.set("class_counts", counts);
  } else if (!study.values.empty()) {
    double mean = 0;
    for (const int64_t sample : study.split.train) {
      mean += study.values[sample] / static_cast<double>(study.split.train.size());
    }
    baseline.set("mean", mean);
  }
  return baseline;
}

Json describe(const Study& study, const StudyFiles& files) {
  Json out = Json::object();
  for (const auto& [name, path] :
       {std::pair{"table", files.table}, std::pair{"sequences", files.sequences}, std::pair{"tree", files.tree},
        std::pair{"distances", files.distances}, std::pair{"metadata", files.metadata}}) {
    if (!path.empty()) out.set(name, path);
  }
  out.set("num_samples", study.table->num_samples());
  out.set("num_features", study.table->num_features());
  out.set("num_train", static_cast<int64_t>(study.split.train.size()));
  out.set("num_val", static_cast<int64_t>(study.split.val.size()));
  out.set("baseline", baseline_of(study));
  return out;
}

void set_tree(Study& study, const StudyFiles& files, const TrainingSetup& setup, const Log& log) {
  const auto missing =
      setup.missing_features == "drop" ? community::MissingFeatures::kDrop : community::MissingFeatures::kError;
  auto phylogeny = std::make_shared<community::Phylogeny>(
      community::match_features(io::read_newick(files.tree), study.table->feature_ids, missing, files.tree));
  if (!phylogeny->missing.empty()) {
    log(community::to_text(community::missing_report(*study.table, *phylogeny), files.tree));
  }
  study.train->set_phylogeny(phylogeny);
  study.val->set_phylogeny(phylogeny);
}

}  // namespace

int64_t auto_depth(const std::vector<double>& totals) {
  if (totals.empty()) return 1;
  std::vector<double> sorted = totals;
  std::sort(sorted.begin(), sorted.end());
  const auto droppable = static_cast<size_t>(static_cast<double>(sorted.size()) * 0.1);
  return std::clamp<int64_t>(static_cast<int64_t>(std::floor(sorted[droppable])), 1, kMostAutoDepth);
}

void StudyFiles::add_options(CLI::App& app, bool is_predictor) {
  app.add_option("--table", table, "Feature table (BIOM, TSV)")->required()->option_text("FILE");
  app.add_option("--sequences", sequences, "FASTA with the DNA of each feature, for ids that are not DNA themselves")
      ->option_text("FILE");
  auto* tree_option = app.add_option("--tree", tree, "Newick tree: UniFrac distances to learn")->option_text("FILE");
  app.add_option("--distances", distances, "A ready matrix instead of --tree (.npy, .tsv, .h5)")
      ->option_text("FILE")
      ->excludes(tree_option);
  if (!is_predictor) return;
  app.add_option("--metadata", metadata, "Sample metadata (TSV)")->required()->option_text("FILE");
  app.add_option("--metadata-column", column, "Its column to predict")->required()->option_text("NAME");
}

Study prepare_study(const StudyFiles& files, const TrainingSetup& setup, bool is_predictor, const Log& log) {
  const io::CountTable whole = io::read_table(files.table);
  Selection selection;
  if (is_predictor) {
    selection = select_labelled(whole, files, setup, log);
    check_targets(selection, files);
  } else {
    selection.samples.resize(whole.sample_ids.size());
    std::iota(selection.samples.begin(), selection.samples.end(), 0);
  }
  io::DistanceMatrix matrix;
  if (!files.distances.empty()) {
    matrix = io::read_distances(files.distances);
    check_metric(matrix, files);
    keep_samples_with_distances(matrix, whole, files, setup, selection, log);
  }
  Study study;
  study.rarefy_depth_reads = apply_depth(whole, setup.rarefy_depth_reads, selection, log);
  study.table = std::make_shared<const io::CountTable>(
      community::drop_empty_features(community::select_samples(whole, selection.samples)));
  study.values = std::move(selection.values);
  study.labels = std::move(selection.labels);
  std::vector<int64_t> all(study.table->sample_ids.size());
  std::iota(all.begin(), all.end(), 0);
  study.split = train::split_samples(all, setup.test_size, setup.training.seed);

  const std::vector<std::string> sequences = data::feature_sequences(study.table->feature_ids, files.sequences);
  const train::DataConfig data{setup.model.max_bp, setup.model.token_limit, study.rarefy_depth_reads,
                               setup.asv_sampling, setup.unifrac_metric};
  const uint64_t seed = setup.training.seed;
  study.train = std::make_unique<data::SampleDataset>(study.table, sequences, train::dataset_options(data, seed, true));
  study.val = std::make_unique<data::SampleDataset>(study.table, sequences, train::dataset_options(data, seed, false));
  if (setup.training.loss.penalty > 0) {
    if (!files.tree.empty()) set_tree(study, files, setup, log);
    if (!files.distances.empty()) {
      const at::Tensor distances = distances_of(matrix, *study.table);
      study.train->set_distances(distances);
      study.val->set_distances(distances);
    }
  }
  if (is_predictor) set_targets(study, files, setup);
  if (is_predictor && !setup.categorical_columns.empty()) set_categories(study, files, setup);
  study.trained_on = describe(study, files);
  return study;
}

void PredictionFiles::add_options(CLI::App& app) {
  app.add_option("--model", model, "Run directory of `deepbio train` or `pretrain`")->required()->option_text("RUN");
  app.add_option("--table", table, "Feature table (BIOM, TSV)")->required()->option_text("FILE");
  app.add_option("--sequences", sequences, "FASTA with the DNA of each feature, for ids that are not DNA themselves")
      ->option_text("FILE");
}

train::PredictionData prepare_prediction(const PredictionFiles& files, const train::RunConfig& config, const Log& log,
                                         bool with_covariates) {
  const io::CountTable whole = io::read_table(files.table);
  train::PredictionData data = train::prediction_data(whole, config, files.sequences, /*redraw=*/files.passes > 1);
  if (!data.left_out.empty()) {
    log("left out " + count_of(data.left_out.size(), whole.sample_ids.size()) + " samples with fewer than " +
        std::to_string(std::max<int64_t>(config.data.rarefy_depth_reads, 1)) + " reads: " + some_of(data.left_out));
  }
  if (with_covariates) train::add_covariates(data, config, files.metadata);
  return data;
}

}  // namespace deepbio::tools
