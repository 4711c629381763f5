#include "deepbio/data/shards.h"

#include <torch/types.h>

#include <map>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/data/shard.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

constexpr const char* kReads = ">r1 first\nACGTN\n>r2\ngg\n>r3\n\n";

struct Folder {
  test::TemporaryFolder place;
  std::string reads, out;
  Folder() : reads(place / "reads.fa"), out(place / "out") { test::write_text(reads, kReads); }
};

std::map<std::string, at::Tensor> tensors_of(const Shard& shard) {
  const auto tensors = shard.tensors();
  return {tensors.begin(), tensors.end()};
}

}  // namespace

CATCH_TEST_CASE("A shard of each encoder holds what the encoder gives, and metadata says how",
                "[shards]") {
  for (const EncoderKind& kind : encoder_kinds()) {
    Folder folder;
    ShardOptions options;
    options.encoder.encoding = kind.encoding;
    if (options.encoder.encoding == "kmer") options.encoder.k = 2;
    if (kind.takes_tokenizer) options.encoder.tokenizer = "deepbio-dna";
    if (kind.refuses_unknown) options.encoder.unknown = "zero";
    const Json metadata = write_shards({folder.reads}, folder.out, options);
    CATCH_INFO(kind.encoding << " " << kind.takes_tokenizer);

    const std::vector<std::string_view> reads{"ACGTN", "gg", ""};
    const std::vector<int64_t> records{0, 1, 2};
    ReadBatch wanted;
    make_encoder(options.encoder)->fill({reads, {}, records, 0}, wanted);
    const Shard shard(folder.out + "/shard-00000.safetensors");
    auto found = tensors_of(shard);
    CATCH_CHECK(torch::equal(found["values"],
                             wanted.sequences.defined() ? wanted.sequences : wanted.input_ids));
    CATCH_CHECK(torch::equal(found["lengths"], torch::tensor({5, 2, 0}, torch::kLong)));
    if (wanted.attention_mask.defined())
      CATCH_CHECK(torch::equal(found["attention_mask"], wanted.attention_mask));
    CATCH_CHECK(test::read_text(folder.out + "/ids.txt") == "r1\nr2\nr3\n");
    CATCH_CHECK(metadata.at("encoding").as_string() == kind.encoding);
    CATCH_CHECK(metadata.at("padding").as_int() == make_encoder(options.encoder)->padding());
    CATCH_CHECK(Json::parse(test::read_text(folder.out + "/metadata.json"), "metadata") ==
                metadata);
  }
}

CATCH_TEST_CASE(
    "A letter without a number is refused with file, record and position; nothing is left",
    "[shards]") {
  Folder folder;
  ShardOptions options;
  options.encoder.encoding = "integer";
  CATCH_REQUIRE_THROWS_WITH(write_shards({folder.reads}, folder.out, options),
                            Catch::Contains("reads.fa") && Catch::Contains("record 0") &&
                                Catch::Contains("'N' at position 5") &&
                                Catch::Contains("`unknown=zero`"));
  CATCH_REQUIRE_FALSE(std::filesystem::exists(folder.out));
}

CATCH_TEST_CASE("Only a folder of encoded reads is replaced, and only when asked", "[shards]") {
  Folder folder;
  ShardOptions options;
  write_shards({folder.reads}, folder.out, options);
  CATCH_REQUIRE_THROWS_AS(write_shards({folder.reads}, folder.out, options), WriteError);
  options.overwrite = true;
  options.encoder.encoding = "tokens";
  CATCH_CHECK(write_shards({folder.reads}, folder.out + "/", options).at("encoding").as_string() ==
              "tokens");
  const std::string precious = folder.place / "precious";
  std::filesystem::create_directory(precious);
  test::write_text(precious + "/thesis.txt", "mine");
  CATCH_REQUIRE_THROWS_WITH(write_shards({folder.reads}, precious, options),
                            Catch::Contains("something else"));
}

CATCH_TEST_CASE("An interrupted run writes nothing", "[shards]") {
  Folder folder;
  ShardOptions options;
  options.is_interrupted = [] { return true; };
  CATCH_REQUIRE(write_shards({folder.reads}, folder.out, options).is_null());
  CATCH_REQUIRE_FALSE(std::filesystem::exists(folder.out));
}
