// The program `deepbio`. It runs the commands that need no tensors itself, within milliseconds, and
// loads libdeepbio_commands.so, and with it torch, for all others.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "tools/command.h"
#include <dlfcn.h>

namespace deepbio::tools {
namespace {

int given_threads = 0;

int run_loaded(int argc, char** argv) {
  void* const library = dlopen(DEEPBIO_COMMANDS, RTLD_NOW | RTLD_LOCAL);
  void* const run = library == nullptr ? nullptr : dlsym(library, "deepbio_run_command");
  if (run != nullptr) return reinterpret_cast<int (*)(int, char**)>(run)(argc, argv);
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

}  // namespace deepbio::tools

int main(int argc, char** argv) {
  using namespace deepbio::tools;
  const Command* const asked = find_command(argc, argv);
  const bool asks_version = argc > 1 && std::string_view(argv[1]) == "--version";
  if (asks_version || (asked != nullptr && !asked->setup)) return run_loaded(argc, argv);
  return run_command(argc, argv);
}
