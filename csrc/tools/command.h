// One command of `deepbio`: how it declares its options and what it does. commands.cpp holds the
// table of commands.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "deepbio/base/json.h"
#include "deepbio/io/bytes/bytes.h"

namespace deepbio::train {
struct ProcessGroup;
}

namespace deepbio::tools {

// Runs one command and returns its exit code; SIGINT, SIGTERM and SIGPIPE are answered in its way
// from then on. group: of processes that train together, or none.
int run_command(int argc, char** argv, const train::ProcessGroup* group = nullptr);

// Options every command takes.
struct Shared {
  bool json = false;       // one JSON document on stdout instead of a table
  bool quiet = false;      // no progress on stderr
  bool overwrite = false;  // replace existing outputs
  int64_t threads = 0;     // 0: all cores
  uint64_t seed = 0;
  const train::ProcessGroup* group = nullptr;  // of processes that run this command together
  io::Overwrite overwrite_mode() const {
    return overwrite ? io::Overwrite::kAllow : io::Overwrite::kRefuse;
  }
};

// Adds options to `app`, and returns what runs after parsing and gives the exit code. Throws.
using Setup = std::function<std::function<int()>(CLI::App& app, Shared& shared)>;

struct Command {
  const char* name;
  const char* summary;
  Setup setup;  // empty in the program, where libdeepbio_commands.so has it
};
// The first word that is the name of a command, or nullptr.
const Command* find_command(int argc, char** argv);

// With torch in libdeepbio_commands.so (tensors.cpp), without in the program (main.cpp).
int num_threads();
void set_num_threads(int count);
std::string torch_text();  // lines of --version
// What a file is; with torch also what a run directory is.
Json facts_of(const std::string& path);

// How sequence files are opened: inflated by as many threads as --threads allows, at most four.
io::OpenOptions reading_options();

// True once after SIGINT or SIGTERM; long work looks at it between steps and stops cleanly.
bool interrupted();
int interrupt_signal();

// Each cmd_x.cpp defines one of these, or those that are near relatives.
using SetupFunction = std::function<int()>(CLI::App& app, Shared& shared);
SetupFunction setup_stats, setup_validate, setup_encode, setup_simulate, setup_rarefy,
    setup_unifrac, setup_faith_pd, setup_alpha, setup_pcoa, setup_permanova, setup_anosim,
    setup_permdisp, setup_adonis, setup_mantel, setup_table, setup_pretrain, setup_train,
    setup_predict, setup_evaluate, setup_embed, setup_export, setup_info;

}  // namespace deepbio::tools
