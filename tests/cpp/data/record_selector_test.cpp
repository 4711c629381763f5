#include "deepbio/data/record_selector.h"

#include "catch.h"

#include "deepbio/seq/augment.h"
#include "deepbio/seq/filter.h"

using namespace deepbio;
using namespace deepbio::data;

namespace {

io::RecordBatch records(const std::vector<std::string>& sequences) {
  io::RecordBatch out;
  for (const std::string& sequence : sequences)
    out.append(io::RecordView{.name = "r", .sequence = sequence});
  return out;
}

std::vector<char> one_by_one(RecordSelector selector, const io::RecordBatch& source) {
  std::vector<char> stays;
  for (int64_t row = 0; row < source.size(); ++row)
    stays.push_back(selector.keeps(source, row, row));
  return stays;
}

}  // namespace

CATCH_TEST_CASE("Records asked for one by one stay as those of a whole batch do",
                "[record_selector]") {
  const io::RecordBatch source = records({"ACGT", "AC", "ACGT", "TTTTT"});
  const seq::Transforms filters{std::make_shared<seq::LengthFilter>(3, 0),
                                std::make_shared<seq::Deduplicator>(seq::Copies::kKeepFirst)};
  const std::vector<char> wanted{1, 0, 0, 1};
  CATCH_REQUIRE(RecordSelector(filters).select(source) == wanted);
  CATCH_REQUIRE(one_by_one(RecordSelector(filters), source) == wanted);
  CATCH_REQUIRE_FALSE(RecordSelector(filters).needs_two_passes());
}

CATCH_TEST_CASE("Dropping all copies needs two passes, in pieces as well", "[record_selector]") {
  const io::RecordBatch first = records({"ACGT", "AC"}), second = records({"ACGT", "TTTTT"});
  RecordSelector selector({std::make_shared<seq::Deduplicator>(seq::Copies::kDropAll)});
  CATCH_REQUIRE(selector.needs_two_passes());
  const std::vector<char> stays = selector.select(4, [&](const RecordSelector::LookAtPiece& look) {
    look(first, 0);
    look(second, 2);
  });
  CATCH_REQUIRE(stays == std::vector<char>{0, 1, 0, 1});
}

CATCH_TEST_CASE("A chain without filters selects nothing", "[record_selector]") {
  CATCH_REQUIRE(RecordSelector({}).is_empty());
  CATCH_REQUIRE(
      RecordSelector({std::make_shared<seq::Mutator>(0.5, seq::SequenceType::kDna, 0)}).is_empty());
}
