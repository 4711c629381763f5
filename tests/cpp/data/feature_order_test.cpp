// The order of a table's features does not show in what is drawn of it.
#include <torch/types.h>

#include <algorithm>
#include <map>

#include "catch.h"
#include "data/sample_community.h"

#include "deepbio/data/datasets.h"

using namespace deepbio;
using namespace deepbio::data;
using deepbio::test::all;
using deepbio::test::Community;

namespace {

// The table with its features in another order: place[f] says where feature f goes.
io::CountTable reordered(const io::CountTable& table, const std::vector<int64_t>& place) {
  io::CountTable out = table;
  for (size_t f = 0; f < place.size(); ++f) out.feature_ids[place[f]] = table.feature_ids[f];
  for (int64_t sample = 0; sample < table.num_samples(); ++sample) {
    std::map<int64_t, double> entries;
    for (int64_t i = table.indptr[sample]; i < table.indptr[sample + 1]; ++i) {
      entries[place[table.indices[i]]] = table.values[i];
    }
    int64_t i = table.indptr[sample];
    for (const auto& [feature, value] : entries) {
      out.indices[i] = feature;
      out.values[i++] = value;
    }
  }
  return out;
}

io::CountTable in_id_order(const io::CountTable& table) {
  std::vector<std::string> sorted = table.feature_ids;
  std::sort(sorted.begin(), sorted.end());
  std::vector<int64_t> place;
  for (const std::string& id : table.feature_ids) {
    place.push_back(std::lower_bound(sorted.begin(), sorted.end(), id) - sorted.begin());
  }
  return reordered(table, place);
}

}  // namespace

CATCH_TEST_CASE("A draw does not depend on the order of the table's features", "[samples]") {
  const Community community;
  const auto count = static_cast<int64_t>(community.table->feature_ids.size());
  std::vector<int64_t> place(static_cast<size_t>(count));
  for (int64_t f = 0; f < count; ++f) place[f] = (f * 5 + 3) % count;
  const auto other = std::make_shared<const io::CountTable>(reordered(*community.table, place));
  std::vector<std::string> sequences(community.sequences.size());
  for (size_t f = 0; f < sequences.size(); ++f) sequences[place[f]] = community.sequences[f];
  for (const auto sampling : {AsvSampling::kAbundance, AsvSampling::kRandom}) {
    SampleDatasetOptions options;
    options.rarefy_depth_reads = 40;
    options.token_limit = 5;
    options.asv_sampling = sampling;
    const SampleDataset first(community.table, community.sequences, options),
        second(other, sequences, options);
    const auto a = first.batch(all(first), 3), b = second.batch(all(second), 3);
    CATCH_REQUIRE(torch::equal(a.counts, b.counts));
    const auto names = [](const SampleBatch& batch, const std::vector<std::string>& ids) {
      std::vector<std::string> out;
      for (int64_t i = 0; i < batch.asv_index.numel(); ++i) {
        const int64_t slot = batch.asv_index.flatten()[i].item<int64_t>();
        out.push_back(batch.mask.flatten()[i].item<bool>()
                          ? ids[batch.asv_features[slot].item<int64_t>()]
                          : "");
      }
      return out;
    };
    CATCH_REQUIRE(names(a, community.table->feature_ids) == names(b, other->feature_ids));
  }
}

CATCH_TEST_CASE("Distances follow the draw of the epoch", "[samples]") {
  const Community community;
  SampleDatasetOptions options;
  options.rarefy_depth_reads = 40;
  options.seed = 2;
  SampleDataset dataset(community.table, community.sequences, options);
  dataset.set_phylogeny(community.phylogeny());
  const auto drawn = community::rarefy(in_id_order(*community.table), {40, false, 2, 6}).table;
  CATCH_REQUIRE(drawn.num_samples() == dataset.size());
  const auto phylogeny = community::match_features(
      io::parse_newick(
          [&] {
            std::string newick;
            for (int f = 0; f < 14; ++f) {
              const std::string tip = "feature" + std::to_string(f) + ":0." + std::to_string(f + 1);
              newick = f == 0 ? tip : "(" + newick + "," + tip + "):0.25";
            }
            return newick + ";";
          }(),
          "caterpillar"),
      drawn.feature_ids);
  const torch::Tensor expected =
      community::unifrac(drawn, phylogeny, community::Metric::kUnweighted).to(torch::kFloat);
  CATCH_REQUIRE(torch::allclose(dataset.batch(all(dataset), 6).distances, expected, 0, 1e-6));
}
