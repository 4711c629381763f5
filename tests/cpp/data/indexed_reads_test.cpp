#include "deepbio/data/indexed_reads.h"

#include <torch/types.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "catch.h"

#include "deepbio/base/error.h"
#include "deepbio/data/read_stream.h"
#include "deepbio/data/summary.h"
#include "deepbio/io/reads/fastx_writer.h"
#include "deepbio/seq/augment.h"
#include "deepbio/seq/filter.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

void write_reads(const std::string& path, io::Container container, int count,
                 const std::string& suffix = "") {
  io::FastxWriterOptions options;
  options.container = container;
  io::FastxWriter writer(path, options);
  for (int i = 0; i < count; ++i) {
    io::Record record{"r" + std::to_string(i) + suffix, "of " + path, "", "", true};
    for (int j = 0; j < 20 + (i * 7 + static_cast<int>(suffix.size())) % 23; ++j) {
      record.sequence += "ACGT"[(i * 31 + j * j + i % 5 * j + static_cast<int>(suffix.size())) % 4];
      record.quality += static_cast<char>('#' + (i + j) % 40);
    }
    writer.write(record);
  }
  writer.commit();
}

// The same batches, in memory and by number.
void compare(const std::vector<std::string>& paths, ReadDatasetOptions options) {
  const ReadDataset held(paths, options);
  options.is_indexed = true;
  const ReadDataset indexed(paths, options);
  CATCH_REQUIRE(held.size() == indexed.size());
  CATCH_REQUIRE(held.num_filtered() == indexed.num_filtered());
  CATCH_REQUIRE(held.report().num_records == indexed.report().num_records);
  std::vector<int64_t> order(static_cast<size_t>(held.size()));
  std::iota(order.rbegin(), order.rend(), 0);
  for (size_t i = 0; i < order.size(); i += 3) std::swap(order[i], order[order.size() - 1 - i / 2]);
  order.push_back(order.front());
  const ReadBatch a = held.batch(order, 3), b = indexed.batch(order, 3);
  CATCH_REQUIRE((a.ids() == b.ids() && a.index == b.index));
  CATCH_REQUIRE((torch::equal(a.sequences, b.sequences) && torch::equal(a.lengths, b.lengths)));
  CATCH_REQUIRE(torch::equal(a.quality, b.quality));
  CATCH_REQUIRE(a.mate_sequences.defined() == b.mate_sequences.defined());
  if (a.mate_sequences.defined()) {
    CATCH_REQUIRE((torch::equal(a.mate_sequences, b.mate_sequences) &&
                   torch::equal(a.mate_quality, b.mate_quality)));
  }
  for (const int64_t index : order) CATCH_REQUIRE(held.file_of(index) == indexed.file_of(index));
  for (const bool is_mate : {false, true}) {
    if (is_mate && !held.has_mates()) continue;
    const ReadNumbers x = read_numbers(held, seq::SequenceType::kDna, is_mate);
    const ReadNumbers y = read_numbers(indexed, seq::SequenceType::kDna, is_mate);
    CATCH_REQUIRE(
        (torch::equal(x.lengths, y.lengths) && torch::equal(x.mean_quality, y.mean_quality)));
    CATCH_REQUIRE((torch::equal(x.gc, y.gc) && y.num_bytes == 0));
  }
}

seq::Transforms chain(seq::Copies copies) {
  return {std::make_shared<seq::LengthFilter>(24, 0), std::make_shared<seq::Deduplicator>(copies),
          std::make_shared<seq::Sampler>(20, seq::Window::kRandom, seq::ShortRead::kError, 1),
          std::make_shared<seq::Mutator>(0.1, seq::SequenceType::kDna, 2)};
}

}  // namespace

