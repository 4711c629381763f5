// Options from a file: `--config FILE.json` and `--resume` fill in what was not typed.
#pragma once

#include <CLI/CLI.hpp>

#include "deepbio/base/json.h"

namespace deepbio::tools {

// --config FILE.json: an object of options by name (dashes or underscores). What is typed wins.
void add_config_option(CLI::App& app);
// --resume: the options the run in --output-dir was started with; what is typed wins.
void add_resume_option(CLI::App& app, bool& resume);
// Every option of `app` that was given, on the command line or in a file, but for those that say
// how to run (quiet, json, threads, overwrite, resume, config, dry-run).
Json given_options(const CLI::App& app);

}  // namespace deepbio::tools
