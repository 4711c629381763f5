// The program `deepbio`. It runs the commands that need no tensors itself, within milliseconds, and
// loads libdeepbio_commands.so, and with it torch, for all others.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <thread>

#include "tools/command.h"
#include <dlfcn.h>

#include "deepbio/io/facts.h"

namespace deepbio::tools {
namespace {

int given_threads = 0;

// Binds of torch's symbols what is used, and leaves without taking torch down at the end: either
// would take as long as a small table does.
int run_loaded(int argc, char** argv) {
  void* const library = dlopen(DEEPBIO_COMMANDS, RTLD_LAZY | RTLD_LOCAL);
  void* const run = library == nullptr ? nullptr : dlsym(library, "deepbio_run_command");
  if (run != nullptr) {
    const int code = reinterpret_cast<int (*)(int, char**)>(run)(argc, argv);
    std::fflush(nullptr);
    std::_Exit(code);
  }
  std::cerr << "deepbio: error: " << dlerror() << "\n";
  return 127;  // as shells say of a command that is not there
}

}  // namespace

// OMP_NUM_THREADS counts here as it does for torch.
int num_threads() {
  const char* const wanted = std::getenv("OMP_NUM_THREADS");
  const int count = given_threads > 0 || wanted == nullptr ? given_threads : std::atoi(wanted);
  return count > 0 ? count : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}
void set_num_threads(int count) { given_threads = count; }
std::string torch_text() { return ""; }  // asked of the library
Json facts_of(const std::string& path) { return io::facts_of_file(path); }

}  // namespace deepbio::tools

int main(int argc, char** argv) {
  using namespace deepbio::tools;
  const Command* const asked = find_command(argc, argv);
  bool needs_torch = asked != nullptr && !asked->setup;
  std::error_code unknown;
  for (int i = 1; i < argc; ++i)  // a folder may be a run
    needs_torch |=
        argv[i] == std::string_view("--version") || std::filesystem::is_directory(argv[i], unknown);
  return needs_torch ? run_loaded(argc, argv) : run_command(argc, argv);
}
