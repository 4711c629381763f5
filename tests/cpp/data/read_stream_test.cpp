#include "deepbio/data/read_stream.h"

#include <torch/types.h>

#include <algorithm>
#include <set>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/seq/augment.h"
#include "deepbio/seq/filter.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

std::string numbered(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "@r" + std::to_string(i) + "\nACGT\n+\nIIII\n";
  return text;
}

std::vector<int64_t> drain(ReadStream& stream, int64_t at_once = 7) {
  std::vector<int64_t> out;
  while (true) {
    const StreamRecords taken = stream.take(at_once);
    if (taken.numbers.empty()) return out;
    out.insert(out.end(), taken.numbers.begin(), taken.numbers.end());
  }
}

}  // namespace

CATCH_TEST_CASE("Parts together give every record once, for any buffer, and go on anywhere",
                "[read_stream]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fq", numbered(600));
  test::write_text(folder / "b.fq", numbered(37));
  for (const int64_t buffer : {0, 10, 5000}) {
    for (const int64_t parts : {1, 3}) {
      std::multiset<int64_t> seen;
      for (int64_t part = 0; part < parts; ++part) {
        ReadStreamOptions options;
        options.shuffle_buffer = buffer;
        options.part = part;
        options.num_parts = parts;
        ReadStream stream({folder / "a.fq", folder / "b.fq"}, options);
        stream.begin(2);
        const auto whole = drain(stream);
        seen.insert(whole.begin(), whole.end());
        for (const int64_t given : {0, 1, 100, 212}) {
          stream.begin(2, given);
          CATCH_REQUIRE(drain(stream) == std::vector<int64_t>(whole.begin() + given, whole.end()));
        }
        CATCH_REQUIRE((buffer == 0) == std::is_sorted(whole.begin(), whole.end()));
      }
      CATCH_REQUIRE(seen.size() == 637);
      CATCH_REQUIRE(std::set<int64_t>(seen.begin(), seen.end()).size() == 637);
    }
  }
}

CATCH_TEST_CASE("A part is one of at least one", "[read_stream]") {
  ReadStreamOptions options;
  options.num_parts = 0;
  CATCH_REQUIRE_THROWS_WITH(ReadStream({"a.fq"}, options),
                            Catch::Contains("num_parts: expected 1 or more, got 0"));
}

CATCH_TEST_CASE("drop_uneven gives every part as many records", "[read_stream]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fq", numbered(1026));
  for (const int64_t parts : {2, 4, 5}) {
    for (int64_t part = 0; part < parts; ++part) {
      ReadStreamOptions options;
      options.part = part;
      options.num_parts = parts;
      options.drop_uneven = true;
      ReadStream stream({folder / "a.fq"}, options);
      stream.begin(0);
      CATCH_REQUIRE(static_cast<int64_t>(drain(stream).size()) == 1026 / parts);
    }
  }
}

CATCH_TEST_CASE("A file that is written to while it is read is an error", "[read_stream]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fq", numbered(2000));
  ReadStream stream({folder / "a.fq"}, {});
  stream.begin(0);
  CATCH_REQUIRE(stream.take(300).numbers.size() == 300);
  test::write_text(folder / "a.fq", numbered(10));
  CATCH_REQUIRE_THROWS_AS(drain(stream), ParseError);
}

