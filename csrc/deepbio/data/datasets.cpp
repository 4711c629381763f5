// A sample is drawn alone (`draw`), by its id and the epoch, and a batch is put together from
// draws: its distinct ASVs once, and an index of where they occur. So a sample is the same in any
// batch, on any thread, and an encoder sees an ASV once although hundreds of samples have it.
#include "deepbio/data/datasets.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/community/distances.h"
#include "deepbio/data/feature_sequences.h"

namespace deepbio::data {
namespace {

int64_t checked_index(int64_t index, int64_t size, const char* what) {
  if (index < 0 || index >= size) {
    throw ArgumentError(std::string(what) + " index: expected 0 to " + std::to_string(size - 1) +
                        ", got " + std::to_string(index));
  }
  return index;
}

at::Tensor long_tensor(const std::vector<int64_t>& values) {
  return at::tensor(values, at::TensorOptions().dtype(at::kLong));
}

void check_dna(const std::string& feature, const std::string& sequence) {
  const size_t place = sequence.find_first_not_of(kDnaLetters);
  if (!sequence.empty() && place == std::string::npos) return;
  throw ArgumentError("feature " + quoted(feature) + ": expected DNA, got " +
                      (sequence.empty()
                           ? "an empty sequence"
                           : quoted(sequence.substr(place, 1)) + " at position " +
                                 std::to_string(place + 1) + " of " + quoted(sequence)) +
                      "; `sequences` (a FASTA) gives DNA for ids that are not DNA");
}

// The AAM tokens of many sequences, held in bytes: the 64-bit form exists for a part of them at a
// time.
seq::Encoded byte_tokens(std::span<const std::string_view> sequences, int64_t max_bp) {
  // Ids of AAM's vocabulary fit a byte, and a table of 100,000 features is then eight times
  // smaller.
  constexpr size_t kPart = 4096;
  size_t longest = 0;
  for (const auto sequence : sequences) longest = std::max(longest, sequence.size());
  const int64_t width = 1 + std::min(max_bp, static_cast<int64_t>(longest));
  const auto num_sequences = static_cast<int64_t>(sequences.size());
  seq::Encoded out{at::zeros({num_sequences, width}, at::kByte),
                   at::zeros({num_sequences}, at::kLong)};
  for (size_t begin = 0; begin < sequences.size(); begin += kPart) {
    const auto part = sequences.subspan(begin, std::min(kPart, sequences.size() - begin));
    const seq::Encoded encoded = seq::encode_aam_tokens(part, max_bp);
    const auto first = static_cast<int64_t>(begin), count = static_cast<int64_t>(part.size());
    // A part whose longest sequence is shorter is narrower; the rest of its rows stays padding.
    out.values.narrow(0, first, count).narrow(1, 0, encoded.values.size(1)).copy_(encoded.values);
    out.lengths.narrow(0, first, count).copy_(encoded.lengths);
  }
  return out;
}

// Entries of each sample in the order of their features' ids, which does not depend on how the
// table was written.
std::vector<int64_t> entries_by_feature_id(const io::CountTable& table) {
  std::vector<int64_t> features(table.feature_ids.size()), rank(table.feature_ids.size());
  std::iota(features.begin(), features.end(), int64_t{0});
  std::sort(features.begin(), features.end(),
            [&](int64_t a, int64_t b) { return table.feature_ids[a] < table.feature_ids[b]; });
  for (size_t place = 0; place < features.size(); ++place)
    rank[features[place]] = static_cast<int64_t>(place);

  std::vector<int64_t> entries(table.indices.size());
  std::iota(entries.begin(), entries.end(), int64_t{0});
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    std::sort(
        entries.begin() + table.indptr[sample], entries.begin() + table.indptr[sample + 1],
        [&](int64_t a, int64_t b) { return rank[table.indices[a]] < rank[table.indices[b]]; });
  }
  return entries;
}

// Keeps a share of the reads, drawn between options.least_thinning and 1 for this sample and epoch.
std::vector<double> thinned(const std::vector<double>& counts, const std::string& sample_id,
                            const SampleDatasetOptions& options, uint64_t epoch) {
  // Other draws than rarefaction's of the same sample and epoch.
  constexpr uint64_t kOwnStream = 0x7468696eU;
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  const bool whole =
      std::all_of(counts.begin(), counts.end(), [](double n) { return n == std::floor(n); });
  // Of one read nothing can be left out without leaving the sample empty.
  if (!whole || total < 2) return counts;
  // The share comes from a stream of its own; the draw below is that of rarefaction with another
  // seed.
  CounterRandom random(options.seed, epoch, hash_bytes(sample_id), Purpose::kAugmentation);
  const double share = options.least_thinning + (1 - options.least_thinning) * random.uniform();
  community::RarefyOptions rarefy;
  rarefy.depth_reads = std::max<int64_t>(1, static_cast<int64_t>(std::llround(total * share)));
  rarefy.seed = options.seed ^ kOwnStream;
  rarefy.epoch = epoch;
  return community::rarefy_counts(counts, sample_id, rarefy);
}

}  // namespace

