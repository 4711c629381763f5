// Commands that test a distance matrix by permutation, beside permanova.
#pragma once

#include "tools/command.h"

namespace deepbio::tools {

// In cmd_permanova.cpp, with which they share the options of groups.
std::function<int()> setup_anosim(CLI::App& app, Shared& shared);
std::function<int()> setup_permdisp(CLI::App& app, Shared& shared);
std::function<int()> setup_adonis(CLI::App& app, Shared& shared);

std::function<int()> setup_mantel(CLI::App& app, Shared& shared);

}  // namespace deepbio::tools
