// Newick text: a tree is children-first and is written so that the same tree is read back.
#include "parse_input.h"

#include "deepbio/io/tables/newick.h"

using namespace deepbio;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const io::Tree tree =
        io::parse_newick(std::string(reinterpret_cast<const char*>(data), size), "input");
    for (int64_t node = 0; node + 1 < tree.num_nodes(); ++node) {
      if (tree.parent[node] <= node || tree.parent[node] >= tree.num_nodes()) __builtin_trap();
    }
    const io::Tree again = io::parse_newick(io::to_newick(tree), "written");
    if (again.parent != tree.parent || again.name != tree.name || again.length != tree.length)
      __builtin_trap();
  } catch (const Error&) {
  }
  return 0;
}
