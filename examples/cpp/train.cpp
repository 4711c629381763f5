// A table and a tree to a pretrained encoder and sample embeddings, in C++ alone: train TABLE.biom
// TREE.nwk
#include <iostream>
#include <numeric>

#include <deepbio/base/error.h>
#include <deepbio/community/tree.h>
#include <deepbio/data/datasets.h>
#include <deepbio/data/feature_sequences.h>
#include <deepbio/io/tables/biom.h>
#include <deepbio/io/tables/newick.h>
#include <deepbio/model/aam.h>
#include <deepbio/train/predictor.h>
#include <deepbio/train/trainer.h>

using namespace deepbio;

void run(const std::string& table_path, const std::string& tree_path) {
  auto table = std::make_shared<const io::CountTable>(io::read_table(table_path));
  data::SampleDataset samples(table, data::feature_sequences(table->feature_ids),
                              {.rarefy_depth_reads = 200});
  samples.set_phylogeny(std::make_shared<const community::Phylogeny>(
      community::match_features(io::read_newick(tree_path), table->feature_ids)));

  auto encoder =
      model::make_model({.embedding_dim = 32, .predict_nucleotides = true}, /*is_predictor=*/false);
  model::init_parameters(*encoder, /*seed=*/0);
  std::vector<int64_t> all(static_cast<size_t>(samples.size()));
  std::iota(all.begin(), all.end(), int64_t{0});
  train::Callbacks callbacks;
  callbacks.on_epoch = [](const train::EpochReport& report) {
    std::cout << "epoch " << report.epoch << ": loss " << report.train_loss << ", held back "
              << report.val_loss << "\n";
    return train::Control::kContinue;
  };
  train::Trainer(encoder, {.epochs = 1, .lr = 1e-3})
      .fit(samples, samples, train::split_samples(all, 0.2, 0), callbacks);

  const torch::Tensor embeddings = train::embed(*encoder, samples, all);
  std::cout << "embeddings " << embeddings.sizes() << " of " << table->sample_ids.front()
            << " ...\n";
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: train TABLE TREE\n";
    return 2;
  }
  try {
    run(argv[1], argv[2]);
  } catch (const deepbio::Error& error) {
    std::cerr << "train: " << error.what() << "\n";
    return 1;
  }
}
