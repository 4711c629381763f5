// What a run was trained on, by content: data that moved are the same, data that changed are
// noticed by kind.
#pragma once

#include "deepbio/base/json.h"
#include "deepbio/data/datasets.h"

namespace deepbio::train {

// A hash (16 hexadecimal digits) of each kind of data that training looks at and the dataset has:
// "counts" (ids of samples and features, reads), "sequences", "targets" (as scaled), "covariates",
// "tree", "distances".
Json content_hashes(const data::SampleDataset& dataset);

// The kinds whose hashes differ, as a user calls them ("the counts", "the tree", ...), joined by "
// and "; "" when the data are the same. A kind that `before` does not know (a run of an older
// version) is not compared.
std::string changed_content(const Json& before, const Json& now);

}  // namespace deepbio::train
