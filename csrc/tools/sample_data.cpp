#include "tools/sample_data.h"

#include <iostream>

#include "deepbio/base/spelling.h"

namespace deepbio::tools {

void add_study_options(CLI::App& app, train::StudyFiles& files, bool is_predictor) {
  app.add_option("--table", files.table, "Feature table (BIOM, TSV)")
      ->required()
      ->option_text("FILE");
  app.add_option("--sequences", files.sequences,
                 "FASTA with the DNA of each feature, for ids that are not DNA themselves")
      ->option_text("FILE");
  auto* tree_option =
      app.add_option("--tree", files.tree, "Newick tree: UniFrac distances to learn")
          ->option_text("FILE");
  app.add_option("--distances,--unifrac-matrix", files.distances,
                 "A ready matrix instead of --tree (.npy, .tsv, .h5)")
      ->option_text("FILE")
      ->excludes(tree_option);
  if (!is_predictor) return;
  app.add_option("--metadata", files.metadata, "Sample metadata (TSV)")
      ->required()
      ->option_text("FILE");
  app.add_option("--metadata-column", files.target, "Its column to predict")
      ->required()
      ->option_text("NAME");
}

void PredictionFiles::add_options(CLI::App& app) {
  app.add_option("--model", model, "Run directory of `deepbio train` or `pretrain`")
      ->required()
      ->option_text("RUN");
  app.add_option("--table", table, "Feature table (BIOM, TSV)")->required()->option_text("FILE");
  app.add_option("--sequences", sequences,
                 "FASTA with the DNA of each feature, for ids that are not DNA themselves")
      ->option_text("FILE");
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
