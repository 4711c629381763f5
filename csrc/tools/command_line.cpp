// The command `deepbio`: one table of commands, and what they share: options, exit codes, signals.
//
// Exit codes: 0 good; 1 bad data or failed run, one line "deepbio: error: ..."; 2 bad usage; 128+n
// after signal n.
#include <ATen/Config.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "tools/command.h"

#include "deepbio/base/error.h"
#include "deepbio/base/simd.h"
#include "deepbio/base/spelling.h"
#include "deepbio/io/bytes/inflate.h"
#include "deepbio/io/bytes/zip.h"

namespace deepbio::tools {
namespace {

const Command kCommands[] = {
    {"stats", "Records, bases, lengths, GC and quality of FASTA/FASTQ files", setup_stats},
    {"validate", "Read all of each file and say whether it is sound", setup_validate},
    {"encode", "FASTA/FASTQ files to tensor shards (safetensors)", setup_encode},
    {"simulate", "Write a synthetic community with a known answer", setup_simulate},
    {"rarefy", "Subsample a table to the same number of reads per sample", setup_rarefy},
    {"unifrac", "Distances between samples on a tree", setup_unifrac},
    {"beta", "The same as unifrac, also for distances without a tree", setup_unifrac},
    {"faith-pd", "Faith's phylogenetic diversity of each sample", setup_faith_pd},
    {"alpha", "Diversity of each sample", setup_alpha},
    {"pcoa", "Principal coordinates of a distance matrix", setup_pcoa},
    {"permanova", "Whether groups of samples lie apart in a distance matrix", setup_permanova},
    {"anosim", "Whether distances between groups rank above those within", setup_anosim},
    {"permdisp", "Whether groups of samples differ in spread", setup_permdisp},
    {"adonis", "PERMANOVA of several factors and numbers", setup_adonis},
    {"mantel", "Whether two distance matrices go together", setup_mantel},
    {"table", "Convert, filter, merge, collapse or summarize tables", setup_table},
    {"pretrain", "Train an encoder on UniFrac distances and masked nucleotides", setup_pretrain},
    {"train", "Train a regression or classification model", setup_train},
    {"predict", "Predict samples with a trained model", setup_predict},
    {"evaluate", "Metrics of a model on labelled samples", setup_evaluate},
    {"embed", "A vector per sample", setup_embed},
    {"export", "A deployable model file", setup_export},
    {"info", "What a file or run directory is", setup_info},
};

// Commands that are Python (deepbio_torch/__main__.py); the `deepbio` of the Python package runs
// them itself.
constexpr std::pair<const char*, const char*> kPythonCommands[] = {
    {"report", "One HTML page about a run"},
    {"study", "Judge the default model beside baselines on folds"},
    {"importance", "ASVs and clades by what they do to predictions"},
    {"rarefaction-curve", "Diversity of rarefied draws at several depths"},
    {"procrustes", "Whether the principal coordinates of two distance matrices match"},
    {"merge-distances", "The distance matrix whose parts `unifrac --part` wrote"},
    {"completion", "A script that lets a shell complete what is typed"},
};

// Far more than any machine has cores; torch crashes far above.
constexpr int64_t kMostAllowedThreads = 1024;
std::atomic<int> signal_seen{0};
std::atomic<bool> polled{false};

// A command that polls is left to stop by itself at its next step; any other, or a second signal,
// ends at once.
void on_signal(int signal) {
  if (!polled || signal_seen.exchange(signal) != 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

std::string version_text() {
  std::string inflate;
  for (const io::InflateLibrary library : io::inflate_libraries())
    inflate += std::string(io::to_string(library)) + ", ";
  return std::string("deepbio " DEEPBIO_VERSION "\ntorch ") + TORCH_VERSION +
         " (built with " DEEPBIO_TORCH_VERSION ")\nCPU features in use by torch: " +
         at::get_cpu_capability() + ", by this library: " + std::string(to_string(choose_simd())) +
         "\nbuilt in: " + inflate + "HDF5" + (io::has_zip_library() ? ", libzip" : "") + "\n";
}

void add_shared_options(CLI::App& app, Shared& shared) {
  app.add_flag("--json", shared.json, "One JSON document on stdout instead of a table");
  app.add_flag("--quiet", shared.quiet, "No progress on stderr");
  app.add_flag("--overwrite", shared.overwrite, "Replace existing outputs");
  app.add_option("--threads", shared.threads, "Threads (0: all cores)")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{0}, kMostAllowedThreads));
  app.add_option("--seed", shared.seed, "Seed of everything random")->capture_default_str();
}

// What was typed and not understood, with the nearest option or command. Returns exit code 2.
int usage_error(const CLI::App& app, const std::string& problem) {
  std::cerr << "deepbio: error: " << problem << " (see: " << (app.get_parent() ? "deepbio " : "")
            << app.get_name() << " --help)\n";
  return 2;
}

int unknown_option(const CLI::App& app, const std::string& given) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // an old name
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::string nearest = nearest_name(given.substr(0, given.find('=')), names);
  const std::string what = given.rfind('-', 0) == 0 ? "unknown option " : "unexpected argument ";
  return usage_error(
      app, what + quoted(given) + (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
}

// The first option on the command line that `app` does not have, or "".
std::string first_unknown_option(const CLI::App& app, int argc, char** argv) {
  for (int i = 2; i < argc; ++i) {
    const std::string given = argv[i];
    if (given.rfind("--", 0) == 0 && given.size() > 2 &&
        !app.get_option_no_throw(given.substr(0, given.find('=')))) {
      return given;
    }
  }
  return "";
}

int unknown_command(const CLI::App& app, const std::string& given) {
  std::vector<std::string> names;
  for (const auto& command : kCommands) names.emplace_back(command.name);
  for (const auto& [name, summary] : kPythonCommands) {
    names.emplace_back(name);
    if (given != name) continue;
    return usage_error(
        app,
        quoted(given) + " is part of the Python package: run  python -m deepbio_torch " + given);
  }
  const std::string nearest = nearest_name(given, names);
  return usage_error(app, "unknown command " + quoted(given) +
                              (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
}

std::string python_commands_text() {
  std::string text = "Commands of the Python package (python -m deepbio_torch COMMAND):\n";
  for (const auto& [name, summary] : kPythonCommands) {
    text += "  " + std::string(name) + std::string(28 - std::strlen(name), ' ') + summary + "\n";
  }
  return text;
}

int parse_and_run(int argc, char** argv, const train::ProcessGroup* group) {
  CLI::App app("Sequences and microbiome tables to tensors and trained models.", "deepbio");
  app.set_version_flag("--version", version_text());
  app.footer(python_commands_text());
  app.allow_extras();
  Shared shared;
  shared.group = group;
  std::vector<std::pair<CLI::App*, std::function<int()>>> runs;
  for (const auto& command : kCommands) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->allow_extras();
    auto run = command.setup(*sub, shared);
    add_shared_options(*sub, shared);
    runs.emplace_back(sub, std::move(run));
  }
  // Before --help is looked at, which would answer for a command that does not exist.
  const std::string first = argc > 1 ? argv[1] : "";
  const bool is_known = std::any_of(std::begin(kCommands), std::end(kCommands),
                                    [&](const Command& command) { return first == command.name; });
  if (!first.empty() && first[0] != '-' && !is_known) return unknown_command(app, first);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    const auto parsed = app.get_subcommands();
    // A misspelt option is the likelier reason for one that is missing.
    const std::string unknown =
        parsed.empty() ? "" : first_unknown_option(*parsed.front(), argc, argv);
    if (!unknown.empty()) return unknown_option(*parsed.front(), unknown);
    const std::string problem = error.what();  // of an old name of an option without the name
    return usage_error(parsed.empty() ? app : *parsed.front(),
                       problem.substr(problem.rfind(": ", 0) == 0 ? 2 : 0));
  }
  for (const auto& [sub, run] : runs) {
    if (!sub->parsed()) continue;
    if (!sub->remaining().empty()) return unknown_option(*sub, sub->remaining().front());
    if (shared.threads > 0) at::set_num_threads(static_cast<int>(shared.threads));
    return run();
  }
  if (!app.remaining().empty()) return unknown_option(app, app.remaining().front());
  std::cout << app.help();
  return 2;
}

}  // namespace

io::OpenOptions reading_options() {
  constexpr int kMostThreads = 4;  // inflating is then no longer what takes longest
  return {.num_threads = std::min(at::get_num_threads(), kMostThreads)};
}

void keep_freed_blocks() {
#ifdef __GLIBC__
  constexpr int kOneGibibyte = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, kOneGibibyte);
  mallopt(M_TRIM_THRESHOLD, kOneGibibyte);
#endif
}

bool interrupted() {
  polled = true;
  return signal_seen != 0;
}
int interrupt_signal() { return signal_seen; }

int run_command(int argc, char** argv, const train::ProcessGroup* group) {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGPIPE, SIG_DFL);
  try {
    const int code = parse_and_run(argc, argv, group);
    std::cout.flush();
    if (std::cout) return code;
    std::cerr << "deepbio: error: standard output cannot be written: " << std::strerror(errno)
              << "\n";
  } catch (const std::bad_alloc&) {
    std::cerr << "deepbio: error: out of memory\n";
  } catch (const Error& error) {
    std::cerr << "deepbio: error: " << spelled_for_shell(error.what()) << "\n";
  } catch (const std::exception& error) {
    // Not one of ours: a fault of the program (torch's message spans lines; the first one says
    // what).
    const std::string text = error.what();
    std::cerr << "deepbio: internal error: " << text.substr(0, text.find('\n'))
              << " (please report this)\n";
  }
  return 1;
}

}  // namespace deepbio::tools
