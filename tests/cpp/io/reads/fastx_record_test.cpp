#include "deepbio/io/reads/fastx_record.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

CATCH_TEST_CASE("a batch gives back what was appended, and is empty after clear",
                "[fastx_record]") {
  RecordBatch batch;
  batch.append(Record{"a", "b c", "ACGT", "IIII", true});
  batch.append(RecordView{"d", "", "", "", true, 20});
  batch.append(Record{"e", "", "GG", "", false});
  CATCH_REQUIRE(batch.size() == 3);
  CATCH_REQUIRE(batch.name(0) == "a");
  CATCH_REQUIRE(batch.description(0) == "b c");
  CATCH_REQUIRE(batch.sequence(0) == "ACGT");
  CATCH_REQUIRE(batch.quality(0) == "IIII");
  CATCH_REQUIRE(batch.name(1) == "d");
  CATCH_REQUIRE(batch.sequence(1).empty());
  CATCH_REQUIRE(batch.sequence(2) == "GG");
  CATCH_REQUIRE(batch.quality(2).empty());
  batch.clear();
  CATCH_REQUIRE(batch.size() == 0);
  CATCH_REQUIRE(batch.sequences.empty());
}

CATCH_TEST_CASE("a record as text", "[fastx_record]") {
  const Record read{"a", "b c", "ACGTACGTAC", "!~IIIIIIII", true};
  CATCH_REQUIRE(to_fastq(read) == "@a b c\nACGTACGTAC\n+\n!~IIIIIIII\n");
  CATCH_REQUIRE(to_fasta(read) == ">a b c\nACGTACGTAC\n");
  CATCH_REQUIRE(to_fasta(read, 4) == ">a b c\nACGT\nACGT\nAC\n");
  CATCH_REQUIRE_THROWS_AS(to_fastq({"a", "", "AC", "I", true}), ArgumentError);
}