CATCH_TEST_CASE("Records by number are those in memory, for any container, filters and mates",
                "[indexed_reads]") {
  test::TemporaryFolder folder;
  for (const auto container : {io::Container::kPlain, io::Container::kGzip, io::Container::kBgzf}) {
    const std::string tag = std::to_string(static_cast<int>(container));
    const std::string a = folder / (tag + "a.fq"), b = folder / (tag + "b.fq");
    write_reads(a, container, 700);
    write_reads(b, container, 90);
    const std::string a2 = folder / (tag + "a2.fq"), b2 = folder / (tag + "b2.fq");
    write_reads(a2, container, 700);
    write_reads(b2, container, 90);
    ReadDatasetOptions options;
    compare({a}, options);
    compare({a, b}, options);
    options.transforms = chain(seq::Copies::kKeepFirst);
    compare({a, b}, options);
    options.transforms = chain(seq::Copies::kDropAll);
    compare({b, a}, options);
    options.mates.files = {a2, b2};
    compare({a, b}, options);
    options.mates = {{}, true};
    options.transforms = {};
    CATCH_REQUIRE_THROWS_AS(compare({a}, options), ParseError);  // r0 and r1 are no mates
  }
  test::write_text(folder / "pairs.fq",
                   "@a/1\nACG\n+\nIII\n@a/2\nTTT\n+\nIII\n@b/1\nGG\n+\nII\n@b/2\nC\n+\nI\n");
  ReadDatasetOptions options;
  options.mates.is_interleaved = true;
  compare({folder / "pairs.fq", folder / "pairs.fq"}, options);
}

CATCH_TEST_CASE("What does not fit is an error with its place", "[indexed_reads]") {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.fq", "@a\nACGT\n+\nIIII\n@b\nAC\n+\nII\n");
  test::write_text(folder / "b.fq", "@a\nACGT\n+\nIIII\n");
  test::write_text(folder / "c.fq", "@a\nACGT\n+\nIIII\n@x\nAC\n+\nII\n");
  test::write_text(folder / "odd.fq", "@a\nACGT\n+\nIIII\n@a\nAC\n+\nII\n@b\nAC\n+\nII\n");
  CATCH_REQUIRE_THROWS_WITH(IndexedReads({folder / "a.fq"}, {{folder / "b.fq"}, false}),
                            Catch::Contains("2 records"));
  CATCH_REQUIRE_THROWS_WITH(IndexedReads({folder / "odd.fq"}, {{}, true}),
                            Catch::Contains("even number"));
  test::write_text(folder / "old.fq", "@a\nACGT\n+\nhhhh\n@b\nAC\n+\nh!\n");
  const IndexedReads old({folder / "a.fq", folder / "old.fq"}, {}, {.quality_offset = 64});
  const std::vector<int64_t> sound{2}, low{2, 3};
  CATCH_REQUIRE(old.read(sound).records->quality(0) == "IIII");
  CATCH_REQUIRE_THROWS_WITH(old.read(low),
                            folder / "old.fq" +
                                ": record 1: expected a quality of Phred+64, from '@' on "
                                "(quality_offset 64), got '!' at position 2 of the quality");
  const IndexedReads wrong({folder / "a.fq"}, {{folder / "c.fq"}, false});
  CATCH_REQUIRE(wrong.read(std::vector<int64_t>{0}).mates->name(0) == "a");
  CATCH_REQUIRE_THROWS_WITH(
      wrong.read(std::vector<int64_t>{0, 1}),
      Catch::Contains("c.fq: record 1") && Catch::Contains("two reads of one name"));
  ReadDatasetOptions options;
  options.is_indexed = true;
  const ReadDataset data({folder / "a.fq"}, options);
  CATCH_REQUIRE_THROWS_WITH(data.batch(std::vector<int64_t>{2}), Catch::Contains("0 to 1, got 2"));
  CATCH_REQUIRE_THROWS_WITH(data.rows(std::vector<int64_t>{0}, true), Catch::Contains("no mates"));
  test::write_text(folder / "a.fq", "@a\nACGTA\n+\nIIIII\n");
  CATCH_REQUIRE_THROWS_AS(data.batch(std::vector<int64_t>{0}), ParseError);
  options.fastx.on_bad_record = io::OnBadRecord::kSkip;
  CATCH_REQUIRE_THROWS_WITH(ReadDataset({folder / "a.fq"}, options), Catch::Contains("got skip"));
}
