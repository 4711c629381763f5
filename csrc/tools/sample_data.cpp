#include "tools/sample_data.h"

#include <iostream>

#include "tools/option_flags.h"

#include "deepbio/base/spelling.h"

namespace deepbio::tools {
namespace {

constexpr const char* kSequencesHelp =
    "FASTA with the DNA of each feature, for ids that are not DNA themselves";

}  // namespace

void add_study_options(CLI::App& app, train::StudyFiles& files, bool is_predictor) {
  add_path(app, "--table", files.table, "Feature table (BIOM, TSV)");
  add_maybe_path(app, "--sequences", files.sequences, kSequencesHelp);
  auto* tree = add_maybe_path(app, "--tree", files.tree, "Newick tree: UniFrac distances to learn");
  add_maybe_path(app, "--distances,--unifrac-matrix", files.distances,
                 "A ready matrix instead of --tree (.npy, .tsv, .h5)")
      ->excludes(tree);
  if (!is_predictor) return;
  add_path(app, "--metadata", files.metadata, "Sample metadata (TSV)");
  add_path(app, "--metadata-column", files.target, "Its column to predict", "NAME");
}

void PredictionFiles::add_options(CLI::App& app) {
  add_path(app, "--model", model, "Run directory of `deepbio train` or `pretrain`", "RUN");
  add_path(app, "--table", table, "Feature table (BIOM, TSV)");
  add_maybe_path(app, "--sequences", sequences, kSequencesHelp);
}

train::PredictionData read_prediction_data(const PredictionFiles& files,
                                           const train::RunConfig& config, bool is_quiet,
                                           bool with_covariates) {
  train::PredictionData data = train::prediction_data(io::read_table(files.table), config,
                                                      files.sequences, /*redraw=*/files.passes > 1);
  train::note_unseen_asvs(data, files.model);
  for (const std::string& note : data.notes) {
    if (!is_quiet) std::cerr << spelled_for_shell(note) << "\n";
  }
  if (with_covariates) train::add_covariates(data, config, files.metadata);
  return data;
}

}  // namespace deepbio::tools
