#include "deepbio/data/datasets.h"

#include <torch/types.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "catch.h"
#include "data/sample_community.h"

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/data/loader.h"
#include "deepbio/io/tables/newick.h"

using namespace deepbio;
using namespace deepbio::data;
using deepbio::test::all;
using deepbio::test::Community;

namespace {

// A batch the plain way: for each sample its (count, feature) pairs in slot order.
using Slots = std::vector<std::vector<std::pair<float, int64_t>>>;
Slots plain_slots(const Community& community, const std::vector<int64_t>& samples,
                  AsvSampling sampling, size_t limit) {
  Slots out;
  for (const int64_t n : samples) {
    std::vector<std::pair<float, int64_t>> slots;
    for (int64_t e = community.table->indptr[n]; e < community.table->indptr[n + 1]; ++e) {
      slots.emplace_back(static_cast<float>(community.table->values[e]),
                         community.table->indices[e]);
    }
    if (sampling == AsvSampling::kAbundance) {
      // Of equal counts the smaller id comes first, whatever the order of the table.
      const auto key = [&](const auto& slot) {
        return std::pair(-slot.first, community.table->feature_ids[slot.second]);
      };
      std::sort(slots.begin(), slots.end(),
                [&](const auto& a, const auto& b) { return key(a) < key(b); });
    }
    if (slots.size() > limit) slots.resize(limit);
    out.push_back(slots);
  }
  return out;
}

// Compares every cell of the batch's padded form with tokens, counts and mask written out slot by
// slot.
void require_slots(const SampleBatch& batch, const Slots& slots, const Community& community,
                   int64_t max_bp) {
  size_t widest = 0, longest = 0;
  std::set<int64_t> distinct;
  for (const auto& sample : slots) {
    widest = std::max(widest, sample.size());
    for (const auto& [count, feature] : sample) {
      distinct.insert(feature);
      longest = std::max(
          longest, std::min(community.sequences[feature].size(), static_cast<size_t>(max_bp)));
    }
  }
  const auto b = static_cast<int64_t>(slots.size()), s = static_cast<int64_t>(widest),
             l = static_cast<int64_t>(longest) + 1;
  torch::Tensor tokens = torch::zeros({b, s, l}, torch::kLong), counts = torch::zeros({b, s}),
                mask = torch::zeros({b, s}, torch::kBool);
  for (int64_t i = 0; i < b; ++i) {
    for (size_t j = 0; j < slots[i].size(); ++j) {
      const auto& [count, feature] = slots[i][j];
      const auto slot = static_cast<int64_t>(j);
      counts[i][slot] = count;
      mask[i][slot] = true;
      tokens[i][slot][0] = 5;
      for (int64_t k = 1; k < l && k <= static_cast<int64_t>(community.sequences[feature].size());
           ++k) {
        tokens[i][slot][k] =
            static_cast<int64_t>(std::string("_ACGT").find(community.sequences[feature][k - 1]));
      }
    }
  }
  CATCH_REQUIRE(torch::equal(padded_tokens(batch), tokens));
  CATCH_REQUIRE(torch::equal(batch.counts, counts));
  CATCH_REQUIRE(torch::equal(batch.mask, mask));
  CATCH_REQUIRE(torch::equal(
      batch.asv_features,
      torch::tensor(std::vector<int64_t>(distinct.begin(), distinct.end()), torch::kLong)));
  CATCH_REQUIRE(batch.asv_index.masked_select(batch.mask.logical_not()).sum().item<int64_t>() == 0);
}

void require_equal(const SampleBatch& a, const SampleBatch& b) {
  CATCH_REQUIRE(torch::equal(a.asv_tokens, b.asv_tokens));
  CATCH_REQUIRE(torch::equal(a.asv_features, b.asv_features));
  CATCH_REQUIRE(torch::equal(a.asv_index, b.asv_index));
  CATCH_REQUIRE(torch::equal(a.mask, b.mask));
  CATCH_REQUIRE(torch::equal(a.counts, b.counts));
  CATCH_REQUIRE(torch::equal(a.distances, b.distances));
  CATCH_REQUIRE(a.sample_ids == b.sample_ids);
}

}  // namespace

CATCH_TEST_CASE("A sample batch equals its padded construction slot by slot", "[samples]") {
  const Community community;
  const std::vector<int64_t> chosen{4, 0, 7, 4};
  for (const auto sampling : {AsvSampling::kFirst, AsvSampling::kAbundance}) {
    for (const int64_t limit : {1, 5, 1024}) {
      for (const int64_t max_bp : {30, 150}) {
        SampleDatasetOptions options;
        options.asv_sampling = sampling;
        options.token_limit = limit;
        options.max_bp = max_bp;
        const SampleBatch batch =
            SampleDataset(community.table, community.sequences, options).batch(chosen);
        require_slots(batch, plain_slots(community, chosen, sampling, static_cast<size_t>(limit)),
                      community, max_bp);
        CATCH_REQUIRE(batch.sample_ids ==
                      std::vector<std::string>{"sample4", "sample0", "sample7", "sample4"});
        CATCH_REQUIRE(torch::equal(batch.sample_index, torch::tensor(chosen, torch::kLong)));
        CATCH_REQUIRE_FALSE((batch.distances.defined() || batch.targets.defined()));
      }
    }
  }
}

