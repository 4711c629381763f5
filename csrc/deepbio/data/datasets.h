// Datasets: anything that can make the batch of given indices. batch() is const and thread-safe;
// what is random in it depends on (seed, epoch, sample or record) only. Samples of a table stand
// here, reads in reads.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deepbio/community/unifrac.h"
#include "deepbio/data/batch.h"
#include "deepbio/data/categories.h"
#include "deepbio/data/reads.h"

namespace deepbio::data {

// Which ASVs stay when a sample has more than token_limit, and in which order ASVs stand.
enum class AsvSampling {
  kFirst,  // table order, the first ones (AAM's default): the only one to which the order of the
           // table matters
  kAbundance,  // most reads first, equal ones by id
  kRandom,     // by id, a random subset new in each epoch
};
AsvSampling parse_asv_sampling(std::string_view name);
std::string_view to_string(AsvSampling sampling);

struct SampleDatasetOptions {
  int64_t max_bp = 150;
  int64_t token_limit = 1024;  // S at most
  AsvSampling asv_sampling = AsvSampling::kAbundance;
  // 0: counts as they are; else every epoch draws anew (fixed_epoch below)
  int64_t rarefy_depth_reads = 0;
  bool redraw_each_epoch = true;  // false: epoch 0's draw always, as for validation
  // Augmentation: each epoch keeps a random share of a sample's reads, between this and 1; 1: all
  // of them. Never the same depth for all: a sample is thinned from its own. Counts that are not
  // whole numbers stay as they are.
  double least_thinning = 1;
  uint64_t seed = 0;
  community::Metric metric = community::Metric::kUnweighted;
};

// Where distances come from, for messages: the name of a file or an argument, and the largest of
// the whole matrix, of which a dataset may hold a part.
struct DistanceOrigin {
  std::string name = "distances";
  double most = 0;
};

// Samples of a table for the AAM models. Draws are keyed by sample and feature ids: the order of
// the table's samples and features changes nothing but the numbers of asv_features.
class SampleDataset {
 public:
  // sequences: the DNA of each feature [F]. throws ArgumentError when one has a letter outside
  // ACGT..., naming the feature and saying that --sequences can give DNA for ids that are not DNA;
  // samples below the rarefaction depth must have been dropped by the caller.
  SampleDataset(std::shared_ptr<const io::CountTable> table, std::vector<std::string> sequences,
                SampleDatasetOptions options);
  // Distances are computed for each batch from the batch's own counts.
  void set_phylogeny(std::shared_ptr<const community::Phylogeny> phylogeny);
  // Distances are looked up; rows and columns in table order, float32 [N, N]. Without an origin
  // they are the whole matrix.
  void set_distances(at::Tensor distances, std::optional<DistanceOrigin> origin = {});
  // float32 [N, O] normalised or int64 [N]; NaN / -1 where unknown.
  void set_targets(at::Tensor targets);
  // int64 [N] of each covariate. throws ShapeError.
  void set_categories(CategoryIds categories);

  int64_t size() const { return table_->num_samples(); }
  const io::CountTable& table() const { return *table_; }
  const std::vector<std::string>& sequences() const { return sequences_; }
  const SampleDatasetOptions& options() const { return options_; }
  const at::Tensor& targets() const { return targets_; }
  // float32 [N, N]; undefined when there are none.
  const at::Tensor& distances() const { return distances_; }
  const DistanceOrigin& distance_origin() const { return distance_origin_; }
  // Null when there is none.
  const community::Phylogeny* phylogeny() const { return phylogeny_.get(); }
  const CategoryIds& categories() const { return categories_; }
  bool has_distances() const { return phylogeny_ != nullptr || distances_.defined(); }
  // The same samples with all their reads at every epoch: one draw where they are rarefied, no
  // thinning.
  SampleDataset undisturbed() const;
  // throws ArgumentError for an index out of range.
  SampleBatch batch(std::span<const int64_t> indices, uint64_t epoch = 0) const;

 private:
  struct Drawn;
  Drawn draw(int64_t sample, uint64_t epoch) const;
  void fill_slots(const std::vector<Drawn>& drawn, const std::vector<int64_t>& distinct,
                  int64_t slots, SampleBatch& out) const;
  std::shared_ptr<const io::CountTable> table_;
  std::vector<std::string> sequences_;
  SampleDatasetOptions options_;
  std::shared_ptr<const community::Phylogeny> phylogeny_;
  at::Tensor distances_, targets_;
  DistanceOrigin distance_origin_;
  CategoryIds categories_;
  std::vector<int64_t> entries_by_id_;  // entries of the table, those of a sample in the order of
                                        // their features' ids
  at::Tensor feature_tokens_;           // uint8 [F, L], AAM ids
  at::Tensor feature_lengths_;          // int64 [F], START counted
};

}  // namespace deepbio::data
