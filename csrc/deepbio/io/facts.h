// What a file is, as facts by name: what `deepbio info` shows of it. Threads: a free function.
#pragma once

#include <string>

#include "deepbio/base/json.h"

namespace deepbio::io {

// path, kind, and what a reader of that kind sees: numbers of samples, features, tips, tensors;
// container and artifact_type where the content is wrapped.
//   throws what the readers throw; ParseError for content of no known kind
Json facts_of_file(const std::string& path);

}  // namespace deepbio::io