CATCH_TEST_CASE("Each distinct ASV stands once, however many samples hold it", "[samples]") {
  const Community community;
  const SampleBatch batch =
      SampleDataset(community.table, community.sequences, {}).batch(std::vector<int64_t>{2, 2, 2});
  CATCH_REQUIRE(batch.mask.sum().item<int64_t>() == 3 * batch.asv_tokens.size(0));
  CATCH_REQUIRE(batch.asv_tokens.size(0) ==
                community.table->indptr[3] - community.table->indptr[2]);
}

CATCH_TEST_CASE(
    "Random subsets are in the order of ids, differ between epochs and cover the sample over time",
    "[samples]") {
  const Community community;
  SampleDatasetOptions options;
  options.asv_sampling = AsvSampling::kRandom;
  options.token_limit = 4;
  const SampleDataset dataset(community.table, community.sequences, options);
  const std::vector<int64_t> one{3};
  std::set<int64_t> seen;
  std::set<std::vector<int64_t>> subsets;
  for (uint64_t epoch = 0; epoch < 40; ++epoch) {
    const torch::Tensor features = dataset.batch(one, epoch).asv_features;
    std::vector<int64_t> subset(features.const_data_ptr<int64_t>(),
                                features.const_data_ptr<int64_t>() + features.numel());
    CATCH_REQUIRE(subset.size() == 4);
    CATCH_REQUIRE(torch::equal(features, dataset.batch(one, epoch).asv_features));
    const torch::Tensor index = dataset.batch(one, epoch).asv_index[0];
    std::vector<std::string> ids;
    for (int64_t slot = 0; slot < 4; ++slot) {
      ids.push_back(community.table->feature_ids[subset[index[slot].item<int64_t>()]]);
    }
    CATCH_REQUIRE(std::is_sorted(ids.begin(), ids.end()));
    seen.insert(subset.begin(), subset.end());
    subsets.insert(subset);
  }
  CATCH_REQUIRE(subsets.size() > 20);
  CATCH_REQUIRE(static_cast<int64_t>(seen.size()) ==
                community.table->indptr[4] - community.table->indptr[3]);
}

CATCH_TEST_CASE(
    "Rarefied counts total the depth exactly, are within the sample and change each epoch",
    "[samples]") {
  const Community community;
  SampleDatasetOptions options;
  options.rarefy_depth_reads = 100;
  const SampleDataset dataset(community.table, community.sequences, options);
  const SampleBatch first = dataset.batch(all(dataset), 0), second = dataset.batch(all(dataset), 1);
  CATCH_REQUIRE((first.counts.sum(1) == 100).all().item<bool>());
  CATCH_REQUIRE((second.counts.sum(1) == 100).all().item<bool>());
  CATCH_REQUIRE_FALSE(torch::equal(first.counts, second.counts));
  const SampleBatch whole =
      SampleDataset(community.table, community.sequences, {}).batch(all(dataset));
  const auto by_feature = [](const SampleBatch& batch) {
    const torch::Tensor features = batch.asv_features.index({batch.asv_index});
    return torch::zeros({batch.counts.size(0), 14}).scatter_add(1, features, batch.counts);
  };
  CATCH_REQUIRE((by_feature(first) <= by_feature(whole)).all().item<bool>());
  options.redraw_each_epoch = false;
  const SampleDataset fixed(community.table, community.sequences, options);
  CATCH_REQUIRE(torch::equal(fixed.batch(all(fixed), 7).counts, first.counts));
}

CATCH_TEST_CASE("A sample's draw does not depend on the batch it is in", "[samples]") {
  const Community community;
  SampleDatasetOptions options;
  options.rarefy_depth_reads = 60;
  const SampleDataset dataset(community.table, community.sequences, options);
  const SampleBatch together = dataset.batch(all(dataset), 5);
  for (int64_t n = 0; n < dataset.size(); ++n) {
    const SampleBatch alone = dataset.batch(std::vector<int64_t>{n}, 5);
    CATCH_REQUIRE(
        torch::equal(alone.counts[0], together.counts[n].slice(0, 0, alone.counts.size(1))));
  }
}

CATCH_TEST_CASE("Distances of a batch are the entries of the whole UniFrac matrix", "[samples]") {
  const Community community;
  const auto phylogeny = community.phylogeny();
  for (const auto metric :
       {community::Metric::kUnweighted, community::Metric::kWeightedNormalized}) {
    SampleDatasetOptions options;
    options.metric = metric;
    options.token_limit =
        2;  // what the model sees is cut, what the distance is computed from is not
    SampleDataset dataset(community.table, community.sequences, options);
    dataset.set_phylogeny(phylogeny);
    const std::vector<int64_t> chosen{5, 1, 8, 1};
    const torch::Tensor index = torch::tensor(chosen, torch::kLong);
    const torch::Tensor whole =
        community::unifrac(*community.table, *phylogeny, metric).to(torch::kFloat);
    const torch::Tensor expected = whole.index_select(0, index).index_select(1, index);
    const torch::Tensor distances = dataset.batch(chosen).distances;
    CATCH_REQUIRE(expected.max().item<float>() > 0.05);
    CATCH_REQUIRE(torch::allclose(distances, expected, 0, 1e-6));
    SampleDataset lookup(community.table, community.sequences, options);
    lookup.set_distances(whole);
    CATCH_REQUIRE(torch::equal(lookup.batch(chosen).distances, expected));
  }
}