CATCH_TEST_CASE("Blocks come in an order of their own: every record once, parts, resuming, filters",
                "[read_stream]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fq", numbered(600));
  test::write_text(folder / "b.fq", numbered(37));
  const std::vector<std::string> paths = {folder / "a.fq", folder / "b.fq"};
  for (const bool drop_uneven : {false, true}) {
    for (const int64_t parts : {1, 4}) {
      std::multiset<int64_t> seen;
      std::set<size_t> sizes;
      for (int64_t part = 0; part < parts; ++part) {
        ReadStreamOptions options;
        options.shuffle_buffer = 64;
        options.block_records = 16;
        options.part = part;
        options.num_parts = parts;
        options.drop_uneven = drop_uneven;
        ReadStream stream(paths, options);
        stream.begin(2);
        const auto whole = drain(stream);
        seen.insert(whole.begin(), whole.end());
        sizes.insert(whole.size());
        for (const int64_t given : {0, 1, 63, 100, 150}) {
          stream.begin(2, given);
          CATCH_REQUIRE(drain(stream) == std::vector<int64_t>(whole.begin() + given, whole.end()));
        }
        stream.begin(3);
        CATCH_REQUIRE(drain(stream) != whole);
        if (parts > 1) continue;
        // The first stretch holds four blocks of 15 or 16 neighbours, but for the end, from all
        // over the files.
        std::vector<int64_t> first(whole.begin(), whole.begin() + 62);
        CATCH_REQUIRE_FALSE(std::is_sorted(first.begin(), first.end()));
        std::sort(first.begin(), first.end());
        int runs = 1;
        for (size_t i = 1; i < first.size(); ++i) runs += first[i] != first[i - 1] + 1;
        CATCH_REQUIRE((runs > 1 && runs <= 6));
        CATCH_REQUIRE(first.back() - first.front() > 200);
      }
      CATCH_REQUIRE(sizes.size() == (drop_uneven || parts == 1 ? 1U : 2U));
      CATCH_REQUIRE(seen.size() == (drop_uneven && parts == 4 ? 636U : 637U));
      CATCH_REQUIRE(std::set<int64_t>(seen.begin(), seen.end()).size() == seen.size());
    }
  }
  ReadStreamOptions options;
  options.block_records = 16;
  CATCH_REQUIRE_THROWS_WITH(ReadStream(paths, options), Catch::Contains("shuffle_buffer"));
  options.shuffle_buffer = 40;
  options.transforms = {std::make_shared<seq::Subsampler>(seq::Subsampler::Kind::kEveryNth, 3, 0)};
  ReadStream third(paths, options);
  third.begin(0);
  CATCH_REQUIRE(drain(third).size() == 213);
  options.fastx.on_bad_record = io::OnBadRecord::kSkip;
  CATCH_REQUIRE_THROWS_WITH(ReadStream(paths, options), Catch::Contains("got skip"));
}

CATCH_TEST_CASE("Mates stream as tensors of their own, the same as those of a dataset",
                "[read_stream]") {
  test::TemporaryFolder folder;
  std::string first, second, both;
  for (int i = 0; i < 300; ++i) {
    const std::string name = "@r" + std::to_string(i),
                      tail = std::string(static_cast<size_t>(i % 9), 'A');
    const std::string a = name + "/1\nACGT" + tail + "\n+\nIIII" + tail + "\n";
    const std::string b = name + "/2\nGG" + tail + "\n+\nII" + tail + "\n";
    first += a;
    second += b;
    both += a + b;
  }
  test::write_text(folder / "1.fq", first);
  test::write_text(folder / "2.fq", second);
  test::write_text(folder / "both.fq", both);
  ReadDatasetOptions held;
  held.transforms = {std::make_shared<seq::LengthFilter>(4, 0),
                     std::make_shared<seq::Mutator>(0.3, seq::SequenceType::kDna, 4)};
  held.mates.files = {folder / "2.fq"};
  const ReadDataset data({folder / "1.fq"}, held);
  CATCH_REQUIRE((data.size() < 300 && data.size() > 200));
  for (const bool is_interleaved : {false, true}) {
    for (const int64_t block : {0, 8}) {
      ReadStreamOptions options;
      static_cast<ReadEncoding&>(options) = held;
      options.mates = is_interleaved ? MatePaths{{}, true} : held.mates;
      options.shuffle_buffer = 50;
      options.block_records = block;
      StreamLoader loader(
          std::make_shared<ReadStream>(
              std::vector<std::string>{is_interleaved ? folder / "both.fq" : folder / "1.fq"},
              options),
          16, false, 2);
      loader.begin(1);
      std::set<int64_t> seen;
      while (const auto given = loader.next()) {
        const ReadBatch& batch = given->first;
        seen.insert(batch.index.begin(), batch.index.end());
        const ReadBatch expected = data.batch(batch.index, 1);
        CATCH_REQUIRE(
            (at::equal(batch.sequences, expected.sequences) && batch.ids() == expected.ids()));
        CATCH_REQUIRE(at::equal(batch.mate_sequences, expected.mate_sequences));
        CATCH_REQUIRE(at::equal(batch.mate_lengths, expected.mate_lengths));
        CATCH_REQUIRE(at::equal(batch.mate_quality, expected.mate_quality));
      }
      CATCH_REQUIRE(static_cast<int64_t>(seen.size()) == data.size());
    }
  }
}
