// A genome of two chromosomes and intervals in it: what tests of windows place them on.
#pragma once

#include <string>

#include "catch.h"

#include "deepbio/io/reads/genome_file.h"
#include "deepbio/io/reads/twobit.h"
#include "deepbio/io/tables/intervals.h"

namespace deepbio::data {

inline io::TwoBitFile genome_of(const std::string& fasta) {
  test::TemporaryFolder folder;
  test::write_text(folder / "g.fa", fasta);
  return {"g.fa", io::pack_fasta(folder / "g.fa")};
}

// chr1 of 100 A, chrM of 50 C.
inline const io::TwoBitFile& small_genome() {
  static const io::TwoBitFile found =
      genome_of(">chr1\n" + std::string(100, 'A') + "\n>chrM\n" + std::string(50, 'C') + "\n");
  return found;
}

inline io::Intervals intervals_of(const std::string& text) {
  test::TemporaryFolder folder;
  test::write_text(folder / "a.bed", text);
  return io::Intervals::read(folder / "a.bed");
}

}  // namespace deepbio::data
