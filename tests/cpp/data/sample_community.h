// A small community for tests of datasets.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "deepbio/base/random.h"
#include "deepbio/data/datasets.h"
#include "deepbio/io/tables/newick.h"

namespace deepbio::test {

// Samples with 1 to `num_features` features of random DNA between 20 and 60 bp, counts with many
// ties.
struct Community {
  std::shared_ptr<io::CountTable> table = std::make_shared<io::CountTable>();
  std::vector<std::string> sequences;
  explicit Community(int64_t num_samples = 9, int64_t num_features = 14) {
    CounterRandom random(21, 0, 0, Purpose::kSimulate);
    for (int64_t f = 0; f < num_features; ++f) {
      std::string dna(20 + random.below(41), 'A');
      for (char& base : dna) base = "ACGT"[random.below(4)];
      table->feature_ids.push_back("feature" + std::to_string(f));
      sequences.push_back(dna);
    }
    for (int64_t n = 0; n < num_samples; ++n) {
      table->sample_ids.push_back("sample" + std::to_string(n));
      for (int64_t f = 0; f < num_features; ++f) {
        if (f != n % num_features && random.below(3) == 0) continue;
        table->indices.push_back(f);
        table->values.push_back(static_cast<double>(30 + random.below(6)));
      }
      table->indptr.push_back(static_cast<int64_t>(table->indices.size()));
    }
  }
  std::shared_ptr<const community::Phylogeny> phylogeny() const {
    std::string newick;  // a caterpillar
    for (size_t f = 0; f < sequences.size(); ++f) {
      const std::string tip = "feature" + std::to_string(f) + ":0." + std::to_string(f + 1);
      newick = f == 0 ? tip : "(" + newick + "," + tip + "):0.25";
    }
    return std::make_shared<community::Phylogeny>(community::match_features(
        io::parse_newick(newick + ";", "caterpillar"), table->feature_ids));
  }
  double total(int64_t sample) const {
    return community::sample_totals(*table)[static_cast<size_t>(sample)];
  }
};

inline std::vector<int64_t> all(const data::SampleDataset& dataset) {
  std::vector<int64_t> out(static_cast<size_t>(dataset.size()));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

}  // namespace deepbio::test
