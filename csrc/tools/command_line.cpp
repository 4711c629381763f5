// The command `deepbio`: one table of commands, and what they share: options, exit codes, signals.
// Compiled twice: for libdeepbio_commands.so, and for the program, whose table has only commands
// that need no tensors, and which loads the library for the others (torch takes 0.2 s to load).
//
// Exit codes: 0 good; 1 bad data or failed run, one line "deepbio: error: ..."; 2 bad usage; 128+n
// after signal n.

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "tools/command.h"
#include "tools/option_flags.h"

#include "deepbio/base/error.h"
#include "deepbio/base/simd.h"
#include "deepbio/base/spelling.h"
#include "deepbio/io/bytes/inflate.h"
#include "deepbio/io/bytes/zip.h"
#include "deepbio/io/bytes/zstd.h"

#ifdef DEEPBIO_WITH_TENSORS
#define WITH_TENSORS(setup) setup
#else
#define WITH_TENSORS(setup) nullptr
#endif

namespace deepbio::tools {
namespace {

const Command kCommands[] = {
    {"stats", "Records, bases, lengths, GC and quality of FASTA/FASTQ files", setup_stats},
    {"validate", "Read all of each file and say whether it is sound", setup_validate},
    {"encode", "FASTA/FASTQ files to tensor shards (safetensors)", WITH_TENSORS(setup_encode)},
    {"simulate", "Write a synthetic community with a known answer", WITH_TENSORS(setup_simulate)},
    {"rarefy", "Subsample a table to the same number of reads per sample",
     WITH_TENSORS(setup_rarefy)},
    {"unifrac", "Distances between samples on a tree", WITH_TENSORS(setup_unifrac)},
    {"beta", "The same as unifrac, also for distances without a tree", WITH_TENSORS(setup_unifrac)},
    {"faith-pd", "Faith's phylogenetic diversity of each sample", WITH_TENSORS(setup_faith_pd)},
    {"alpha", "Diversity of each sample", WITH_TENSORS(setup_alpha)},
    {"pcoa", "Principal coordinates of a distance matrix", WITH_TENSORS(setup_pcoa)},
    {"permanova", "Whether groups of samples lie apart in a distance matrix",
     WITH_TENSORS(setup_permanova)},
    {"anosim", "Whether distances between groups rank above those within",
     WITH_TENSORS(setup_anosim)},
    {"permdisp", "Whether groups of samples differ in spread", WITH_TENSORS(setup_permdisp)},
    {"adonis", "PERMANOVA of several factors and numbers", WITH_TENSORS(setup_adonis)},
    {"mantel", "Whether two distance matrices go together", WITH_TENSORS(setup_mantel)},
    {"table", "Convert, filter, merge, collapse or summarize tables", WITH_TENSORS(setup_table)},
    {"pretrain", "Train an encoder on UniFrac distances and masked nucleotides",
     WITH_TENSORS(setup_pretrain)},
    {"train", "Train a regression or classification model", WITH_TENSORS(setup_train)},
    {"predict", "Predict samples with a trained model", WITH_TENSORS(setup_predict)},
    {"evaluate", "Metrics of a model on labelled samples", WITH_TENSORS(setup_evaluate)},
    {"embed", "A vector per sample", WITH_TENSORS(setup_embed)},
    {"export", "A deployable model file", WITH_TENSORS(setup_export)},
    {"info", "What a file or run directory is", setup_info},
};

// Those that the `deepbio` of the Python package runs itself (deepbio_torch/__main__.py).
constexpr std::pair<const char*, const char*> kPythonCommands[] = {
    {"report", "One HTML page about a run"},
    {"study", "Judge the default model beside baselines on folds"},
    {"importance", "ASVs and clades by what they do to predictions"},
    {"rarefaction-curve", "Diversity of rarefied draws at several depths"},
    {"procrustes", "Whether the principal coordinates of two distance matrices match"},
    {"merge-distances", "The distance matrix whose parts `unifrac --part` wrote"},
    {"score-variants", "What a model makes of the variants of a VCF or BCF"},
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
  return "deepbio " DEEPBIO_VERSION "\n" + torch_text() +
         "vector instructions of this library: " + std::string(to_string(choose_simd())) +
         "\nbuilt in: " + inflate + "HDF5" + (io::has_zip_library() ? ", libzip" : "") +
         (io::has_zstd_library() ? ", libzstd" : "") + "\n";
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

// With the nearest option or command. Returns exit code 2.
int usage_error(const CLI::App& app, const std::string& problem) {
  std::cerr << "deepbio: error: " << problem << " (see: " << (app.get_parent() ? "deepbio " : "")
            << app.get_name() << " --help)\n";
  return 2;
}

int unknown_option(const CLI::App& app, const std::string& given) {
  const std::string nearest =
      nearest_name(given.substr(0, given.find('=')), option_names(app, "--"));
  const std::string what = given.rfind('-', 0) == 0 ? "unknown option " : "unexpected argument ";
  return usage_error(
      app, what + quoted(given) + (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
}

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
  for (const Command& command : kCommands) names.emplace_back(command.name);
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
  const Command* const asked = find_command(argc, argv);
  std::function<int()> run;
  for (const Command& command : kCommands) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->allow_extras();
    if (&command != asked) continue;
    run = command.setup(*sub, shared);
    add_shared_options(*sub, shared);
  }
  // Before --help is looked at, which would answer for a command that does not exist.
  const std::string first = argc > 1 ? argv[1] : "-";
  if (first[0] != '-' && (!asked || first != asked->name)) return unknown_command(app, first);
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
  for (const CLI::App* sub : app.get_subcommands()) {
    if (!app.remaining().empty()) {
      return usage_error(app, "options come after the command, got " +
                                  quoted(app.remaining().front()) + " before it");
    }
    if (!sub->remaining().empty()) return unknown_option(*sub, sub->remaining().front());
    if (shared.threads > 0) set_num_threads(static_cast<int>(shared.threads));
    return run();
  }
  if (!app.remaining().empty()) return unknown_option(app, app.remaining().front());
  std::cout << app.help();
  return 2;
}

}  // namespace

const Command* find_command(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    for (const Command& command : kCommands)
      if (std::string_view(argv[i]) == command.name) return &command;
  }
  return nullptr;
}

io::OpenOptions reading_options() {
  constexpr int kMostThreads = 4;  // inflating is then no longer what takes longest
  return {.num_threads = std::min(num_threads(), kMostThreads)};
}

bool interrupted() {
  polled = true;
  return signal_seen != 0;
}
int interrupt_signal() { return signal_seen; }

int run_command(int argc, char** argv, const train::ProcessGroup* group) {
#ifdef __GLIBC__
  // Blocks that a step frees are kept for the next: faulting them in anew costs up to half of it.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
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