AsvSampling parse_asv_sampling(std::string_view name) {
  if (name == "first") return AsvSampling::kFirst;
  if (name == "abundance") return AsvSampling::kAbundance;
  if (name == "random") return AsvSampling::kRandom;
  throw ArgumentError("asv sampling: expected first, abundance or random, got " + quoted(name));
}

std::string_view to_string(AsvSampling sampling) {
  switch (sampling) {
    case AsvSampling::kFirst:
      return "first";
    case AsvSampling::kAbundance:
      return "abundance";
    case AsvSampling::kRandom:
      return "random";
  }
  throw ArgumentError("asv sampling: unknown value");
}

// A sample's features with reads after rarefaction, in the order of their ids, and which of them
// the model sees.
struct SampleDataset::Drawn {
  std::vector<int64_t> features;
  std::vector<double> counts;
  std::vector<size_t> shown;  // places in features, in the order of the slots
};

SampleDataset::SampleDataset(std::shared_ptr<const io::CountTable> table,
                             std::vector<std::string> sequences, SampleDatasetOptions options)
    : table_(std::move(table)), sequences_(std::move(sequences)), options_(options) {
  if (static_cast<int64_t>(sequences_.size()) != table_->num_features()) {
    throw ArgumentError("sample dataset: expected a sequence for each of " +
                        std::to_string(table_->num_features()) + " features, got " +
                        std::to_string(sequences_.size()));
  }
  if (options_.max_bp < 1)
    throw ArgumentError("max_bp: expected at least 1, got " + std::to_string(options_.max_bp));
  if (options_.token_limit < 1) {
    throw ArgumentError("token_limit: expected at least 1, got " +
                        std::to_string(options_.token_limit));
  }
  if (!(options_.least_thinning > 0 && options_.least_thinning <= 1)) {
    throw ArgumentError("least_thinning: expected more than 0 and at most 1, got " +
                        std::to_string(options_.least_thinning));
  }
  // Here rather than in a batch: a wrong letter ends the program before training begins.
  for (size_t i = 0; i < sequences_.size(); ++i) check_dna(table_->feature_ids[i], sequences_[i]);
  entries_by_id_ = entries_by_feature_id(*table_);
  const std::vector<std::string_view> views(sequences_.begin(), sequences_.end());
  const seq::Encoded encoded = byte_tokens(views, options_.max_bp);
  feature_tokens_ = encoded.values;
  feature_lengths_ = encoded.lengths;
}

void SampleDataset::set_phylogeny(std::shared_ptr<const community::Phylogeny> phylogeny) {
  if (static_cast<int64_t>(phylogeny->branch_of.size()) != table_->num_features()) {
    throw ArgumentError("sample dataset: the tree was matched to " +
                        std::to_string(phylogeny->branch_of.size()) + " features, the table has " +
                        std::to_string(table_->num_features()));
  }
  phylogeny_ = std::move(phylogeny);
}

