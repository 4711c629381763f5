#include "deepbio/data/reads.h"

#include <torch/torch.h>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/seq/augment.h"
#include "deepbio/seq/filter.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

constexpr const char* kReads = "@a\nACGT\n+\nIIII\n@b\nAC\n+\nII\n@c\nACGT\n+\n5555\n@d\nTTTTT\n+\nIIIII\n";

std::vector<int64_t> all(const ReadDataset& dataset) {
  std::vector<int64_t> out;
  for (int64_t i = 0; i < dataset.size(); ++i) out.push_back(i);
  return out;
}

}  // namespace

CATCH_TEST_CASE("Filters choose records when files are opened; copies are dropped first or all", "[reads]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fq", kReads);
  ReadDatasetOptions options;
  options.transforms = {std::make_shared<seq::LengthFilter>(3, 0),
                        std::make_shared<seq::Deduplicator>(seq::Copies::kKeepFirst)};
  const ReadDataset first({folder / "a.fq"}, options);
  CATCH_REQUIRE(first.batch(all(first)).ids() == std::vector<std::string>{"a", "d"});
  CATCH_REQUIRE(first.num_filtered() == 2);
  options.transforms[1] = std::make_shared<seq::Deduplicator>(seq::Copies::kDropAll);
  const ReadDataset none({folder / "a.fq"}, options);
  CATCH_REQUIRE(none.batch(all(none)).ids() == std::vector<std::string>{"d"});
  options.transforms.insert(options.transforms.begin(),
                            std::make_shared<seq::Mutator>(0.5, seq::SequenceType::kDna, 0));
  CATCH_REQUIRE_THROWS_WITH(ReadDataset({folder / "a.fq"}, options), Catch::Contains("random"));
}

CATCH_TEST_CASE("Transformed reads are encoded with their qualities, mates by draws of their own", "[reads]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fq", kReads);
  ReadDatasetOptions options;
  options.encoding = Encoding::kInteger;
  options.transforms = {std::make_shared<seq::ReverseComplement>(1, seq::SequenceType::kDna, 0)};
  const ReadDataset turned({folder / "a.fq"}, options);
  const ReadBatch batch = turned.batch(std::vector<int64_t>{3, 1});
  CATCH_REQUIRE(torch::equal(batch.sequences, torch::tensor({{0, 0, 0, 0, 0}, {2, 3, -1, -1, -1}}, torch::kLong)));
  options.transforms = {std::make_shared<seq::Mutator>(0.5, seq::SequenceType::kDna, 4)};
  options.mates.files = {folder / "a.fq"};
  const ReadDataset pairs({folder / "a.fq"}, options);
  const ReadBatch pair = pairs.batch(std::vector<int64_t>{0, 2, 3});
  CATCH_REQUIRE(torch::equal(pair.lengths, pair.mate_lengths));
  CATCH_REQUIRE_FALSE(torch::equal(pair.sequences, pair.mate_sequences));
}
