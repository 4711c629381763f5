// Codecs of targets travel to Python and back as JSON text.
#pragma once

#include <string>

#include "bindings/bindings.h"

#include "deepbio/data/targets.h"

namespace deepbio::bindings {

data::TargetCodec codec_of(const std::string& json);  // throws ConfigError

void bind_targets(py::module_& module);  // of bind_train

}  // namespace deepbio::bindings
