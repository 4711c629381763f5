// Diversity within and between samples, ordination, and tests by permutation.
#include "bindings/bindings.h"

#include "deepbio/base/error.h"
#include "deepbio/community/adonis.h"
#include "deepbio/community/alpha_diversity.h"
#include "deepbio/community/anosim.h"
#include "deepbio/community/beta_diversity.h"
#include "deepbio/community/biplot.h"
#include "deepbio/community/compositions.h"
#include "deepbio/community/distances.h"
#include "deepbio/community/mantel.h"
#include "deepbio/community/ordination.h"
#include "deepbio/community/permanova.h"
#include "deepbio/community/permdisp.h"
#include "deepbio/community/procrustes.h"
#include "deepbio/community/rarefaction_curve.h"
#include "deepbio/io/tables/ids.h"

namespace deepbio::bindings {
namespace {

using Texts = std::vector<std::string>;
using community::PermutationOptions;

torch::Tensor alpha_diversity(const Table& table, const std::string& metric, double base) {
  return community::alpha_diversity(*table.counts, metric, {base});
}

torch::Tensor beta_diversity(const Table& table, const std::string& metric, double pseudocount) {
  return community::beta_diversity(*table.counts,
                                   {community::parse_beta_metric(metric), pseudocount});
}

// Words of Python become enums here, with the same sentence as on the command line; all sums are in
// community.
community::Pcoa pcoa(const torch::Tensor& distances, int64_t dimensions, const std::string& method,
                     uint64_t seed, const Texts& ids) {
  if (method != "exact" && method != "randomised") {
    throw ArgumentError("method: expected exact or randomised, got " + quoted(method));
  }
  const auto chosen =
      method == "exact" ? community::PcoaMethod::kExact : community::PcoaMethod::kRandomised;
  return community::pcoa(distances, {dimensions, chosen, seed}, ids);
}

// Ids are checked first: the file is text, and an id with a tab would shift its columns.
void write_pcoa(const std::string& path, const Texts& ids, const torch::Tensor& coordinates,
                const torch::Tensor& eigenvalues, const torch::Tensor& proportion_explained,
                const Texts& feature_ids, const torch::Tensor& features, bool overwrite) {
  io::require_text_ids(ids, path);
  io::require_text_ids(feature_ids, path);
  community::write_pcoa(
      path, ids,
      // The writer reads through plain pointers of doubles.
      {coordinates.to(torch::kDouble).contiguous(), eigenvalues.to(torch::kDouble).contiguous(),
       proportion_explained.to(torch::kDouble).contiguous()},
      overwrite_mode(overwrite), {feature_ids, features.to(torch::kDouble).contiguous()});
}

std::pair<torch::Tensor, torch::Tensor> rarefaction_curve(
    const Table& table, const std::string& metric, const std::vector<int64_t>& depths,
    int64_t draws, uint64_t seed, double base, const Tree* tree, const std::string& missing) {
  const community::RarefactionCurveOptions options{depths, draws, seed, {base}};
  std::optional<community::Phylogeny> phylogeny;
  // Of the metrics only Faith's needs a tree; features are matched once for all draws.
  if (tree != nullptr) {
    phylogeny = community::match_features(tree->tree, table.counts->feature_ids,
                                          parse_missing_features(missing), tree->path);
  }
  auto curve = community::rarefaction_curve(*table.counts, metric, options,
                                            phylogeny ? &*phylogeny : nullptr);
  return {std::move(curve.mean), std::move(curve.spread)};
}

community::Permanova permanova(const torch::Tensor& distances, const Texts& groups,
                               int64_t num_permutations, uint64_t seed, const Texts& strata,
                               const Texts& ids) {
  return community::permanova(distances, groups, {num_permutations, seed, strata}, ids);
}

community::Anosim anosim(const torch::Tensor& distances, const Texts& groups,
                         int64_t num_permutations, uint64_t seed, const Texts& strata,
                         const Texts& ids) {
  return community::anosim(distances, groups, {num_permutations, seed, strata}, ids);
}

community::Permdisp permdisp(const torch::Tensor& distances, const Texts& groups,
                             const std::string& centre, const std::string& imaginary,
                             int64_t num_permutations, uint64_t seed, const Texts& strata,
                             const Texts& ids) {
  return community::permdisp(distances, groups,
                             {community::parse_centre(centre),
                              community::parse_imaginary_axes(imaginary),
                              {num_permutations, seed, strata}},
                             ids);
}

community::Mantel mantel(const torch::Tensor& first, const torch::Tensor& second,
                         const std::string& method, const std::string& alternative,
                         int64_t num_permutations, uint64_t seed, const Texts& strata,
                         const Texts& ids) {
  return community::mantel(first, second,
                           {community::parse_correlation(method),
                            community::parse_alternative(alternative),
                            {num_permutations, seed, strata}},
                           ids);
}

community::Procrustes procrustes(const torch::Tensor& reference, const torch::Tensor& other,
                                 int64_t num_permutations, uint64_t seed, const Texts& strata) {
  return community::procrustes(reference, other, {num_permutations, seed, strata});
}

// Factors as {name, labels, numbers}, one of the two empty.
std::vector<community::AdonisRow> adonis(
    const torch::Tensor& distances,
    const std::vector<std::tuple<std::string, Texts, std::vector<double>>>& given,
    const std::vector<community::Term>& terms, const std::string& by, int64_t num_permutations,
    uint64_t seed, const Texts& strata, const Texts& ids) {
  std::vector<community::Factor> factors;
  for (const auto& [name, labels, values] : given) factors.push_back({name, labels, values});
  return community::adonis(distances, factors, terms, community::parse_term_order(by),
                           {num_permutations, seed, strata}, ids);
}

void bind_ordination(py::module_& module) {
  py::class_<community::Pcoa>(module, "Pcoa")
      .def_readonly("coordinates", &community::Pcoa::coordinates)
      .def_readonly("eigenvalues", &community::Pcoa::eigenvalues)
      .def_readonly("proportion_explained", &community::Pcoa::proportion_explained);
  py::class_<community::Procrustes>(module, "Procrustes")
      .def_readonly("disparity", &community::Procrustes::disparity)
      .def_readonly("correlation", &community::Procrustes::correlation)
      .def_readonly("p_value", &community::Procrustes::p_value)
      .def_readonly("reference", &community::Procrustes::reference)
      .def_readonly("fitted", &community::Procrustes::fitted);
  module.def("pcoa", &pcoa, py::arg("distances"), py::arg("dimensions"), py::arg("method"),
             py::arg("seed"), py::arg("ids"), NoGil());
  module.def(
      "biplot",
      [](const torch::Tensor& coordinates, const torch::Tensor& eigenvalues, const Table& table) {
        return community::biplot({coordinates, eigenvalues, {}}, *table.counts);
      },
      py::arg("coordinates"), py::arg("eigenvalues"), py::arg("table"), NoGil());
  module.def("procrustes", &procrustes, py::arg("reference"), py::arg("other"),
             py::arg("num_permutations"), py::arg("seed"), py::arg("strata"), NoGil());
  module.def("write_pcoa", &write_pcoa, py::arg("path"), py::arg("ids"), py::arg("coordinates"),
             py::arg("eigenvalues"), py::arg("proportion_explained"), py::arg("feature_ids"),
             py::arg("features"), py::arg("overwrite") = false, NoGil());
}

// Results are bound as read-only structs; the Python module wraps them in dataclasses with
// docstrings and a repr.
void bind_group_tests(py::module_& module) {
  py::class_<community::Permanova>(module, "Permanova")
      .def_readonly("pseudo_f", &community::Permanova::pseudo_f)
      .def_readonly("p_value", &community::Permanova::p_value)
      .def_readonly("num_samples", &community::Permanova::num_samples)
      .def_readonly("num_groups", &community::Permanova::num_groups)
      .def_readonly("num_permutations", &community::Permanova::num_permutations);
  py::class_<community::Anosim>(module, "Anosim")
      .def_readonly("r", &community::Anosim::r)
      .def_readonly("p_value", &community::Anosim::p_value)
      .def_readonly("num_samples", &community::Anosim::num_samples)
      .def_readonly("num_groups", &community::Anosim::num_groups)
      .def_readonly("num_permutations", &community::Anosim::num_permutations);
  py::class_<community::Permdisp>(module, "Permdisp")
      .def_readonly("f", &community::Permdisp::f)
      .def_readonly("p_value", &community::Permdisp::p_value)
      .def_readonly("to_centre", &community::Permdisp::to_centre)
      .def_readonly("groups", &community::Permdisp::groups)
      .def_readonly("spread", &community::Permdisp::spread);
  py::class_<community::Mantel>(module, "Mantel")
      .def_readonly("r", &community::Mantel::r)
      .def_readonly("p_value", &community::Mantel::p_value);
  py::class_<community::AdonisRow>(module, "AdonisRow")
      .def_readonly("name", &community::AdonisRow::name)
      .def_readonly("degrees", &community::AdonisRow::degrees)
      .def_readonly("sum_of_squares", &community::AdonisRow::sum_of_squares)
      .def_readonly("r2", &community::AdonisRow::r2)
      .def_readonly("pseudo_f", &community::AdonisRow::pseudo_f)
      .def_readonly("p_value", &community::AdonisRow::p_value);
  module.def("permanova", &permanova, py::arg("distances"), py::arg("groups"),
             py::arg("num_permutations"), py::arg("seed"), py::arg("strata"), py::arg("ids"),
             NoGil());
  module.def("anosim", &anosim, py::arg("distances"), py::arg("groups"),
             py::arg("num_permutations"), py::arg("seed"), py::arg("strata"), py::arg("ids"),
             NoGil());
  module.def("permdisp", &permdisp, py::arg("distances"), py::arg("groups"), py::arg("centre"),
             py::arg("imaginary"), py::arg("num_permutations"), py::arg("seed"), py::arg("strata"),
             py::arg("ids"), NoGil());
  module.def("mantel", &mantel, py::arg("first"), py::arg("second"), py::arg("method"),
             py::arg("alternative"), py::arg("num_permutations"), py::arg("seed"),
             py::arg("strata"), py::arg("ids"), NoGil());
  module.def("adonis", &adonis, py::arg("distances"), py::arg("factors"), py::arg("terms"),
             py::arg("by"), py::arg("num_permutations"), py::arg("seed"), py::arg("strata"),
             py::arg("ids"), NoGil());
  module.def(
      "parse_terms", [](const std::string& formula) { return community::parse_terms(formula); },
      py::arg("formula"));
}

}  // namespace

void bind_diversity(py::module_& module) {
  module.def("alpha_diversity", &alpha_diversity, py::arg("table"), py::arg("metric"),
             py::arg("base"), NoGil());
  module.def("alpha_metrics", &community::alpha_metrics);
  module.def("rarefaction_curve", &rarefaction_curve, py::arg("table"), py::arg("metric"),
             py::arg("depths"), py::arg("draws"), py::arg("seed"), py::arg("base"), py::arg("tree"),
             py::arg("missing_features"), NoGil());
  module.def("even_depths", &community::even_depths, py::arg("deepest"), py::arg("count"));
  module.def("beta_diversity", &beta_diversity, py::arg("table"), py::arg("metric"),
             py::arg("pseudocount"), NoGil());
  module.def("sound_distances", &community::sound_distances, py::arg("distances"), py::arg("ids"),
             py::arg("what"), NoGil());
  module.def(
      "centred_log_ratios",
      [](const Table& table, double pseudocount) {
        return community::centred_log_ratios(*table.counts, pseudocount);
      },
      py::arg("table"), py::arg("pseudocount"), NoGil());
  module.def(
      "robust_centred_log_ratios",
      [](const Table& table) { return community::robust_centred_log_ratios(*table.counts); },
      py::arg("table"), NoGil());
  module.def(
      "hellinger", [](const Table& table) { return community::hellinger(*table.counts); },
      py::arg("table"), NoGil());
  bind_ordination(module);
  bind_group_tests(module);
}

}  // namespace deepbio::bindings
