// Tables put together, and features put together by their lineage.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deepbio/community/table.h"
#include "deepbio/io/tables/metadata.h"

namespace deepbio::community {

enum class OverlappingSamples { kError, kSum };

// The samples and features of all tables, in the order in which they first occur; counts of one
// sample and feature are added. Lineages are those of the table that gives a feature first.
//   throws  ArgumentError: no table; a sample in two of them under kError, with its id
CountTable merge(const std::vector<CountTable>& tables,
                 OverlappingSamples overlap = OverlappingSamples::kError);

// One feature for all whose lineages agree in the first `level` levels (1: kingdoms): their counts
// are added. Ids are the levels joined by ';', "__" where a lineage is shorter, as in QIIME 2's
// `taxa collapse`; features come in sorted order.
//   throws  ArgumentError: a table without taxonomy, a level below 1
CountTable collapse(const CountTable& table, int64_t level);

// Of each row of a taxonomy: the column Taxon or taxonomy, or the only column there is.
//   throws  ArgumentError: no such column
const std::vector<std::string>& lineages_of(const io::Metadata& taxonomy);
// The table with the lineages that `taxonomy` has for its features.
//   throws  ArgumentError: as above; features that are not in it, counted, with three of them
CountTable with_lineages(CountTable table, const io::Metadata& taxonomy);

// Features that have reads in at least `min_samples` samples, then samples of at least `min_reads`
// reads; features that are left without reads go too.
CountTable filter_counts(const CountTable& table, double min_reads, int64_t min_samples);

}  // namespace deepbio::community
