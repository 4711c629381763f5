// A genome as Python holds it: shared by all windows, variants and datasets that look into it.
#pragma once

#include <memory>
#include <string>

#include "deepbio/io/reads/twobit.h"

namespace deepbio::bindings {

// The file, and the path it was asked for by, for messages.
struct Genome {
  std::shared_ptr<const io::TwoBitFile> file;
  std::string path;
};

}  // namespace deepbio::bindings
