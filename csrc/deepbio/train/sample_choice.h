// Which samples of a table a study works on, and why each other one is left out. Asked by the
// command, by Python's SampleDataset and by C++ alike, so that all of them keep the same samples
// and refuse with the same sentence.
//
// In order: a target value is there, distances are there, the sample is deep enough. Names in
// messages in `back quotes` are options, see base/spelling.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/io/tables/biom.h"
#include "deepbio/io/tables/metadata.h"

namespace deepbio::train {

constexpr int64_t kAutoDepth = -1;

struct SampleRules {
  std::string target;  // metadata column to learn; "": none
  bool is_classifier = false;
  bool may_be_constant = false;  // for samples that are only judged, never learned from
  std::vector<std::string> categorical_columns;  // covariates
  std::string missing_samples = "error";  // samples absent from metadata or distances: error, drop
  int64_t rarefy_depth_reads = kAutoDepth;  // 0: counts as they are
};

// What is known about the samples; a null pointer where a study has no such file.
struct SampleSources {
  const io::CountTable* table = nullptr;
  const io::Metadata* metadata = nullptr;
  const std::vector<std::string>* distance_ids = nullptr;
  std::string distances_name = "distances";  // for messages
};

struct LeftOut {
  std::string why;  // "without a value of 'age'"
  std::vector<std::string> samples;
};

struct SampleChoice {
  std::vector<int64_t> samples;     // rows of the table that stay, ascending
  std::vector<double> values;       // target of each, of a regression
  std::vector<std::string> labels;  // of a classifier
  int64_t rarefy_depth_reads = 0;   // the depth, where it was automatic
  std::vector<LeftOut> left_out;
  std::vector<std::string> notes;  // what to tell the user, a line each
};

// throws ArgumentError: samples without metadata or distances under "error", a constant target, a
// target among the covariates, no sample left (with the depth of the deepest); ConfigError: a
// column that is not there.
SampleChoice choose_samples(const SampleSources& sources, const SampleRules& rules);

// Largest depth up to 5000 that keeps at least 90 % of the samples; at least 1.
int64_t auto_depth(const std::vector<double>& totals);

// Three names at most, for messages.
std::string some_of(const std::vector<std::string>& names);

}  // namespace deepbio::train
