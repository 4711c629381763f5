#include "deepbio/data/reads.h"

#include <torch/types.h>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/seq/augment.h"
#include "deepbio/seq/filter.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

constexpr const char* kFasta = ">r1 first\nACGTN\n>r2\nAC\n";
constexpr const char* kFastq = "@r3\nGGG\n+\n!I5\n@r4\nNNNN\n+\nIIII\n";
constexpr const char* kFourReads =
    "@a\nACGT\n+\nIIII\n@b\nAC\n+\nII\n@c\nACGT\n+\n5555\n@d\nTTTTT\n+\nIIIII\n";

std::vector<int64_t> all(const ReadDataset& dataset) {
  std::vector<int64_t> out;
  for (int64_t i = 0; i < dataset.size(); ++i) out.push_back(i);
  return out;
}

}  // namespace

CATCH_TEST_CASE("Filters choose records when files are opened; copies are dropped first or all",
                "[reads]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fq", kFourReads);
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

CATCH_TEST_CASE("Transformed reads are encoded with their qualities, mates by draws of their own",
                "[reads]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fq", kFourReads);
  EncoderOptions letters;
  letters.encoding = "integer";
  ReadDatasetOptions options;
  options.encoder = make_encoder(letters);
  options.transforms = {std::make_shared<seq::ReverseComplement>(1, seq::SequenceType::kDna, 0)};
  const ReadDataset turned({folder / "a.fq"}, options);
  const ReadBatch batch = turned.batch(std::vector<int64_t>{3, 1});
  CATCH_REQUIRE(torch::equal(batch.sequences,
                             torch::tensor({{0, 0, 0, 0, 0}, {2, 3, -1, -1, -1}}, torch::kLong)));
  options.transforms = {std::make_shared<seq::Mutator>(0.5, seq::SequenceType::kDna, 4)};
  options.mates.files = {folder / "a.fq"};
  const ReadDataset pairs({folder / "a.fq"}, options);
  const ReadBatch pair = pairs.batch(std::vector<int64_t>{0, 2, 3});
  CATCH_REQUIRE(torch::equal(pair.lengths, pair.mate_lengths));
  CATCH_REQUIRE_FALSE(torch::equal(pair.sequences, pair.mate_sequences));
}

CATCH_TEST_CASE("Reads of several files make one dataset that knows where each came from",
                "[reads]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fa", kFasta);
  test::write_text(folder / "b.fq", kFastq);
  const ReadDataset dataset({folder / "a.fa", folder / "b.fq"}, {});
  CATCH_REQUIRE(dataset.size() == 4);
  CATCH_REQUIRE(std::vector<int64_t>{dataset.file_of(0), dataset.file_of(1), dataset.file_of(2),
                                     dataset.file_of(3)} == std::vector<int64_t>{0, 0, 1, 1});
  const ReadBatch mixed = dataset.batch(std::vector<int64_t>{3, 0});
  CATCH_REQUIRE(mixed.ids() == std::vector<std::string>{"r4", "r1"});
  CATCH_REQUIRE(mixed.sequences.sizes() == torch::IntArrayRef({2, 5, 4}));
  CATCH_REQUIRE(mixed.sequences[0].sum().item<float>() == 0);  // NNNN
  CATCH_REQUIRE(torch::equal(mixed.lengths, torch::tensor({4, 5}, torch::kLong)));
  CATCH_REQUIRE_FALSE(
      (mixed.quality.defined() || mixed.labels.defined() || mixed.input_ids.defined()));
  const ReadBatch fastq = dataset.batch(std::vector<int64_t>{2, 3});
  CATCH_REQUIRE(torch::equal(fastq.quality,
                             torch::tensor({{0.F, 40.F, 20.F, 0.F}, {40.F, 40.F, 40.F, 40.F}})));
  CATCH_REQUIRE_THROWS_AS(dataset.batch(std::vector<int64_t>{4}), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(dataset.file_of(-1), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(ReadDataset({}, {}), ArgumentError);
  CATCH_REQUIRE_THROWS_AS(ReadDataset({folder / "none.fa"}, {}), MissingFileError);
}

CATCH_TEST_CASE("Token batches carry a mask, lengths in letters, and honour pad_to and max_length",
                "[reads]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fa", kFasta);
  EncoderOptions letters;
  letters.encoding = "tokens";
  ReadDatasetOptions options;
  options.encoder = make_encoder(letters);
  const std::vector<int64_t> both{0, 1};
  const ReadBatch batch = ReadDataset({folder / "a.fa"}, options).batch(both);
  CATCH_REQUIRE(torch::equal(
      batch.input_ids, torch::tensor({{5, 1, 2, 3, 4, 0}, {5, 1, 2, 0, 0, 0}}, torch::kLong)));
  CATCH_REQUIRE(torch::equal(
      batch.attention_mask, torch::tensor({{1, 1, 1, 1, 1, 1}, {1, 1, 1, 0, 0, 0}}, torch::kLong)));
  CATCH_REQUIRE(torch::equal(batch.lengths, torch::tensor({5, 2}, torch::kLong)));
  CATCH_REQUIRE_FALSE(batch.sequences.defined());
  letters.pad_to = 4;
  options.encoder = make_encoder(letters);
  CATCH_REQUIRE_THROWS_WITH(ReadDataset({folder / "a.fa"}, options).batch(both),
                            Catch::Contains("5 letters, pad_to is 4"));
  letters.max_length = 3;
  options.encoder = make_encoder(letters);
  const ReadBatch cut = ReadDataset({folder / "a.fa"}, options).batch(both);
  CATCH_REQUIRE(
      torch::equal(cut.input_ids, torch::tensor({{5, 1, 2, 3, 0}, {5, 1, 2, 0, 0}}, torch::kLong)));
}