void SampleDataset::set_distances(at::Tensor distances, std::optional<DistanceOrigin> origin) {
  const int64_t n = size();
  if (distances.dim() != 2 || distances.size(0) != n || distances.size(1) != n) {
    throw ShapeError("distances: expected [" + std::to_string(n) + ", " + std::to_string(n) +
                     "], got " + std::to_string(distances.dim()) + " dimensions of " +
                     std::to_string(distances.numel()) + " numbers in all");
  }
  // Checked in the type that was given: rounding to float first could make unequal ones of equal
  // ones.
  distances_ = community::sound_distances(distances, table_->sample_ids, "distances")
                   .to(at::kFloat)
                   .contiguous();
  distance_origin_ = origin ? std::move(*origin) : DistanceOrigin{};
  // A part of a matrix comes with the largest distance of the whole, which its own need not be.
  if (!origin && distances_.numel() > 0) distance_origin_.most = distances_.max().item<double>();
}

void SampleDataset::set_targets(at::Tensor targets) {
  // The type tells what is learned: int64 [N] are classes, float [N, O] are numbers.
  const bool fits = (targets.dim() == 1 && targets.scalar_type() == at::kLong) ||
                    (targets.dim() == 2 && targets.is_floating_point());
  if (!fits || targets.size(0) != size()) {
    throw ShapeError(
        "targets: expected float [N, O] or int64 [N] with N = " + std::to_string(size()) +
        ", got " + std::to_string(targets.dim()) + " dimensions, first of size " +
        std::to_string(targets.dim() ? targets.size(0) : 0));
  }
  targets_ = targets.is_floating_point() ? targets.to(at::kFloat) : targets;
}

void SampleDataset::set_categories(CategoryIds categories) {
  for (const auto& [column, ids] : categories) {
    if (ids.dim() == 1 && ids.size(0) == size() && ids.scalar_type() == at::kLong) continue;
    throw ShapeError("categories: " + quoted(column) + ": expected int64 [" +
                     std::to_string(size()) + "], got " + std::to_string(ids.dim()) +
                     " dimensions of " + std::to_string(ids.numel()) + " numbers in all");
  }
  categories_ = std::move(categories);
}

SampleDataset SampleDataset::undisturbed() const {
  SampleDataset out = *this;
  // Also ends thinning, which is asked for together with new draws only (`draw`).
  out.options_.redraw_each_epoch = false;
  return out;
}

SampleDataset::Drawn SampleDataset::draw(int64_t sample, uint64_t epoch) const {
  // Validation and prediction see the draw of epoch 0 in each epoch: their scores can be compared.
  const uint64_t draw_epoch = options_.redraw_each_epoch ? epoch : 0;
  const std::string& id = table_->sample_ids[static_cast<size_t>(sample)];
  const auto begin = table_->indptr[static_cast<size_t>(sample)],
             end = table_->indptr[static_cast<size_t>(sample) + 1];
  std::vector<double> counts;
  for (int64_t i = begin; i < end; ++i) counts.push_back(table_->values[entries_by_id_[i]]);
  if (options_.rarefy_depth_reads > 0) {
    community::RarefyOptions rarefy;
    rarefy.depth_reads = options_.rarefy_depth_reads;
    rarefy.seed = options_.seed;
    rarefy.epoch = draw_epoch;
    counts = community::rarefy_counts(counts, id, rarefy);
  }
  // After rarefaction: from the reads that are left, so that thinning still changes the depth.
  if (options_.least_thinning < 1 && options_.redraw_each_epoch)
    counts = thinned(counts, id, options_, draw_epoch);
  Drawn out;
  for (int64_t i = 0; i < end - begin; ++i) {
    if (counts[static_cast<size_t>(i)] <= 0) continue;
    out.features.push_back(table_->indices[entries_by_id_[begin + i]]);
    out.counts.push_back(counts[static_cast<size_t>(i)]);
  }
  if (out.features.empty())
    throw ArgumentError("sample " + quoted(id) + " has no reads; filter the table first");
  out.shown.resize(out.features.size());
  // Distances are made of all features of the draw, the model sees those in `shown`.
  std::iota(out.shown.begin(), out.shown.end(), size_t{0});
  const auto limit = static_cast<size_t>(options_.token_limit);
  if (options_.asv_sampling == AsvSampling::kFirst) {
    std::sort(out.shown.begin(), out.shown.end(),
              [&](size_t a, size_t b) { return out.features[a] < out.features[b]; });
  } else if (options_.asv_sampling == AsvSampling::kAbundance) {
    // Stable, over features in the order of their ids: what has as many reads stays in that order.
    std::stable_sort(out.shown.begin(), out.shown.end(),
                     [&](size_t a, size_t b) { return out.counts[a] > out.counts[b]; });
  } else if (options_.asv_sampling == AsvSampling::kRandom && out.shown.size() > limit) {
    CounterRandom random(options_.seed, draw_epoch, hash_bytes(id), Purpose::kSubset);
    const std::vector<int64_t> order =
        random_permutation(static_cast<int64_t>(out.shown.size()), random);
    for (size_t i = 0; i < limit; ++i) out.shown[i] = static_cast<size_t>(order[i]);
    // Which ones is random, their order is not: it is that of a sample that needs no choice.
    std::sort(out.shown.begin(), out.shown.begin() + static_cast<int64_t>(limit));
  }
  if (out.shown.size() > limit) out.shown.resize(limit);
  return out;
}

