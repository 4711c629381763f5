// Tables, trees, distances.
#include "bindings/bindings.h"

#include "deepbio/base/error.h"
#include "deepbio/community/distance_parts.h"
#include "deepbio/community/missing_features.h"
#include "deepbio/community/table.h"
#include "deepbio/community/table_merge.h"
#include "deepbio/community/unifrac.h"
#include "deepbio/io/formats.h"

namespace deepbio::bindings {
namespace {

// A tensor over an array of the table: no copy, and the table lives as long as the tensor.
template <class Value>
torch::Tensor view_of(const std::shared_ptr<const io::CountTable>& owner,
                      const std::vector<Value>& values, torch::ScalarType type) {
  // from_blob wants a pointer it could write through; the Python class hands these out as read-only
  // by contract.
  auto* data = const_cast<Value*>(values.data());
  return torch::from_blob(
      data, {static_cast<int64_t>(values.size())}, [owner](void*) {},
      torch::TensorOptions().dtype(type));
}

Table wrap(io::CountTable counts) {
  return {std::make_shared<const io::CountTable>(std::move(counts))};
}

template <class Value>
std::vector<Value> to_vector(const torch::Tensor& tensor, torch::ScalarType type) {
  // Copied: a CountTable owns its arrays, and the caller may change the tensor later.
  const torch::Tensor flat = tensor.to(type).contiguous();
  return {flat.data_ptr<Value>(), flat.data_ptr<Value>() + flat.numel()};
}

Table from_arrays(std::vector<std::string> sample_ids, std::vector<std::string> feature_ids,
                  const torch::Tensor& indptr, const torch::Tensor& indices,
                  const torch::Tensor& values, std::vector<std::string> taxonomy) {
  io::CountTable counts;
  counts.sample_ids = std::move(sample_ids);
  counts.feature_ids = std::move(feature_ids);
  counts.indptr = to_vector<int64_t>(indptr, torch::kLong);
  counts.indices = to_vector<int64_t>(indices, torch::kLong);
  counts.values = to_vector<double>(values, torch::kDouble);
  counts.taxonomy = std::move(taxonomy);
  // What Python made is checked as a file is; everything that reads a table relies on it.
  io::check_table(counts, "arrays");
  return wrap(std::move(counts));
}

// A table never changes: every operation makes a new one, so that datasets and tensors over the old
// one stay what they are.
std::pair<Table, std::vector<std::string>> rarefy(const Table& table, int64_t depth, uint64_t seed,
                                                  uint64_t epoch, bool with_replacement) {
  community::RarefyOptions options;
  options.depth_reads = depth;
  options.seed = seed;
  options.epoch = epoch;
  options.with_replacement = with_replacement;
  community::RarefyResult result = community::rarefy(*table.counts, options);
  return {wrap(std::move(result.table)), std::move(result.dropped_samples)};
}

void write_table(const Table& table, const std::string& path, bool overwrite) {
  io::write_table(path, *table.counts, overwrite_mode(overwrite));
}

std::vector<std::string> tips(const Tree& tree) {
  std::vector<std::string> out;
  for (size_t i = 0; i < tree.tree.name.size(); ++i) {
    if (tree.tree.is_tip[i]) out.push_back(tree.tree.name[i]);
  }
  return out;
}

community::Phylogeny match(const Table& table, const Tree& tree, const std::string& missing) {
  return community::match_features(tree.tree, table.counts->feature_ids,
                                   parse_missing_features(missing), tree.path);
}

// Values, and what is to be said about features that were left out.
using Reported = std::pair<torch::Tensor, std::string>;

std::string report_of(const Table& table, const Tree& tree, const community::Phylogeny& phylogeny) {
  return community::to_text(community::missing_report(*table.counts, phylogeny), tree.path);
}

Reported unifrac(const Table& table, const Tree& tree, const std::string& missing,
                 const std::string& metric, double alpha, bool variance_adjusted, bool bypass_tips,
                 const std::string& precision) {
  // Strings become enums where they come in; the sums know enums only.
  if (precision != "double" && precision != "float") {
    throw ArgumentError("precision: expected double or float, got " + quoted(precision));
  }
  community::UnifracOptions options;
  options.metric = community::parse_metric(metric);
  options.alpha = alpha;
  options.variance_adjusted = variance_adjusted;
  options.bypass_tips = bypass_tips;
  options.precision =
      precision == "float" ? community::Precision::kFloat : community::Precision::kDouble;
  const auto phylogeny = match(table, tree, missing);
  return {community::unifrac(*table.counts, phylogeny, options), report_of(table, tree, phylogeny)};
}

Reported faith_pd(const Table& table, const Tree& tree, const std::string& missing) {
  const auto phylogeny = match(table, tree, missing);
  return {community::faith_pd(*table.counts, phylogeny), report_of(table, tree, phylogeny)};
}

Table merge(const std::vector<Table>& tables, const std::string& overlap) {
  if (overlap != "error" && overlap != "sum")
    throw ArgumentError("overlap: expected error or sum, got " + quoted(overlap));
  std::vector<io::CountTable> counts;
  for (const Table& table : tables) counts.push_back(*table.counts);
  return wrap(community::merge(counts, overlap == "sum" ? community::OverlappingSamples::kSum
                                                        : community::OverlappingSamples::kError));
}

void bind_table(py::module_& module) {
  py::class_<Table>(module, "Table")
      .def_static(
          "read", [](const std::string& path) { return wrap(io::read_table(path)); },
          py::arg("path"), NoGil())
      .def_static("from_arrays", &from_arrays, py::arg("sample_ids"), py::arg("feature_ids"),
                  py::arg("indptr"), py::arg("indices"), py::arg("values"),
                  py::arg("taxonomy") = std::vector<std::string>{}, NoGil())
      // Lists of text are copied to Python at each access, which the Python classes do once; the
      // three arrays below are views.
      .def_property_readonly("taxonomy", [](const Table& t) { return t.counts->taxonomy; })
      .def_property_readonly("left_behind", [](const Table& t) { return t.counts->left_behind; })
      .def_property_readonly("sample_ids", [](const Table& t) { return t.counts->sample_ids; })
      .def_property_readonly("feature_ids", [](const Table& t) { return t.counts->feature_ids; })
      .def_property_readonly(
          "indptr",
          [](const Table& t) { return view_of(t.counts, t.counts->indptr, torch::kLong); })
      .def_property_readonly(
          "indices",
          [](const Table& t) { return view_of(t.counts, t.counts->indices, torch::kLong); })
      .def_property_readonly(
          "values",
          [](const Table& t) { return view_of(t.counts, t.counts->values, torch::kDouble); })
      .def("rarefy", &rarefy, py::arg("depth"), py::arg("seed"), py::arg("epoch"),
           py::arg("with_replacement"), NoGil())
      .def(
          "select_samples",
          [](const Table& t, const std::vector<int64_t>& samples) {
            return wrap(community::select_samples(*t.counts, samples));
          },
          py::arg("samples"), NoGil())
      .def(
          "select_features",
          [](const Table& t, const std::vector<bool>& keep) {
            return wrap(community::select_features(*t.counts, keep));
          },
          py::arg("keep"), NoGil())
      .def(
          "drop_empty_features",
          [](const Table& t) { return wrap(community::drop_empty_features(*t.counts)); }, NoGil())
      .def(
          "collapse",
          [](const Table& t, int64_t level) { return wrap(community::collapse(*t.counts, level)); },
          py::arg("level"), NoGil())
      .def(
          "with_lineages",
          [](const Table& t, const io::Metadata& taxonomy) {
            return wrap(community::with_lineages(*t.counts, taxonomy));
          },
          py::arg("taxonomy"), NoGil())
      .def(
          "filter_counts",
          [](const Table& t, double min_reads, int64_t min_samples) {
            return wrap(community::filter_counts(*t.counts, min_reads, min_samples));
          },
          py::arg("min_reads"), py::arg("min_samples"), NoGil())
      .def("totals",
           [](const Table& t) {
             return torch::tensor(community::sample_totals(*t.counts), torch::kDouble);
           })
      .def("write", &write_table, py::arg("path"), py::arg("overwrite") = false, NoGil());
}

}  // namespace

community::MissingFeatures parse_missing_features(const std::string& name) {
  if (name == "error") return community::MissingFeatures::kError;
  if (name == "drop") return community::MissingFeatures::kDrop;
  throw ArgumentError("missing_features: expected error or drop, got " + quoted(name));
}

// Trees travel with the path that they came from: every refusal of a tree or of features that it
// lacks names the file.
void bind_community(py::module_& module) {
  bind_table(module);
  // Every call that sums or reads lets the GIL go: it may take minutes.
  module.def("merge_tables", &merge, py::arg("tables"), py::arg("overlap"), NoGil());
  module.def("lineages_of", &community::lineages_of, py::arg("taxonomy"));
  py::class_<Tree>(module, "Tree")
      .def_static(
          "read",
          [](const std::string& path) {
            return Tree{io::read_newick(path), path};
          },
          py::arg("path"), NoGil())
      .def_static(
          "parse",
          [](const std::string& text, const std::string& path) {
            return Tree{io::parse_newick(text, path), path};
          },
          py::arg("text"), py::arg("path") = "text", NoGil())
      .def_readonly("path", &Tree::path)
      .def_property_readonly("is_rooted", [](const Tree& t) { return t.tree.is_rooted; })
      .def(
          "root_at_midpoint",
          [](const Tree& t) {
            return Tree{community::root_at_midpoint(t.tree, t.path), t.path};
          },
          NoGil())
      .def(
          "with_lengths_from_zero",
          [](const Tree& t) {
            return Tree{community::with_lengths_from_zero(t.tree), t.path};
          },
          NoGil())
      .def_property_readonly("num_nodes", [](const Tree& t) { return t.tree.num_nodes(); })
      .def_property_readonly("tips", &tips)
      .def_property_readonly("parents", [](const Tree& t) { return t.tree.parent; })
      .def_property_readonly("names", [](const Tree& t) { return t.tree.name; })
      .def(
          "shear",
          [](const Tree& t, const std::vector<std::string>& keep) {
            return Tree{community::shear(t.tree, keep), t.path};
          },
          py::arg("tips"), NoGil())
      .def(
          "to_newick", [](const Tree& t) { return io::to_newick(t.tree); }, NoGil())
      .def(
          "write",
          [](const Tree& t, const std::string& path, bool overwrite) {
            io::write_newick(path, t.tree, overwrite_mode(overwrite));
          },
          py::arg("path"), py::arg("overwrite") = false, NoGil());
  module.def(
      "merge_distance_parts",
      [](const std::vector<std::string>& paths) {
        const community::NamedDistances merged = community::merge_distance_parts(paths);
        return std::pair(merged.ids, merged.values);
      },
      py::arg("paths"), NoGil());
  module.def("unifrac", &unifrac, py::arg("table"), py::arg("tree"), py::arg("missing_features"),
             py::arg("metric"), py::arg("alpha"), py::arg("variance_adjusted"),
             py::arg("bypass_tips"), py::arg("precision"), NoGil());
  module.def("faith_pd", &faith_pd, py::arg("table"), py::arg("tree"), py::arg("missing_features"),
             NoGil());
}

}  // namespace deepbio::bindings
