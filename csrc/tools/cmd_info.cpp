#include <memory>

#include "tools/command.h"
#include "tools/printing.h"

namespace deepbio::tools {

std::function<int()> setup_info(CLI::App& app, Shared& shared) {
  auto path = std::make_shared<std::string>();
  app.add_option("path", *path, "A file or a run directory")->required();
  return [path, &shared] {
    print_facts(facts_of(*path), shared);
    return 0;
  };
}

}  // namespace deepbio::tools
