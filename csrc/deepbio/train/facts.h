// What a file or a run directory is, as facts by name: what `deepbio info` shows. Threads: free
// functions.
#pragma once

#include <string>

#include "deepbio/base/json.h"

namespace deepbio::train {

// path, kind, and what a reader of that kind sees: numbers of samples, features, tips, tensors; of
// a run its preset, parameters, target, epochs, data and model.
//   throws what the readers throw; ParseError for content of no known kind
Json facts_of(const std::string& path);

}  // namespace deepbio::train