SampleBatch SampleDataset::batch(std::span<const int64_t> indices, uint64_t epoch) const {
  std::vector<Drawn> drawn;
  std::vector<int64_t> distinct;
  size_t slots = 0;
  SampleBatch out;
  for (const int64_t index : indices) {
    drawn.push_back(draw(checked_index(index, size(), "sample"), epoch));
    out.sample_ids.push_back(table_->sample_ids[static_cast<size_t>(index)]);
    slots = std::max(slots, drawn.back().shown.size());
    for (const size_t place : drawn.back().shown) distinct.push_back(drawn.back().features[place]);
  }
  // Ascending by feature, hence the binary search in fill_slots; the same for any order of the
  // samples.
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());

  out.sample_index = long_tensor({indices.begin(), indices.end()});
  out.asv_features = long_tensor(distinct);
  // L is that of the batch: a table with one long sequence does not widen every batch.
  const int64_t longest =
      distinct.empty() ? 0
                       : feature_lengths_.index_select(0, out.asv_features).max().item<int64_t>();
  out.asv_tokens =
      feature_tokens_.narrow(1, 0, longest).index_select(0, out.asv_features).to(at::kLong);
  fill_slots(drawn, distinct, static_cast<int64_t>(slots), out);
  if (phylogeny_) {
    std::vector<community::BranchProfile> profiles;
    for (const Drawn& sample : drawn) {
      // From the draw, not from the table: the distances fit the counts that the model is shown.
      profiles.push_back(community::branch_profile(*phylogeny_, sample.features, sample.counts));
    }
    out.distances =
        community::pairwise_distances(*phylogeny_, profiles, options_.metric).to(at::kFloat);
  } else if (distances_.defined()) {
    out.distances = distances_.index_select(0, out.sample_index).index_select(1, out.sample_index);
  }
  if (targets_.defined()) out.targets = targets_.index_select(0, out.sample_index);
  for (const auto& [column, ids] : categories_)
    out.categorical_ids[column] = ids.index_select(0, out.sample_index);
  return out;
}

void SampleDataset::fill_slots(const std::vector<Drawn>& drawn,
                               const std::vector<int64_t>& distinct, int64_t slots,
                               SampleBatch& out) const {
  const auto num_samples = static_cast<int64_t>(drawn.size());
  out.asv_index = at::zeros({num_samples, slots}, at::kLong);
  out.mask = at::zeros({num_samples, slots}, at::kBool);
  out.counts = at::zeros({num_samples, slots});
  // Filled through pointers: a tensor operation for each cell would take longer than the draw.
  auto* index = out.asv_index.data_ptr<int64_t>();
  auto* mask = out.mask.data_ptr<bool>();
  auto* counts = out.counts.data_ptr<float>();
  for (int64_t b = 0; b < num_samples; ++b) {
    const Drawn& sample = drawn[static_cast<size_t>(b)];
    for (size_t s = 0; s < sample.shown.size(); ++s) {
      const size_t place = sample.shown[s];
      const int64_t cell = b * slots + static_cast<int64_t>(s);
      const auto found = std::lower_bound(distinct.begin(), distinct.end(), sample.features[place]);
      index[cell] = found - distinct.begin();
      mask[cell] = true;
      counts[cell] = static_cast<float>(sample.counts[place]);
    }
  }
}

}  // namespace deepbio::data
