// What `pretrain` and `train` do alike: options -> study -> model -> run directory.
#pragma once

#include "tools/command.h"

namespace deepbio::tools {

std::function<int()> setup_training(CLI::App& app, Shared& shared, bool is_predictor);

}  // namespace deepbio::tools
