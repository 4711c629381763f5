// What commands with tensors add, and the door of libdeepbio_commands.so for the program.
#include <ATen/Config.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#include "tools/command.h"

#include "deepbio/train/facts.h"

namespace deepbio::tools {

int num_threads() { return at::get_num_threads(); }
void set_num_threads(int count) { at::set_num_threads(count); }

std::string torch_text() {
  return std::string("torch ") + TORCH_VERSION +
         " (built with " DEEPBIO_TORCH_VERSION ")\nCPU features in use by torch: " +
         at::get_cpu_capability() + "\n";
}

Json facts_of(const std::string& path) { return train::facts_of(path); }

}  // namespace deepbio::tools

extern "C" int deepbio_run_command(int argc, char** argv) {
  return deepbio::tools::run_command(argc, argv);
}
