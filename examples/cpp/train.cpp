// A table and a tree to a pretrained encoder, in C++ alone: train TABLE.biom TREE.nwk
#include <deepbio/community/tree.h>
#include <deepbio/data/datasets.h>
#include <deepbio/io/biom.h>
#include <deepbio/io/newick.h>
#include <deepbio/model/aam.h>
#include <deepbio/train/trainer.h>

#include <iostream>
#include <numeric>

int main(int argc, char** argv) {
  using namespace deepbio;
  if (argc != 3) {
    std::cerr << "usage: train TABLE TREE\n";
    return 2;
  }
  try {
    auto table = std::make_shared<const io::CountTable>(io::read_table(argv[1]));
    const auto sequences = data::feature_sequences(table->feature_ids);
    data::SampleDataset samples(table, sequences, {.rarefy_depth_reads = 200});
    samples.set_phylogeny(std::make_shared<const community::Phylogeny>(
        community::match_features(io::read_newick(argv[2]), table->feature_ids)));

    model::ModelConfig config;
    config.embedding_dim = 32;
    config.predict_nucleotides = true;
    auto encoder = model::make_model(config, /*is_predictor=*/false);
    model::init_parameters(*encoder, /*seed=*/0);

    std::vector<int64_t> all(static_cast<size_t>(samples.size()));
    std::iota(all.begin(), all.end(), int64_t{0});
    train::Callbacks callbacks;
    callbacks.on_epoch = [](const train::EpochReport& report) {
      std::cout << "epoch " << report.epoch << ": loss " << report.train_loss << ", held back " << report.val_loss << "\n";
      return train::Control::kContinue;
    };
    train::Trainer trainer(encoder, {.epochs = 1, .lr = 1e-3});
    trainer.fit(samples, samples, train::split_samples(all, 0.2, 0), callbacks);
  } catch (const Error& error) {
    std::cerr << "train: " << error.what() << "\n";
    return 1;
  }
}
