#include "tools/training_run.h"

namespace deepbio::tools {

std::function<int()> setup_pretrain(CLI::App& app, Shared& shared) {
  app.footer(
      "Learns UniFrac distances between samples and masked nucleotides; RUN then serves `train --pretrained RUN`.\n"
      "Example: deepbio pretrain --table table.biom --tree tree.nwk --output-dir pretrained");
  return setup_training(app, shared, /*is_predictor=*/false);
}

}  // namespace deepbio::tools