CATCH_TEST_CASE(
    "Random letters of a read follow the epoch, and errors name the record of the dataset",
    "[reads]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "b.fq",
                   "@x\nAAAA\n+\nIIII\n@y\nNNNNNNNNNNNNNNNN\n+\nIIIIIIIIIIIIIIII\n");
  EncoderOptions letters;
  letters.encoding = "integer";
  letters.unknown = "random";
  ReadDatasetOptions options;
  options.encoder = make_encoder(letters);
  const ReadDataset random({folder / "b.fq"}, options);
  const std::vector<int64_t> both{0, 1}, second{1};
  CATCH_REQUIRE(
      torch::equal(random.batch(both, 4).sequences[1], random.batch(second, 4).sequences[0]));
  CATCH_REQUIRE_FALSE(
      torch::equal(random.batch(second, 5).sequences, random.batch(second, 4).sequences));
  letters.unknown = "error";
  options.encoder = make_encoder(letters);
  CATCH_REQUIRE_THROWS_WITH(ReadDataset({folder / "b.fq"}, options).batch(second),
                            Catch::Contains("read 1, position 1"));
}

CATCH_TEST_CASE("Labels go with their reads and must be one for each", "[reads]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fa", kFasta);
  ReadDataset dataset({folder / "a.fa"}, {});
  CATCH_REQUIRE_THROWS_WITH(dataset.set_labels({1}), Catch::Contains("2 records, got 1"));
  dataset.set_labels({7, 3});
  CATCH_REQUIRE(torch::equal(dataset.batch(std::vector<int64_t>{1, 0}).labels,
                             torch::tensor({3, 7}, torch::kLong)));
}

CATCH_TEST_CASE("Bad records are skipped and counted when asked for, across files", "[reads]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fq", "@a\nAC\n+\nII\n@b\nACG\n+\nII\n@c\nA\n+\nI\n");
  test::write_text(folder / "b.fq", kFastq);
  ReadDatasetOptions options;
  CATCH_REQUIRE_THROWS_AS(ReadDataset({folder / "a.fq"}, options), ParseError);
  options.fastx.on_bad_record = io::OnBadRecord::kSkip;
  const ReadDataset dataset({folder / "a.fq", folder / "b.fq"}, options);
  CATCH_REQUIRE(dataset.report().num_records == dataset.size());
  CATCH_REQUIRE(dataset.report().num_skipped == 1);
  CATCH_REQUIRE(dataset.size() == 4);
}
