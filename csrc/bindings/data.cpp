// Datasets and loaders.
#include "bindings/batches.h"

#include "deepbio/base/error.h"
#include "deepbio/data/feature_sequences.h"
#include "deepbio/data/loader.h"
#include "deepbio/data/read_stream.h"
#include "deepbio/data/summary.h"
#include "deepbio/data/targets.h"

namespace deepbio::bindings {
namespace {

using data::ReadRows;
using torch::Tensor;

// Indices are taken from Python objects with the GIL and the batch is made without it, so that
// loaders in threads of Python run side by side.
template <class Dataset>
py::dict make_batch(const Dataset& dataset, const py::object& items, uint64_t epoch) {
  const std::vector<int64_t> indices = to_numbers(items);
  const auto batch = [&] {
    const py::gil_scoped_release no_gil;
    return dataset.batch(indices, epoch);
  }();
  return to_python(batch);
}

std::shared_ptr<data::ReadDataset> make_reads(const std::vector<std::string>& paths,
                                              const data::ReadEncoding& encoding,
                                              const std::string& on_bad_record,
                                              const std::vector<std::string>& mates,
                                              bool is_interleaved, bool is_indexed,
                                              int quality_offset, bool check_mates) {
  data::ReadDatasetOptions options;
  // The options of a dataset are an encoding and more; Python hands the encoding over as one
  // object.
  static_cast<data::ReadEncoding&>(options) = encoding;
  options.fastx.on_bad_record = parse_on_bad_record(on_bad_record);
  options.mates = {mates, is_interleaved};
  options.is_indexed = is_indexed;
  options.fastx.quality_offset = quality_offset;
  options.fastx.check_mates = check_mates;
  return std::make_shared<data::ReadDataset>(paths, options);
}

// A record by itself, encoded: name, description, number of its file, values, letters, qualities.
// A batch of one: an item and a row of a batch are the same numbers because they are made by the
// same code.
py::tuple make_item(const data::ReadDataset& dataset, int64_t index, uint64_t epoch) {
  const data::ReadBatch batch = [&] {
    const py::gil_scoped_release no_gil;
    return dataset.batch({&index, 1}, epoch);
  }();
  const int64_t row = batch.rows[0];
  return py::make_tuple(text(batch.records->name(row)), text(batch.records->description(row)),
                        dataset.file_of(index), only_row(batch.sequences),
                        *batch.lengths.const_data_ptr<int64_t>(), only_row(batch.quality));
}

py::list tuples_of(const ReadRows& rows) {
  py::list out(rows.rows.size());
  for (size_t i = 0; i < rows.rows.size(); ++i) out[i] = record_tuple(*rows.records, rows.rows[i]);
  return out;
}

py::list records_of(const data::ReadDataset& dataset, const std::vector<int64_t>& indices,
                    bool is_mate) {
  return tuples_of([&] {
    const py::gil_scoped_release no_gil;
    return dataset.rows(indices, is_mate);
  }());
}

// The file of each record.
std::vector<int64_t> files_of(const data::ReadDataset& dataset,
                              const std::vector<int64_t>& indices) {
  std::vector<int64_t> out;
  out.reserve(indices.size());
  for (const int64_t index : indices) out.push_back(dataset.file_of(index));
  return out;
}

py::dict numbers_of(const data::ReadDataset& dataset, const std::string& type, bool is_mate) {
  const data::ReadNumbers numbers = [&] {
    const py::gil_scoped_release no_gil;
    return data::read_numbers(dataset, seq::parse_sequence_type(type), is_mate);
  }();
  py::dict out;
  out["lengths"] = numbers.lengths;
  out["gc"] = numbers.gc;
  out["mean_quality"] = numbers.mean_quality;
  out["num_unknown"] = numbers.num_unknown;
  out["num_bytes"] = numbers.num_bytes;
  return out;
}

struct SampleArguments {
  std::string missing_features;
  data::SampleDatasetOptions options;
  std::optional<data::DistanceOrigin> distance_origin;
};

// Tree and distances are set after the table, because either is optional and a tree must first be
// matched with the features.
std::shared_ptr<data::SampleDataset> make_samples(const Table& table,
                                                  const std::vector<std::string>& sequences,
                                                  const Tree* tree,
                                                  const std::optional<Tensor>& distances,
                                                  const std::optional<Tensor>& targets,
                                                  const SampleArguments& arguments) {
  auto dataset = std::make_shared<data::SampleDataset>(table.counts, sequences, arguments.options);
  if (tree != nullptr) {
    dataset->set_phylogeny(std::make_shared<const community::Phylogeny>(
        community::match_features(tree->tree, table.counts->feature_ids,
                                  parse_missing_features(arguments.missing_features), tree->path)));
  }
  if (distances) dataset->set_distances(*distances, arguments.distance_origin);
  if (targets) dataset->set_targets(*targets);
  return dataset;
}

// What fixes the order of an epoch.
// All arguments are named by the Python loader; this struct is where the same names meet the C++
// defaults.
data::LoaderOptions order_options(int64_t batch_size, bool shuffle, bool drop_last, uint64_t seed,
                                  int64_t rank, int64_t world_size) {
  return {.batch_size = batch_size,
          .shuffle = shuffle,
          .drop_last = drop_last,
          .seed = seed,
          .rank = rank,
          .world_size = world_size};
}

// A loader and the dataset it reads from, alive together.
template <class Batch, class Dataset>
struct BoundLoader {
  std::shared_ptr<Dataset> dataset;
  data::Loader<Batch> loader;
};

// One template for reads and samples: the order of an epoch, resuming and threads are the loader's,
// whatever it loads.
template <class Batch, class Dataset>
void bind_loader(py::module_& module, const char* name) {
  using Bound = BoundLoader<Batch, Dataset>;
  py::class_<Bound>(module, name)
      .def(py::init([](std::shared_ptr<Dataset> dataset, int64_t num_items, int64_t batch_size,
                       bool shuffle, bool drop_last, uint64_t seed, int64_t num_threads,
                       int64_t rank, int64_t world_size, bool pin_memory, int64_t prefetch) {
             data::LoaderOptions options =
                 order_options(batch_size, shuffle, drop_last, seed, rank, world_size);
             options.num_threads = num_threads;
             options.prefetch = prefetch;
             options.pin_memory = pin_memory;
             // A copy of the pointer, held by the loader's own threads: a dataset that Python lets
             // go of lives until they have stopped.
             auto make = [dataset](std::span<const int64_t> indices, uint64_t epoch) {
               return dataset->batch(indices, epoch);
             };
             return std::unique_ptr<Bound>(
                 new Bound{dataset, data::Loader<Batch>(num_items, std::move(make), options)});
           }),
           py::arg("dataset"), py::arg("num_items"), py::arg("batch_size"), py::arg("shuffle"),
           py::arg("drop_last"), py::arg("seed"), py::arg("num_threads"), py::arg("rank"),
           py::arg("world_size"), py::arg("pin_memory") = false, py::arg("prefetch") = 2)
      .def_property_readonly("num_batches", [](const Bound& b) { return b.loader.num_batches(); })
      .def_property_readonly("position", [](const Bound& b) { return b.loader.position(); })
      .def(
          "begin", [](Bound& b, uint64_t epoch, int64_t first) { b.loader.begin(epoch, first); },
          py::arg("epoch"), py::arg("first_batch") = 0, NoGil())
      .def(
          "begin_with",
          [](Bound& b, uint64_t epoch, int64_t first, std::vector<std::vector<int64_t>> batches) {
            b.loader.begin(epoch, first, std::move(batches));
          },
          py::arg("epoch"), py::arg("first_batch"), py::arg("batches"), NoGil())
      // The wait for the next batch is without the GIL, its dict is made with it.
      .def("next", [](Bound& b) -> py::object {
        const std::optional<Batch> batch = [&] {
          const py::gil_scoped_release no_gil;
          return b.loader.next();
        }();
        return batch ? py::object(to_python(*batch)) : py::object(py::none());
      });
}

py::list titles_of(const ReadRows& rows, std::string_view (io::RecordBatch::*part)(int64_t) const) {
  py::list out(rows.rows.size());
  for (size_t i = 0; i < rows.rows.size(); ++i)
    out[i] = text(((*rows.records).*part)(rows.rows[i]));
  return out;
}

void bind_reads(py::module_& module) {
  py::class_<ReadRows>(module, "RecordRows")
      .def("__len__", [](const ReadRows& r) { return r.rows.size(); })
      .def(
          "name",
          [](const ReadRows& r, size_t row) { return text(r.records->name(r.rows.at(row))); },
          py::arg("row"))
      .def(
          "description",
          [](const ReadRows& r, size_t row) {
            return text(r.records->description(r.rows.at(row)));
          },
          py::arg("row"))
      .def("names", [](const ReadRows& r) { return titles_of(r, &io::RecordBatch::name); })
      .def("descriptions",
           [](const ReadRows& r) { return titles_of(r, &io::RecordBatch::description); })
      .def("records", &tuples_of);
  py::class_<data::ReadDataset, std::shared_ptr<data::ReadDataset>>(module, "ReadDataset")
      .def(py::init(&make_reads), py::arg("paths"), py::arg("encoding") = data::ReadEncoding{},
           py::arg("on_bad_record") = "raise", py::arg("mates") = std::vector<std::string>{},
           py::arg("is_interleaved") = false, py::arg("is_indexed") = false,
           py::arg("quality_offset") = 33, py::arg("check_mates") = true, NoGil())
      .def("__len__", &data::ReadDataset::size)
      .def_property_readonly("num_filtered", &data::ReadDataset::num_filtered)
      .def(
          "record",
          [](const data::ReadDataset& dataset, int64_t index, bool is_mate) {
            return records_of(dataset, {index}, is_mate)[0].cast<py::tuple>();
          },
          py::arg("index"), py::arg("is_mate") = false)
      .def("records", &records_of, py::arg("indices"), py::arg("is_mate") = false)
      .def("file_of", &data::ReadDataset::file_of, py::arg("index"))
      .def("files_of", &files_of, py::arg("indices"), NoGil())
      .def("numbers", &numbers_of, py::arg("sequence_type"), py::arg("is_mate") = false)
      .def("report", [](const data::ReadDataset& d) { return bindings::to_python(d.report()); })
      .def("item", &make_item, py::arg("index"), py::arg("epoch"))
      .def("batch", &make_batch<data::ReadDataset>, py::arg("indices"), py::arg("epoch") = 0);
}

py::object next_of(data::StreamLoader& loader) {
  const auto given = [&] {
    const py::gil_scoped_release no_gil;
    return loader.next();
  }();
  if (!given) return py::none();
  py::dict out = to_python(given->first);
  out["files"] =
      long_tensor(given->second.files);  // a list of as many Python numbers would cost more
  return out;
}

// Raw records, for transforms in Python.
py::object take_of(data::ReadStream& stream, int64_t num_records) {
  const data::StreamRecords taken = [&] {
    const py::gil_scoped_release no_gil;
    return stream.take(num_records);
  }();
  if (taken.numbers.empty()) return py::none();
  std::vector<int64_t> rows(taken.numbers.size());
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int64_t>(i);
  py::dict out;
  out["index"] = taken.numbers;
  out["files"] = taken.files;
  out["rows"] = ReadRows{taken.pairs.records, rows};
  if (taken.pairs.mates) out["mate_rows"] = ReadRows{taken.pairs.mates, rows};
  return out;
}

// A stream reads its files in order and hands records out in batches (StreamLoader) or raw (take),
// never both: each record is given once.
void bind_streams(py::module_& module) {
  py::class_<data::ReadStream, std::shared_ptr<data::ReadStream>>(module, "ReadStream")
      .def(py::init([](const std::vector<std::string>& paths, const data::ReadEncoding& encoding,
                       const std::string& on_bad_record, int64_t shuffle_buffer, uint64_t seed,
                       int64_t part, int64_t num_parts, bool drop_uneven, bool with_quality,
                       const std::vector<std::string>& mates, bool is_interleaved,
                       int64_t block_records, int quality_offset, bool check_mates) {
             data::ReadStreamOptions options;
             static_cast<data::ReadEncoding&>(options) = encoding;
             options.fastx.fields.qualities = with_quality;
             options.fastx.on_bad_record = parse_on_bad_record(on_bad_record);
             options.shuffle_buffer = shuffle_buffer;
             options.seed = seed;
             options.part = part;
             options.num_parts = num_parts;
             options.drop_uneven = drop_uneven;
             options.mates = {mates, is_interleaved};
             options.block_records = block_records;
             options.fastx.quality_offset = quality_offset;
             options.fastx.check_mates = check_mates;
             return std::make_shared<data::ReadStream>(paths, options);
           }),
           py::arg("paths"), py::arg("encoding"), py::arg("on_bad_record"),
           py::arg("shuffle_buffer"), py::arg("seed"), py::arg("part"), py::arg("num_parts"),
           py::arg("drop_uneven"), py::arg("with_quality") = true,
           py::arg("mates") = std::vector<std::string>{}, py::arg("is_interleaved") = false,
           py::arg("block_records") = 0, py::arg("quality_offset") = 33,
           py::arg("check_mates") = true)
      .def("begin", &data::ReadStream::begin, py::arg("epoch"), py::arg("given") = 0,
           py::arg("draws") = py::none(), NoGil())
      .def("take", &take_of, py::arg("num_records"))
      .def_property_readonly("given", &data::ReadStream::given)
      .def("report", [](const data::ReadStream& s) { return bindings::to_python(s.report()); });
  py::class_<data::StreamLoader>(module, "StreamLoader")
      .def(py::init<std::shared_ptr<data::ReadStream>, int64_t, bool, int64_t, bool>(),
           py::arg("stream"), py::arg("batch_size"), py::arg("drop_last"), py::arg("num_threads"),
           py::arg("pin_memory") = false)
      .def("begin", &data::StreamLoader::begin, py::arg("epoch"), py::arg("first_batch") = 0,
           py::arg("draws") = py::none(), NoGil())
      .def("next", &next_of);
}

void bind_samples(py::module_& module) {
  py::class_<data::SampleDataset, std::shared_ptr<data::SampleDataset>>(module, "SampleDataset")
      .def(py::init([](const Table& table, const std::vector<std::string>& sequences,
                       const Tree* tree, const std::optional<Tensor>& distances,
                       const std::optional<Tensor>& targets, const std::string& missing_features,
                       int64_t max_bp, int64_t token_limit, const std::string& asv_sampling,
                       int64_t rarefy_depth, bool redraw_each_epoch, double least_thinning,
                       uint64_t seed, const std::string& metric,
                       const std::optional<std::pair<std::string, double>>& distance_origin) {
             SampleArguments arguments;
             arguments.missing_features = missing_features;
             arguments.options.max_bp = max_bp;
             arguments.options.token_limit = token_limit;
             arguments.options.asv_sampling = data::parse_asv_sampling(asv_sampling);
             arguments.options.rarefy_depth_reads = rarefy_depth;
             arguments.options.redraw_each_epoch = redraw_each_epoch;
             arguments.options.least_thinning = least_thinning;
             arguments.options.seed = seed;
             arguments.options.metric = community::parse_metric(metric);
             if (distance_origin)
               arguments.distance_origin = {distance_origin->first, distance_origin->second};
             return make_samples(table, sequences, tree, distances, targets, arguments);
           }),
           py::arg("table"), py::arg("sequences"), py::kw_only(), py::arg("tree") = nullptr,
           py::arg("distances") = py::none(), py::arg("targets") = py::none(),
           py::arg("missing_features") = "error", py::arg("max_bp") = 150,
           py::arg("token_limit") = 1024, py::arg("asv_sampling") = "abundance",
           py::arg("rarefy_depth") = 0, py::arg("redraw_each_epoch") = true,
           py::arg("least_thinning") = 1.0, py::arg("seed") = 0, py::arg("metric") = "unweighted",
           py::arg("distance_origin") = py::none(), NoGil())
      .def_property_readonly("sample_ids",
                             [](const data::SampleDataset& d) { return d.table().sample_ids; })
      .def("set_categories", &data::SampleDataset::set_categories, py::arg("categories"))
      .def("__len__", &data::SampleDataset::size)
      .def("batch", &make_batch<data::SampleDataset>, py::arg("indices"), py::arg("epoch") = 0);
}

}  // namespace

void bind_data(py::module_& module) {
  bind_encoding(module);
  bind_reads(module);
  bind_streams(module);
  bind_samples(module);
  bind_loader<data::ReadBatch, data::ReadDataset>(module, "ReadLoader");
  bind_loader<data::SampleBatch, data::SampleDataset>(module, "SampleLoader");
  module.def(
      "feature_sequences",
      [](const std::vector<std::string>& ids, const std::string& fasta_path,
         const std::string& missing) {
        return data::feature_sequences(ids, fasta_path, data::parse_missing_sequences(missing));
      },
      py::arg("feature_ids"), py::arg("fasta_path") = "", py::arg("missing") = "error", NoGil());
  module.def(
      "length_batches",
      [](const Tensor& lengths, std::vector<int64_t> boundaries, int64_t max_tokens,
         int64_t batch_size, bool shuffle, bool drop_last, uint64_t seed, uint64_t epoch,
         int64_t rank, int64_t world_size) {
        // The plan looks into the tensor, which lives to the end of this call.
        const Tensor all = lengths.to(at::kLong).contiguous();
        data::LengthPlan plan;
        plan.lengths = {all.const_data_ptr<int64_t>(), static_cast<size_t>(all.numel())};
        plan.boundaries = std::move(boundaries);
        plan.max_tokens = max_tokens;
        const auto options = order_options(batch_size, shuffle, drop_last, seed, rank, world_size);
        return data::length_batches(plan, options, epoch);
      },
      py::arg("lengths"), py::arg("boundaries"), py::arg("max_tokens"), py::arg("batch_size"),
      py::arg("shuffle"), py::arg("drop_last"), py::arg("seed"), py::arg("epoch"), py::arg("rank"),
      py::arg("world_size"), NoGil());
  // The order of an epoch by itself, for samplers of torch's own DataLoader.
  py::class_<data::EpochBatches>(module, "EpochBatches")
      .def(py::init([](int64_t num_items, int64_t batch_size, bool shuffle, bool drop_last,
                       uint64_t seed, uint64_t epoch, int64_t rank, int64_t world_size) {
             const auto options =
                 order_options(batch_size, shuffle, drop_last, seed, rank, world_size);
             return data::EpochBatches(num_items, options, epoch);
           }),
           py::arg("num_items"), py::arg("batch_size"), py::arg("shuffle"), py::arg("drop_last"),
           py::arg("seed"), py::arg("epoch"), py::arg("rank") = 0, py::arg("world_size") = 1)
      .def("__len__", &data::EpochBatches::size)
      .def("at", &data::EpochBatches::at, py::arg("number"));
}

}  // namespace deepbio::bindings
