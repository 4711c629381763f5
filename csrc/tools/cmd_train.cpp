#include "tools/training_run.h"

namespace deepbio::tools {

std::function<int()> setup_train(CLI::App& app, Shared& shared) {
  app.footer(
      "Example: deepbio train --table table.biom --metadata metadata.tsv --metadata-column age --output-dir run");
  return setup_training(app, shared, /*is_predictor=*/true);
}

}  // namespace deepbio::tools
