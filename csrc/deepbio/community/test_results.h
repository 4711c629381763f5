// What tests by permutation found, as JSON: the numbers by their names. Threads: pure functions.
#pragma once

#include "deepbio/base/json.h"
#include "deepbio/community/adonis.h"
#include "deepbio/community/anosim.h"
#include "deepbio/community/mantel.h"
#include "deepbio/community/permanova.h"
#include "deepbio/community/permdisp.h"

namespace deepbio::community {

Json to_json(const Permanova& found);
Json to_json(const Anosim& found);
Json to_json(const Permdisp& found);  // `spread` is an object: group -> mean distance to its centre
Json to_json(const Mantel& found);
Json to_json(const AdonisRow& row);  // null where a row has no test

}  // namespace deepbio::community
