// One command of `deepbio`: how it declares its options and what it does. main.cpp holds the table of commands.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "deepbio/io/bytes.h"

namespace deepbio::tools {

// Options every command takes.
struct Shared {
  bool json = false;       // one JSON document on stdout instead of a table
  bool quiet = false;      // no progress on stderr
  bool overwrite = false;  // replace existing outputs
  int64_t threads = 0;     // 0: all cores
  uint64_t seed = 0;
  io::Overwrite overwrite_mode() const { return overwrite ? io::Overwrite::kAllow : io::Overwrite::kRefuse; }
};

// Adds options to `app` and returns what runs after parsing; its result is the exit code. Errors are thrown.
using Setup = std::function<std::function<int()>(CLI::App& app, Shared& shared)>;

struct Command {
  const char* name;
  const char* summary;
  Setup setup;
};

// How sequence files are opened: inflated by as many threads as --threads allows, at most four.
io::OpenOptions reading_options();

// True once after SIGINT or SIGTERM; long work looks at it between steps and stops cleanly.
bool interrupted();
int interrupt_signal();

// Each cmd_x.cpp defines one of these, or those that are near relatives.
std::function<int()> setup_stats(CLI::App& app, Shared& shared);
std::function<int()> setup_validate(CLI::App& app, Shared& shared);
std::function<int()> setup_encode(CLI::App& app, Shared& shared);
std::function<int()> setup_simulate(CLI::App& app, Shared& shared);
std::function<int()> setup_rarefy(CLI::App& app, Shared& shared);
std::function<int()> setup_unifrac(CLI::App& app, Shared& shared);
std::function<int()> setup_faith_pd(CLI::App& app, Shared& shared);
std::function<int()> setup_alpha(CLI::App& app, Shared& shared);
std::function<int()> setup_pcoa(CLI::App& app, Shared& shared);
std::function<int()> setup_permanova(CLI::App& app, Shared& shared);
std::function<int()> setup_anosim(CLI::App& app, Shared& shared);
std::function<int()> setup_permdisp(CLI::App& app, Shared& shared);
std::function<int()> setup_adonis(CLI::App& app, Shared& shared);
std::function<int()> setup_mantel(CLI::App& app, Shared& shared);
std::function<int()> setup_table(CLI::App& app, Shared& shared);
std::function<int()> setup_pretrain(CLI::App& app, Shared& shared);
std::function<int()> setup_train(CLI::App& app, Shared& shared);
std::function<int()> setup_predict(CLI::App& app, Shared& shared);
std::function<int()> setup_evaluate(CLI::App& app, Shared& shared);
std::function<int()> setup_embed(CLI::App& app, Shared& shared);
std::function<int()> setup_export(CLI::App& app, Shared& shared);
std::function<int()> setup_info(CLI::App& app, Shared& shared);

}  // namespace deepbio::tools
