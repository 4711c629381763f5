// Variants, and pairs of windows around them.
#include "deepbio/data/variants.h"

#include "bindings/batches.h"
#include "bindings/genome.h"

#include "deepbio/data/haplotypes.h"
#include "deepbio/io/tables/vcf.h"

namespace deepbio::bindings {
void bind_variants(py::module_& module);
namespace {

using data::VariantWindows;
using SharedHaplotypes = std::shared_ptr<data::Haplotypes>;
using SharedVariants = std::shared_ptr<io::Variants>;

// What a row of a table says of a variant; the position is counted from 1.
py::tuple about_variant(const VariantWindows& windows, int64_t index) {
  const io::Variant variant = windows.variant(index);
  return py::make_tuple(text(windows.chromosome_name(index)), variant.position + 1,
                        text(variant.id), text(variant.reference), text(variant.alternative),
                        variant.num_alternatives);
}

py::dict variant_batch(const VariantWindows& windows, const py::object& items, uint64_t epoch) {
  const std::vector<int64_t> indices = to_numbers(items);
  const data::VariantBatch batch = [&] {
    const py::gil_scoped_release no_gil;
    return windows.batch(indices, epoch);
  }();
  // The reference window has the names of any batch, so that a model and a transform take it as
  // they are; the alternative one is beside it.
  py::dict out = to_python(batch.reference);
  // A window has no title.
  out.attr("pop")("rows");
  const auto put = [&](const char* name, const torch::Tensor& values) {
    if (values.defined()) out[name] = values;
  };
  // Of a variant the two windows share their place and labels, so only what letters became is there
  // twice.
  put("alternative_sequences", batch.alternative.sequences);
  put("alternative_input_ids", batch.alternative.input_ids);
  put("alternative_attention_mask", batch.alternative.attention_mask);
  put("alternative_lengths", batch.alternative.lengths);
  return out;
}

// The letters of the two windows.
py::tuple variant_letters(const VariantWindows& windows, int64_t index) {
  return py::make_tuple(py::bytes(windows.letters(index, false)),
                        py::bytes(windows.letters(index, true)));
}

void bind_haplotypes(py::module_& module) {
  py::class_<data::Haplotypes, SharedHaplotypes>(module, "Haplotypes")
      .def(py::init([](const Genome& genome, const io::Variants& variants,
                       const std::string& reference_mismatch, const std::string& chromosome_names,
                       const std::vector<std::string>& chromosomes) {
             const data::ReferenceOptions options{
                 .on_mismatch = data::parse_reference_mismatch(reference_mismatch),
                 .names = data::parse_chromosome_names(chromosome_names),
                 .chromosomes = chromosomes};
             return std::make_shared<data::Haplotypes>(genome.file, genome.path, variants, options);
           }),
           py::arg("genome"), py::arg("variants"), py::kw_only(),
           py::arg("reference_mismatch") = "error", py::arg("chromosome_names") = "exact",
           py::arg("chromosomes") = std::vector<std::string>{}, NoGil())
      .def_property_readonly("samples",
                             [](const data::Haplotypes& h) {
                               py::list names;  // of a file, whose bytes need not be UTF-8
                               for (const std::string& name : h.samples()) names.append(text(name));
                               return names;
                             })
      .def_property_readonly("notes", &data::Haplotypes::notes);
}

}  // namespace

void bind_variants(py::module_& module) {
  py::class_<io::Variants, SharedVariants>(module, "Variants")
      .def_static(
          "read",
          [](const std::string& path, bool passing,
             const std::optional<std::vector<std::string>>& samples) {
            // Shared: the windows look into the variants as long as they live.
            return std::make_shared<io::Variants>(io::Variants::read(path, {passing, samples}));
          },
          py::arg("path"), py::arg("passing") = false, py::arg("samples") = py::none(), NoGil())
      .def_static(
          "from_values",
          [](const std::string& name, const std::vector<std::string>& chromosomes,
             const std::vector<int64_t>& positions, const std::vector<std::string>& references,
             const std::vector<std::string>& alternatives, const std::vector<std::string>& ids) {
            return std::make_shared<io::Variants>(io::Variants::from_values(
                name, chromosomes, positions, references, alternatives, ids));
          },
          py::arg("name"), py::arg("chromosomes"), py::arg("positions"), py::arg("references"),
          py::arg("alternatives"), py::arg("ids"), NoGil())
      .def("__len__", &io::Variants::size);
  py::class_<VariantWindows>(module, "VariantWindows")
      .def(py::init([](const Genome& genome, const SharedVariants& variants, int64_t window,
                       const std::string& reference_mismatch, const std::string& chromosome_names,
                       const std::vector<std::string>& chromosomes,
                       const std::optional<data::ReadEncoding>& encoding) {
             data::VariantOptions options;
             options.window = window;
             options.on_mismatch = data::parse_reference_mismatch(reference_mismatch);
             options.names = data::parse_chromosome_names(chromosome_names);
             options.chromosomes = chromosomes;
             options.encoding = encoding.value_or(data::ReadEncoding{});
             return std::make_unique<VariantWindows>(genome.file, genome.path, variants,
                                                     std::move(options));
           }),
           py::arg("genome"), py::arg("variants"), py::kw_only(), py::arg("window"),
           py::arg("reference_mismatch") = "error", py::arg("chromosome_names") = "exact",
           py::arg("chromosomes") = std::vector<std::string>{}, py::arg("encoding") = py::none(),
           NoGil())
      .def("__len__", &VariantWindows::size)
      .def_property_readonly("notes", &VariantWindows::notes)
      .def_property_readonly("num_mismatches", &VariantWindows::num_mismatches)
      .def("about", &about_variant, py::arg("index"))
      .def("batch", &variant_batch, py::arg("indices"), py::arg("epoch") = 0)
      .def("letters", &variant_letters, py::arg("index"));
  bind_haplotypes(module);
}

}  // namespace deepbio::bindings
