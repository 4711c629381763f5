// A table in, predictions out, without Python: predict RUN TABLE [METADATA.tsv] prints what
// `deepbio predict` prints.
#include <iostream>

#include <deepbio/base/error.h>
#include <deepbio/io/tables/biom.h>
#include <deepbio/train/prediction_data.h>
#include <deepbio/train/predictor.h>

using namespace deepbio;

void run(const std::string& run_directory, const std::string& table, const std::string& metadata) {
  const train::RunConfig config = train::read_run_config(run_directory);
  const auto model = train::load_model(run_directory);
  train::PredictionData data = train::prediction_data(io::read_table(table), config);
  train::add_covariates(data, config, metadata);  // nothing for a run without
  train::note_unseen_asvs(data, run_directory);
  for (const std::string& note : data.notes) std::cerr << note << "\n";
  train::write_predictions("-", train::predict(*model, config, *data.dataset, data.samples),
                           config);
}

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::cerr << "usage: predict RUN TABLE [METADATA.tsv]\n";
    return 2;
  }
  try {
    run(argv[1], argv[2], argc == 4 ? argv[3] : "");
  } catch (const deepbio::Error& error) {
    std::cerr << "predict: " << error.what() << "\n";
    return 1;
  }
}