CATCH_TEST_CASE("Targets follow their samples, as numbers or classes", "[samples]") {
  const Community community;
  SampleDataset dataset(community.table, community.sequences, {});
  dataset.set_targets(torch::arange(18, torch::kFloat).reshape({9, 2}));
  const std::vector<int64_t> chosen{8, 3};
  CATCH_REQUIRE(
      torch::equal(dataset.batch(chosen).targets, torch::tensor({{16.F, 17.F}, {6.F, 7.F}})));
  dataset.set_targets(torch::arange(9));
  CATCH_REQUIRE(torch::equal(dataset.batch(chosen).targets, torch::tensor({8, 3}, torch::kLong)));
  CATCH_REQUIRE_THROWS_AS(dataset.set_targets(torch::arange(8)), ShapeError);
  CATCH_REQUIRE_THROWS_AS(dataset.set_targets(torch::zeros({9})), ShapeError);
  CATCH_REQUIRE_THROWS_AS(dataset.set_distances(torch::zeros({9, 8})), ShapeError);
  dataset.set_distances(torch::full({9, 9}, 0.5).fill_diagonal_(0));
  CATCH_REQUIRE(
      (dataset.distance_origin().name == "distances" && dataset.distance_origin().most == 0.5));
  dataset.set_distances(torch::zeros({9, 9}), DistanceOrigin{"d.tsv", 4.5});
  CATCH_REQUIRE(
      (dataset.distance_origin().name == "d.tsv" && dataset.distance_origin().most == 4.5));
}

CATCH_TEST_CASE("Samples without reads, bad indices, bad DNA and bad options are named",
                "[samples]") {
  const Community community;
  SampleDatasetOptions options;
  const SampleDataset dataset(community.table, community.sequences, options);
  CATCH_REQUIRE_THROWS_WITH(dataset.batch(std::vector<int64_t>{0, 9}),
                            Catch::Contains("0 to 8, got 9"));
  CATCH_REQUIRE_THROWS_AS(dataset.batch(std::vector<int64_t>{-1}), ArgumentError);
  auto with_empty = std::make_shared<io::CountTable>(*community.table);
  with_empty->sample_ids.push_back("barren");
  with_empty->indptr.push_back(with_empty->indptr.back());
  const SampleDataset barren(with_empty, community.sequences, options);
  CATCH_REQUIRE_THROWS_WITH(barren.batch(std::vector<int64_t>{9}),
                            Catch::Contains("'barren'") && Catch::Contains("no reads"));
  auto sequences = community.sequences;
  sequences[3] = "ACGT-ACGT";
  CATCH_REQUIRE_THROWS_WITH(SampleDataset(community.table, sequences, options),
                            Catch::Contains("feature3") && Catch::Contains("position 5") &&
                                Catch::Contains("`sequences`"));
  sequences.pop_back();
  CATCH_REQUIRE_THROWS_WITH(SampleDataset(community.table, sequences, options),
                            Catch::Contains("14 features, got 13"));
  options.token_limit = 0;
  CATCH_REQUIRE_THROWS_AS(SampleDataset(community.table, community.sequences, options),
                          ArgumentError);
  CATCH_REQUIRE(parse_asv_sampling(to_string(AsvSampling::kRandom)) == AsvSampling::kRandom);
  CATCH_REQUIRE_THROWS_AS(parse_asv_sampling("most"), ArgumentError);
}

CATCH_TEST_CASE("A loader over samples gives the same tensors for 0, 1, 2 and 4 threads",
                "[samples]") {
  const Community community(23);
  SampleDatasetOptions options;
  options.rarefy_depth_reads = 50;
  options.token_limit = 6;
  options.asv_sampling = AsvSampling::kRandom;
  SampleDataset dataset(community.table, community.sequences, options);
  dataset.set_phylogeny(community.phylogeny());
  std::vector<SampleBatch> reference;
  for (const int64_t threads : {0, 1, 2, 4}) {
    LoaderOptions loading;
    loading.batch_size = 5;
    loading.shuffle = true;
    loading.num_threads = threads;
    Loader<SampleBatch> loader(
        all(dataset),
        [&](std::span<const int64_t> indices, uint64_t epoch) {
          return dataset.batch(indices, epoch);
        },
        loading);
    loader.begin(3);
    size_t place = 0;
    for (; const auto batch = loader.next(); ++place) {
      if (threads == 0) {
        reference.push_back(*batch);
      } else {
        require_equal(*batch, reference.at(place));
      }
    }
    CATCH_REQUIRE(place == 5);
  }
}
