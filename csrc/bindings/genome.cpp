// Genomes, intervals and windows of them.
#include "deepbio/data/genome.h"

#include "bindings/batches.h"
#include "bindings/genome.h"

#include "deepbio/base/error.h"
#include "deepbio/io/reads/genome_file.h"
#include "deepbio/io/tables/intervals.h"

namespace deepbio::bindings {
void bind_genome(py::module_& module);
void bind_windows(py::module_& module);
namespace {

using SharedHaplotypes = std::shared_ptr<data::Haplotypes>;
using SharedIntervals = std::shared_ptr<io::Intervals>;
using torch::Tensor;

// Windows, and what is known of how they were chosen.
struct Windows {
  std::unique_ptr<data::GenomeWindows> windows;
  int64_t num_negatives = 0;
  std::vector<std::string> notes;
};

// Bases [start, end) with their case. throws ArgumentError: an unknown name, outside.
py::bytes fetch(const Genome& genome, const std::string& name, int64_t start, int64_t end) {
  const int64_t found = genome.file->find(name);
  if (found < 0) throw ArgumentError(genome.path + ": no sequence named " + quoted(name));
  const int64_t length = genome.file->sequences()[static_cast<size_t>(found)].length_bp;
  if (start < 0 || end < start || end > length)
    throw ArgumentError("fetch: expected 0 <= start <= end <= " + std::to_string(length) +
                        ", got [" + std::to_string(start) + ", " + std::to_string(end) + ")");
  // Decoding writes capitals; the masked stretches are put into lower case afterwards, as they are
  // in the FASTA.
  static const io::BaseSymbols letters({'A', 'C', 'G', 'T', 'N'});
  // The file is mapped: bytes of one that was written to since would be decoded without a word.
  genome.file->check_unchanged();
  std::string out(static_cast<size_t>(end - start), 'N');
  genome.file->decode(found, start, end, false, letters, out.data());
  genome.file->for_each_masked(found, start, end, [&](int64_t from, int64_t to) {
    for (auto i = static_cast<size_t>(from); i < static_cast<size_t>(to); ++i) out[i] |= 0x20;
  });
  return out;
}

void bind_genome_file(py::module_& module) {
  py::class_<Genome>(module, "Genome")
      .def(py::init([](const std::string& path, const std::string& cache_dir) {
             return Genome{io::open_genome(path, cache_dir), path};
           }),
           py::arg("path"), py::arg("cache_dir") = "", NoGil())
      .def("lengths",
           [](const Genome& genome) {
             py::dict out;
             for (const auto& each : genome.file->sequences())
               out[text(each.name)] = each.length_bp;
             return out;
           })
      .def("fetch", &fetch, py::arg("name"), py::arg("start"), py::arg("end"));
}

void bind_intervals(py::module_& module) {
  py::class_<io::Intervals, SharedIntervals>(module, "Intervals")
      .def_static(
          "read",
          [](const std::string& path, const std::string& feature) {
            return std::make_shared<io::Intervals>(io::Intervals::read(path, {feature}));
          },
          py::arg("path"), py::arg("feature") = "", NoGil())
      .def_static(
          "from_values",
          [](const std::string& name, const std::vector<std::string>& chromosomes,
             std::vector<int64_t> starts, std::vector<int64_t> ends, const std::string& strands) {
            return std::make_shared<io::Intervals>(io::Intervals::from_values(
                name, chromosomes, std::move(starts), std::move(ends), strands));
          },
          py::arg("name"), py::arg("chromosomes"), py::arg("starts"), py::arg("ends"),
          py::arg("strands") = "", NoGil())
      .def("__len__", &io::Intervals::size)
      .def_property_readonly("format",
                             [](const io::Intervals& i) { return std::string(i.format()); })
      .def_property_readonly("columns", &io::Intervals::columns)
      .def("values", &io::Intervals::values, py::arg("column"), NoGil())
      .def("numbers", &io::Intervals::numbers, py::arg("column"), NoGil())
      .def("where", &io::Intervals::where, py::arg("row"));
}

data::TrackOptions track_options(int64_t width, int64_t bin, const std::string& binning,
                                 float missing) {
  return {.width = width, .bin = bin, .binning = data::parse_binning(binning), .missing = missing};
}

py::dict to_dict(const data::WindowBatch& batch) {
  py::dict out = to_python(batch.reads);
  // Windows have no titles, and Python knows where each came from.
  out.attr("pop")("rows");
  if (batch.targets.defined()) out["targets"] = batch.targets;
  out["starts"] = batch.starts;
  out["reversed"] = batch.reversed;
  out["chromosomes"] = batch.chromosomes;
  return out;
}

py::dict batch_of(const Windows& windows, const py::object& items, uint64_t epoch,
                  bool with_letters) {
  const std::vector<int64_t> indices = to_numbers(items);
  // Letters are left out where a transform in Python asks for them by itself.
  const data::WindowBatch batch = [&] {
    const py::gil_scoped_release no_gil;
    return with_letters ? windows.windows->batch(indices, epoch)
                        : windows.windows->batch_without_letters(indices, epoch);
  }();
  return to_dict(batch);
}

py::list window_letters(const Windows& windows, const py::object& items, uint64_t epoch) {
  const std::vector<std::string> letters = windows.windows->letters(to_numbers(items), epoch);
  py::list out;
  for (const std::string& each : letters) out.append(py::bytes(each));
  return out;
}

std::shared_ptr<Windows> make_windows(const Genome& genome, const SharedIntervals& intervals,
                                      const data::WindowRequest& request,
                                      data::GenomeOptions options,
                                      const std::vector<std::string>& tracks,
                                      bool tracks_in_memory) {
  // Tracks are opened after the windows are chosen: a bad interval is told before large files are
  // read.
  data::ChosenWindows chosen = data::choose_windows(*genome.file, genome.path, *intervals, request);
  std::vector<std::shared_ptr<const io::SignalTrack>> opened;
  for (const std::string& path : tracks) opened.push_back(io::open_track(path, tracks_in_memory));
  auto out = std::make_shared<Windows>();
  out->num_negatives = chosen.num_negatives;
  out->notes = std::move(chosen.notes);
  out->windows = std::make_unique<data::GenomeWindows>(
      genome.file, std::move(chosen.places), std::move(options), std::move(opened), request.names);
  return out;
}

// Values of the windows that were placed, for each of their copies.
Tensor of_copies(const Windows& windows, const Tensor& values) {
  return values.repeat_interleave(windows.windows->num_copies());
}

}  // namespace

void bind_windows(py::module_& module) {
  py::class_<Windows, std::shared_ptr<Windows>>(module, "GenomeWindows")
      .def(py::init(
               [](const Genome& genome, const SharedIntervals& intervals, int64_t window,
                  const std::string& placement, int64_t stride, bool strand,
                  const std::string& chromosome_names, const std::vector<std::string>& chromosomes,
                  const std::vector<SharedIntervals>& exclude, double negatives, int64_t jitter,
                  double reverse_complement, const std::string& soft_mask, uint64_t seed,
                  bool channels_first, const std::optional<data::ReadEncoding>& encoding,
                  const std::vector<std::string>& tracks, int64_t target_window, int64_t bin,
                  const std::string& binning, float missing, bool tracks_in_memory,
                  const SharedHaplotypes& haplotypes) {
                 data::WindowRequest request;
                 request.window = window;
                 request.placement = data::parse_placement(placement);
                 request.stride = stride;
                 request.has_strand = strand;
                 request.names = data::parse_chromosome_names(chromosome_names);
                 request.chromosomes = chromosomes;
                 request.exclude.assign(exclude.begin(), exclude.end());
                 request.negatives = negatives;
                 request.seed = seed;
                 data::GenomeOptions options;
                 options.window = window;
                 options.jitter = jitter;
                 options.reverse_complement = reverse_complement;
                 options.soft_mask = data::parse_soft_mask(soft_mask);
                 options.seed = seed;
                 options.channels_first = channels_first;
                 options.encoding = encoding;
                 options.tracks = track_options(target_window, bin, binning, missing);
                 options.haplotypes = haplotypes;
                 return make_windows(genome, intervals, request, std::move(options), tracks,
                                     tracks_in_memory);
               }),
           py::arg("genome"), py::arg("intervals"), py::kw_only(), py::arg("window"),
           py::arg("placement") = "center", py::arg("stride") = 0, py::arg("strand") = true,
           py::arg("chromosome_names") = "exact",
           py::arg("chromosomes") = std::vector<std::string>{},
           py::arg("exclude") = std::vector<SharedIntervals>{}, py::arg("negatives") = 0.0,
           py::arg("jitter") = 0, py::arg("reverse_complement") = 0.0,
           py::arg("soft_mask") = "ignore", py::arg("seed") = 0, py::arg("channels_first") = true,
           py::arg("encoding") = py::none(), py::arg("tracks") = std::vector<std::string>{},
           py::arg("target_window") = 0, py::arg("bin") = 1, py::arg("binning") = "mean",
           py::arg("missing") = 0.0F, py::arg("tracks_in_memory") = false,
           py::arg("haplotypes") = SharedHaplotypes{}, NoGil())
      .def("__len__", [](const Windows& w) { return w.windows->size(); })
      .def_property_readonly("num_copies", [](const Windows& w) { return w.windows->num_copies(); })
      .def_readonly("num_negatives", &Windows::num_negatives)
      .def_readonly("notes", &Windows::notes)
      .def_property_readonly(
          "intervals",
          [](const Windows& w) { return of_copies(w, long_tensor(w.windows->places().interval)); })
      .def(
          "gc_shares", [](const Windows& w) { return of_copies(w, w.windows->gc_shares()); },
          NoGil())
      .def("batch", &batch_of, py::arg("indices"), py::arg("epoch") = 0,
           py::arg("with_letters") = true)
      .def("letters", &window_letters, py::arg("indices"), py::arg("epoch") = 0);
}

void bind_genome(py::module_& module) {
  bind_genome_file(module);
  bind_intervals(module);
}

}  // namespace deepbio::bindings
