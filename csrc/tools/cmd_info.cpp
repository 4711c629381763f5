#include <memory>

#include "tools/command.h"
#include "tools/printing.h"

#include "deepbio/train/facts.h"

namespace deepbio::tools {
namespace {

int run_info(const std::string& path, const Shared& shared) {
  print_facts(train::facts_of(path), shared);
  return 0;
}

}  // namespace

std::function<int()> setup_info(CLI::App& app, Shared& shared) {
  auto path = std::make_shared<std::string>();
  app.add_option("path", *path, "A file or a run directory")->required();
  return [path, &shared] { return run_info(*path, shared); };
}

}  // namespace deepbio::tools
