// The longest way between two tips of a tree is found by going to the furthest tip twice: the tip
// furthest from any start is one end of a longest way (true for lengths that are not negative). The
// new root is in its middle. The tree becomes a graph first, as a new root turns branches around.
#include <algorithm>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/community/tree.h"
#include "deepbio/io/bytes/text.h"

namespace deepbio::community {
namespace {

struct Neighbour {
  int64_t node;
  double length;
};
using Graph = std::vector<std::vector<Neighbour>>;  // branches without a direction

void connect(Graph& graph, int64_t a, int64_t b, double length) {
  graph[a].push_back({b, length});
  graph[b].push_back({a, length});
}

double checked_length(const io::Tree& tree, int64_t node, const std::string& path) {
  const double length = tree.length[node];
  if (length >= 0) return length;
  throw ArgumentError(path + ": a midpoint needs lengths that are not negative, the branch above " +
                      (tree.name[node].empty() ? "an unnamed node" : quoted(tree.name[node])) +
                      " has " + (length == io::kNoLength ? "none" : io::number_text(length)));
}

// Without the root where it has one child (a stem that no two tips have between them) or two (one
// branch).
Graph graph_of(const io::Tree& tree, const std::string& path) {
  const int64_t num_nodes = tree.num_nodes();
  std::vector<std::vector<int64_t>> children(num_nodes);
  for (int64_t node = 0; node < num_nodes; ++node) {
    if (tree.parent[node] >= 0) children[tree.parent[node]].push_back(node);
  }
  int64_t root = num_nodes - 1;
  while (children[root].size() == 1) root = children[root][0];
  Graph graph(num_nodes + 1);  // one more for a root inside a branch
  const bool joins_root = children[root].size() == 2;
  // All nodes before `root` are below it: children come before parents, and what is above is a
  // stem.
  for (int64_t node = 0; node < root; ++node) {
    if (joins_root && tree.parent[node] == root) continue;
    connect(graph, node, tree.parent[node], checked_length(tree, node, path));
  }
  if (joins_root) {
    const int64_t a = children[root][0], b = children[root][1];
    connect(graph, a, b, checked_length(tree, a, path) + checked_length(tree, b, path));
  }
  return graph;
}

struct Reach {
  std::vector<double> distance;  // -1 where nothing leads
  std::vector<int64_t> before;   // the node on the way back
  int64_t furthest_tip;
};

Reach reach_from(const Graph& graph, const io::Tree& tree, int64_t start) {
  Reach out{std::vector<double>(graph.size(), -1), std::vector<int64_t>(graph.size(), -1), start};
  std::vector<int64_t> open{start};
  out.distance[start] = 0;
  while (!open.empty()) {
    const int64_t node = open.back();
    open.pop_back();
    if (tree.is_tip[node] && out.distance[node] > out.distance[out.furthest_tip])
      out.furthest_tip = node;
    for (const Neighbour& next : graph[node]) {
      if (out.distance[next.node] >= 0) continue;
      out.distance[next.node] = out.distance[node] + next.length;
      out.before[next.node] = node;
      open.push_back(next.node);
    }
  }
  return out;
}

// Puts a new node into the branch between two others, `from_a` away from the first.
void split_branch(Graph& graph, int64_t a, int64_t b, double from_a, int64_t inside) {
  const auto end_at = [&](int64_t node, int64_t other) {
    return std::find_if(graph[node].begin(), graph[node].end(),
                        [&](const Neighbour& n) { return n.node == other; });
  };
  const double length = end_at(a, b)->length;
  *end_at(a, b) = {inside, from_a};
  *end_at(b, a) = {inside, length - from_a};
  graph[inside] = {{a, from_a}, {b, length - from_a}};
}

// Children before parents, the root last.
// With a stack of its own instead of recursion: a tree of one long ladder is as deep as it is
// large.
io::Tree directed(const Graph& graph, const io::Tree& tree, int64_t root) {
  struct Step {
    int64_t node, parent;
    double length;
  };
  std::vector<Step> order, open{{root, -1, io::kNoLength}};
  while (!open.empty()) {
    order.push_back(open.back());
    open.pop_back();
    const Step step = order.back();
    for (const Neighbour& next : graph[step.node]) {
      if (next.node != step.parent) open.push_back({next.node, step.node, next.length});
    }
  }
  std::reverse(order.begin(), order.end());
  std::vector<int64_t> place(graph.size(), -1);
  for (size_t k = 0; k < order.size(); ++k) place[order[k].node] = static_cast<int64_t>(k);
  io::Tree out;
  for (const Step& step : order) {
    const bool is_known = step.node < tree.num_nodes();
    out.parent.push_back(step.parent < 0 ? -1 : place[step.parent]);
    out.length.push_back(step.length);
    out.name.push_back(is_known ? tree.name[step.node] : "");
    out.is_tip.push_back(is_known && tree.is_tip[step.node]);
  }
  return out;
}

}  // namespace

io::Tree root_at_midpoint(const io::Tree& tree, const std::string& tree_path) {
  if (tree.num_tips() < 2) {
    throw ArgumentError(tree_path + ": a midpoint lies between two tips, the tree has " +
                        std::to_string(tree.num_tips()));
  }
  Graph graph = graph_of(tree, tree_path);
  const auto first_tip =
      std::find(tree.is_tip.begin(), tree.is_tip.end(), true) - tree.is_tip.begin();
  const int64_t start = reach_from(graph, tree, first_tip).furthest_tip;
  const Reach reach = reach_from(graph, tree, start);
  const double half = reach.distance[reach.furthest_tip] / 2;
  if (half == 0)
    throw ArgumentError(tree_path + ": a midpoint needs tips that lie apart, all distances are 0");
  // Back from the far end until the next step would pass the middle, which is then in that branch.
  int64_t node = reach.furthest_tip;
  while (reach.before[node] >= 0 && reach.distance[reach.before[node]] >= half)
    node = reach.before[node];
  if (reach.distance[node] == half) return directed(graph, tree, node);
  const int64_t inside = tree.num_nodes();
  split_branch(graph, node, reach.before[node], reach.distance[node] - half, inside);
  return directed(graph, tree, inside);
}

}  // namespace deepbio::community
