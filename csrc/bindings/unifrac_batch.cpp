// Distances of batches from a prepared tree and table.
#include "deepbio/community/unifrac_batch.h"

#include "bindings/bindings.h"

#include "deepbio/base/error.h"
#include "deepbio/community/missing_features.h"

namespace deepbio::bindings {
namespace {

template <class Value>
std::span<const Value> span_of(const torch::Tensor& tensor) {
  return {tensor.const_data_ptr<Value>(), static_cast<size_t>(tensor.numel())};
}

std::unique_ptr<community::UnifracBatch> make(const Table& table, const Tree& tree,
                                              const std::string& missing, const std::string& metric,
                                              double alpha, bool variance_adjusted,
                                              bool bypass_tips, const std::string& precision) {
  if (precision != "double" && precision != "float") {
    throw ArgumentError("precision: expected double or float, got " + quoted(precision));
  }
  const community::UnifracOptions options{.metric = community::parse_metric(metric),
                                          .alpha = alpha,
                                          .variance_adjusted = variance_adjusted,
                                          .bypass_tips = bypass_tips,
                                          .precision = precision == "float"
                                                           ? community::Precision::kFloat
                                                           : community::Precision::kDouble};
  // Once: matching names and ordering branches is what takes time, and a batch of distances then
  // only walks over the branches of its samples.
  auto phylogeny = community::match_features(tree.tree, table.counts->feature_ids,
                                             parse_missing_features(missing), tree.path);
  return std::make_unique<community::UnifracBatch>(*table.counts, std::move(phylogeny), options);
}

torch::Tensor from_counts(const community::UnifracBatch& batch, const torch::Tensor& indptr,
                          const torch::Tensor& features, const torch::Tensor& counts) {
  // Named, since the spans below look into them; torch gives the same tensor back where type and
  // layout fit already.
  const torch::Tensor starts = indptr.to(torch::kLong).contiguous(),
                      columns = features.to(torch::kLong).contiguous(),
                      values = counts.to(torch::kDouble).contiguous();
  return batch.distances(community::BatchCounts{span_of<int64_t>(starts), span_of<int64_t>(columns),
                                                span_of<double>(values)});
}

}  // namespace

void bind_unifrac_batch(py::module_& module) {
  py::class_<community::UnifracBatch>(module, "UnifracBatch")
      .def(py::init(&make), py::arg("table"), py::arg("tree"), py::arg("missing_features"),
           py::arg("metric"), py::arg("alpha"), py::arg("variance_adjusted"),
           py::arg("bypass_tips"), py::arg("precision"), NoGil())
      .def(
          "distances",
          [](const community::UnifracBatch& batch, const std::vector<int64_t>& samples) {
            return batch.distances(samples);
          },
          py::arg("samples"), NoGil())
      .def(
          "missing_report",
          [](const community::UnifracBatch& batch, const Table& table, const Tree& tree) {
            return community::to_text(community::missing_report(*table.counts, batch.phylogeny()),
                                      tree.path);
          },
          py::arg("table"), py::arg("tree"), NoGil())
      .def("from_counts", &from_counts, py::arg("indptr"), py::arg("features"), py::arg("counts"),
           NoGil());
}

}  // namespace deepbio::bindings
