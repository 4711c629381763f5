// Goes through every layer with the installed headers: consumer READS.fastq TABLE TREE prints facts
// that the test knows.
#include <iostream>

#include <deepbio/base/error.h>
#include <deepbio/base/random.h>
#include <deepbio/community/unifrac.h>
#include <deepbio/data/datasets.h>
#include <deepbio/export/torchscript.h>
#include <deepbio/io/reads/fastx.h>
#include <deepbio/io/tables/biom.h>
#include <deepbio/io/tables/newick.h>
#include <deepbio/model/aam.h>
#include <deepbio/seq/encode.h>
#include <deepbio/train/trainer.h>

using namespace deepbio;

int main(int, char** argv) {
  io::FastxReader reader(argv[1]);
  io::RecordBatch records;
  reader.read(records, 1000);
  const std::vector<std::string_view> reads{records.sequence(0), records.sequence(1)};
  std::cout << "one_hot " << seq::encode_one_hot(reads).values.sum().item<double>() << "\n";

  const io::CountTable table = io::read_table(argv[2]);
  const auto phylogeny = community::match_features(io::read_newick(argv[3]), table.feature_ids);
  const auto distances = community::unifrac(table, phylogeny, community::Metric::kUnweighted);
  std::cout.precision(17);
  std::cout << "unifrac " << distances.sum().item<double>() << "\n";

  const auto encoder = model::make_model({.embedding_dim = 16}, /*is_predictor=*/false);
  std::cout << "parameters " << encoder->named_parameters().size() << "\n";
  std::cout << "epochs " << train::TrainingOptions{}.epochs << "\n";
  exporting::write_torchscript(std::string(argv[1]) + ".ts", *encoder);

  try {  // an exception of the library is caught by its own type on this side
    io::read_table("nowhere.biom");
  } catch (const MissingFileError& error) {
    std::cout << "missing " << error.path() << "\n";
  }
}
