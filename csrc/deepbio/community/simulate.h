// A synthetic community with a known answer: what `deepbio simulate` writes and the demo and tests
// learn from.
//
// Model: a random bifurcating tree; DNA evolved along it (Jukes-Cantor); log-normal abundances with
// features absent at random; a few disjoint clades of 4 to 15 % of the tips, every other one rising
// and falling with a hidden gradient x ~ N(0,1) per sample. The regression target is linear in x
// plus noise, the class target is the same noisy value cut into three equal parts ("low", "middle",
// "high"). Every sample has exactly depth_reads reads. Deterministic in the seed, for any number of
// threads.
#pragma once

#include <cstdint>
#include <string>

#include "deepbio/io/bytes/bytes.h"

namespace deepbio::community {

struct SimulateOptions {
  int64_t num_samples = 200;
  int64_t num_features = 400;
  int64_t length_bp = 150;
  int64_t depth_reads = 5000;
  uint64_t seed = 0;
  int64_t num_clades = 6;          // clades that carry the target
  double effect = 1.5;             // change of a clade's log abundance per unit of x
  double noise = 0.3;              // sd of the noise on the target, in units of x
  int64_t reads_per_sample = 200;  // FASTQ reads written per sample (0: none)
};

struct SimulateReport {
  int64_t num_samples = 0, num_features = 0, num_reads = 0;
  double best_possible_r2 = 0;  // of the regression target given x itself
};

// Writes DIR/table.biom, tree.nwk, metadata.tsv (sample-id, age, group and site, which means
// nothing), truth.tsv (sample-id, gradient), truth_features.tsv (feature-id, clade, effect: change
// of log abundance per unit of the gradient), sequences.fasta and reads/SAMPLE.fastq.gz
// (Illumina-like qualities and substitution errors). A folder that is not empty is refused, or with
// kAllow its files of these names are replaced and reads of an earlier run removed. throws
// ArgumentError, WriteError.
SimulateReport simulate(const std::string& directory, const SimulateOptions& options,
                        io::Overwrite overwrite = io::Overwrite::kRefuse);

}  // namespace deepbio::community
