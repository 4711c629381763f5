// Codecs of targets travel to Python and back as JSON text, the form in which config.json of a run
// holds them.
#pragma once

#include <string>

#include "bindings/bindings.h"

#include "deepbio/data/targets.h"

namespace deepbio::bindings {

// A target's column, transform, mean and classes, as the run's config.json has them.
data::TargetCodec codec_of(const std::string& json);  // throws ConfigError

void bind_targets(py::module_& module);  // of bind_train

}  // namespace deepbio::bindings
