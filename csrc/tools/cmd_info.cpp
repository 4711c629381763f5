#include <iostream>
#include <memory>

#include "tools/command.h"
#include "tools/printing.h"

#include "deepbio/train/facts.h"

namespace deepbio::tools {
namespace {

void print_table(const Json& facts, const std::string& prefix) {
  for (const auto& [name, value] : facts.as_object()) {
    if (value.is_object()) {
      print_table(value, prefix + name + ".");
    } else {
      std::cout << prefix << name << "\t" << (value.is_string() ? value.as_string() : value.dump())
                << "\n";
    }
  }
}

int run_info(const std::string& path, const Shared& shared) {
  const Json facts = train::facts_of(path);
  print_json(facts, shared);
  if (!shared.json) print_table(facts, "");
  return 0;
}

}  // namespace

std::function<int()> setup_info(CLI::App& app, Shared& shared) {
  auto path = std::make_shared<std::string>();
  app.add_option("path", *path, "A file or a run directory")->required();
  return [path, &shared] { return run_info(*path, shared); };
}

}  // namespace deepbio::tools
