// A study: files and options become checked datasets. What pretrain, train and C++ users start
// from.
//
// One place decides what belongs to a study: which samples stay (sample_choice.h), the depth, the
// targets and their scale, the covariates, distances by tree or matrix, the split (split.h).
// Everything that can be known to be wrong is said here, before anything is trained or written.
// Threads: prepare_study is a pure function of files and options.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deepbio/base/options.h"
#include "deepbio/data/datasets.h"
#include "deepbio/data/targets.h"
#include "deepbio/train/checkpoint.h"
#include "deepbio/train/sample_choice.h"
#include "deepbio/train/split.h"

namespace deepbio::train {

// Paths; "" where there is none.
struct StudyFiles {
  std::string table;
  std::string sequences;  // FASTA for feature ids that are not DNA
  std::string tree;       // Newick: UniFrac distances to learn
  std::string distances;  // a ready matrix instead of a tree
  std::string metadata;
  std::string target;  // its column to learn
};

struct StudyOptions {
  bool is_classifier = false;
  std::string target_transform = "zscore";
  std::vector<std::string> categorical_columns;
  std::string missing_features = "error", missing_samples = "error";  // error, drop
  // Words of the metadata that stand for a missing value; io/tables/metadata.h.
  std::vector<std::string> missing_values;
  DataConfig data;  // rarefy_depth_reads may be kAutoDepth
  // Least share of its reads that an epoch of training keeps of a sample.
  double least_thinning = 1;
  bool learns_distances = true;  // false: tree and distances are checked, but not computed
  double test_size = 0.2;
  std::string group_column;   // samples of one value are all on one side of splits and inner folds;
                              // "": no groups
  std::string train_samples;  // file with ids to train on, one a line; "": what val_samples leaves,
                              // or by test_size
  std::string val_samples;    // file with ids to hold back
  uint64_t seed = 0;
  // Those that command, JSON and Python know by name; the others follow from the model, the
  // training or files.
  OptionRows rows();
};

struct Study {
  std::shared_ptr<const io::CountTable> table;  // the samples that stay, features with reads
  std::unique_ptr<data::SampleDataset> train,
      val;  // both of all samples; val has one fixed draw of reads
  Split split;
  std::optional<data::TargetCodec> codec;
  std::vector<double> values;       // targets of a regression, in table order
  std::vector<std::string> labels;  // of a classifier
  data::CategoricalEncoder categories;
  int64_t rarefy_depth_reads = 0;
  std::vector<LeftOut> left_out;
  std::vector<std::string> notes;  // what to tell the user, a line each
  Json trained_on;                 // for config.json
};

// throws what reading throws; ArgumentError and ConfigError for what does not fit together.
Study prepare_study(const StudyFiles& files, const StudyOptions& options);

// DNA of the ASVs that have reads in these samples: what a model trained on them has seen. Upper
// case, in table order.
std::vector<std::string> asvs_of(const data::SampleDataset& dataset,
                                 const std::vector<int64_t>& samples);

// What a model that knows nothing would answer: {"mean": m} or {"class_counts": {...}} of the
// training samples.
Json baseline_of(const data::TargetCodec& codec, const std::vector<double>& values,
                 const std::vector<std::string>& labels);

// throws ArgumentError when distances above 1 are to be learned: the model's distances end at 1.
void check_model_distances(const data::SampleDataset& dataset);

}  // namespace deepbio::train
