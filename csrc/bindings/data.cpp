// Encoders, datasets, loaders.
#include "bindings/bindings.h"

#include "deepbio/base/error.h"
#include "deepbio/data/loader.h"
#include "deepbio/data/read_encoder.h"
#include "deepbio/seq/encode.h"

namespace deepbio::bindings {
namespace {

using torch::Tensor;

void put(py::dict& out, const char* name, const Tensor& tensor) {
  if (tensor.defined()) out[name] = tensor;
}

py::dict to_python(const data::ReadBatch& batch) {
  py::dict out;
  put(out, "sequences", batch.sequences);
  put(out, "input_ids", batch.input_ids);
  put(out, "attention_mask", batch.attention_mask);
  put(out, "lengths", batch.lengths);
  put(out, "quality", batch.quality);
  put(out, "labels", batch.labels);
  out["ids"] = batch.ids;
  return out;
}

py::dict to_python(const data::SampleBatch& batch) {
  py::dict out;
  put(out, "asv_tokens", batch.asv_tokens);
  put(out, "asv_features", batch.asv_features);
  put(out, "asv_index", batch.asv_index);
  put(out, "mask", batch.mask);
  put(out, "counts", batch.counts);
  put(out, "distances", batch.distances);
  put(out, "targets", batch.targets);
  put(out, "sample_index", batch.sample_index);
  out["sample_ids"] = batch.sample_ids;
  return out;
}

template <class Dataset>
py::dict make_batch(const Dataset& dataset, const std::vector<int64_t>& indices, uint64_t epoch) {
  const auto batch = [&] {
    const py::gil_scoped_release no_gil;
    return dataset.batch(indices, epoch);
  }();
  return to_python(batch);
}

struct EncodeArguments {
  std::string sequence_type, unknown;
  int64_t pad_to, max_length;
  uint64_t seed, epoch = 0;
  seq::EncodeOptions options() const {
    seq::EncodeOptions out;
    out.sequence_type = seq::parse_sequence_type(sequence_type);
    out.unknown = seq::parse_unknown_letter(unknown);
    out.pad_to = pad_to;
    out.max_length = max_length;
    out.seed = seed;
    out.epoch = epoch;
    return out;
  }
};

using Values = std::pair<Tensor, Tensor>;  // values, lengths

template <class Encode>
Values encode_unlocked(const std::vector<py::bytes>& reads, Encode encode) {
  const auto sequences = views(reads);
  const py::gil_scoped_release no_gil;
  const seq::Encoded encoded = encode(sequences);
  return {encoded.values, encoded.lengths};
}

// record_indices: of the reads, for letters drawn at random; empty: 0, 1, ...
Values encode_one_hot(const std::vector<py::bytes>& reads, const std::string& type, const std::string& unknown,
                      int64_t pad_to, int64_t max_length, bool channels_first, uint64_t seed,
                      const std::vector<int64_t>& record_indices, uint64_t epoch) {
  seq::EncodeOptions options = EncodeArguments{type, unknown, pad_to, max_length, seed, epoch}.options();
  options.channels_first = channels_first;
  options.record_indices = record_indices;
  return encode_unlocked(reads, [&](const auto& sequences) { return seq::encode_one_hot(sequences, options); });
}

Values encode_integers(const std::vector<py::bytes>& reads, const std::string& type, const std::string& unknown,
                       int64_t pad_to, int64_t max_length, uint64_t seed, const std::vector<int64_t>& record_indices,
                       uint64_t epoch) {
  seq::EncodeOptions options = EncodeArguments{type, unknown, pad_to, max_length, seed, epoch}.options();
  options.record_indices = record_indices;
  return encode_unlocked(reads, [&](const auto& sequences) { return seq::encode_integers(sequences, options); });
}

Values encode_aam_tokens(const std::vector<py::bytes>& reads, int64_t max_bp) {
  return encode_unlocked(reads, [&](const auto& sequences) { return seq::encode_aam_tokens(sequences, max_bp); });
}

Tensor encode_quality(const std::vector<py::bytes>& qualities, int64_t length) {
  const auto bytes = views(qualities);
  const py::gil_scoped_release no_gil;
  return seq::encode_quality(bytes, length);
}

std::shared_ptr<data::ReadDataset> make_reads(const std::vector<std::string>& paths, const std::string& encoding,
                                              const EncodeArguments& encode, bool channels_first,
                                              const std::string& on_bad_record,
                                              std::shared_ptr<data::ReadEncoder> encoder) {
  data::ReadDatasetOptions options;
  options.encoder = std::move(encoder);
  options.encoding = data::parse_encoding(encoding);
  options.encode = encode.options();
  options.encode.channels_first = channels_first;
  options.fastx.on_bad_record = parse_on_bad_record(on_bad_record);
  return std::make_shared<data::ReadDataset>(paths, options);
}

py::tuple record_of(const data::ReadDataset& dataset, int64_t index) {
  if (index < 0 || index >= dataset.size()) {
    throw ArgumentError("record index: expected 0 to " + std::to_string(dataset.size() - 1) + ", got " +
                        std::to_string(index));
  }
  const io::RecordBatch& records = dataset.records();
  const py::bytes sequence(records.sequence(index).data(), records.sequence(index).size());
  const std::string_view bytes = records.quality(index);
  const bool has_quality = bytes.size() == records.sequence(index).size() && !records.qualities.empty();
  const py::object quality = has_quality ? py::object(py::bytes(bytes.data(), bytes.size())) : py::object(py::none());
  return py::make_tuple(std::string(records.name(index)), std::string(records.description(index)), sequence, quality);
}

// Description and file of each record.
std::vector<std::pair<std::string, int64_t>> titles_of(const data::ReadDataset& dataset,
                                                       const std::vector<int64_t>& indices) {
  std::vector<std::pair<std::string, int64_t>> out;
  out.reserve(indices.size());
  for (const int64_t index : indices) {
    const int64_t file = dataset.file_of(index);
    out.emplace_back(dataset.records().description(index), file);
  }
  return out;
}

struct SampleArguments {
  std::string missing_features;
  data::SampleDatasetOptions options;
};

std::shared_ptr<data::SampleDataset> make_samples(const Table& table, const std::vector<std::string>& sequences,
                                                  const Tree* tree, const std::optional<Tensor>& distances,
                                                  const std::optional<Tensor>& targets,
                                                  const SampleArguments& arguments) {
  auto dataset = std::make_shared<data::SampleDataset>(table.counts, sequences, arguments.options);
  if (tree != nullptr) {
    dataset->set_phylogeny(std::make_shared<const community::Phylogeny>(community::match_features(
        tree->tree, table.counts->feature_ids, parse_missing_features(arguments.missing_features), tree->path)));
  }
  if (distances) dataset->set_distances(*distances);
  if (targets) dataset->set_targets(*targets);
  return dataset;
}

// A loader and the dataset it reads from, alive together.
template <class Batch, class Dataset>
struct BoundLoader {
  std::shared_ptr<Dataset> dataset;
  data::Loader<Batch> loader;
};

template <class Batch, class Dataset>
void bind_loader(py::module_& module, const char* name) {
  using Bound = BoundLoader<Batch, Dataset>;
  py::class_<Bound>(module, name)
      .def(py::init([](std::shared_ptr<Dataset> dataset, std::vector<int64_t> items, int64_t batch_size, bool shuffle,
                       bool drop_last, uint64_t seed, int64_t num_threads, int64_t rank, int64_t world_size) {
             data::LoaderOptions options;
             options.batch_size = batch_size;
             options.shuffle = shuffle;
             options.drop_last = drop_last;
             options.seed = seed;
             options.num_threads = num_threads;
             options.rank = rank;
             options.world_size = world_size;
             auto make = [dataset](std::span<const int64_t> indices, uint64_t epoch) {
               return dataset->batch(indices, epoch);
             };
             return std::unique_ptr<Bound>(
                 new Bound{dataset, data::Loader<Batch>(std::move(items), std::move(make), options)});
           }),
           py::arg("dataset"), py::arg("items"), py::arg("batch_size"), py::arg("shuffle"), py::arg("drop_last"),
           py::arg("seed"), py::arg("num_threads"), py::arg("rank"), py::arg("world_size"))
      .def_property_readonly("num_batches", [](const Bound& b) { return b.loader.num_batches(); })
      .def_property_readonly("position", [](const Bound& b) { return b.loader.position(); })
      .def(
          "begin", [](Bound& b, uint64_t epoch, int64_t first) { b.loader.begin(epoch, first); }, py::arg("epoch"),
          py::arg("first_batch") = 0, NoGil())
      .def("next", [](Bound& b) -> py::object {
        const std::optional<Batch> batch = [&] {
          const py::gil_scoped_release no_gil;
          return b.loader.next();
        }();
        return batch ? py::object(to_python(*batch)) : py::object(py::none());
      });
}

void bind_encoders(py::module_& module) {
  module.def("encode_one_hot", &encode_one_hot, py::arg("reads"), py::arg("sequence_type"), py::arg("unknown"),
             py::arg("pad_to"), py::arg("max_length"), py::arg("channels_first"), py::arg("seed"),
             py::arg("record_indices") = std::vector<int64_t>{}, py::arg("epoch") = 0);
  module.def("encode_integers", &encode_integers, py::arg("reads"), py::arg("sequence_type"), py::arg("unknown"),
             py::arg("pad_to"), py::arg("max_length"), py::arg("seed"),
             py::arg("record_indices") = std::vector<int64_t>{}, py::arg("epoch") = 0);
  module.def("encode_aam_tokens", &encode_aam_tokens, py::arg("reads"), py::arg("max_bp"));
  module.def("encode_quality", &encode_quality, py::arg("qualities"), py::arg("length"));
  module.def(
      "reverse_complement",
      [](const std::string& sequence, const std::string& type) {
        return py::bytes(seq::reverse_complement(sequence, seq::parse_sequence_type(type)));
      },
      py::arg("sequence"), py::arg("sequence_type"));
}

void bind_reads(py::module_& module) {
  py::class_<data::ReadDataset, std::shared_ptr<data::ReadDataset>>(module, "ReadDataset")
      .def(py::init([](const std::vector<std::string>& paths, const std::string& encoding, const std::string& type,
                       const std::string& unknown, int64_t pad_to, int64_t max_length, bool channels_first,
                       uint64_t seed, const std::string& on_bad_record, std::shared_ptr<data::ReadEncoder> encoder) {
             const EncodeArguments encode{type, unknown, pad_to, max_length, seed};
             return make_reads(paths, encoding, encode, channels_first, on_bad_record, std::move(encoder));
           }),
           py::arg("paths"), py::arg("encoding") = "onehot", py::arg("sequence_type") = "dna",
           py::arg("unknown") = "zero", py::arg("pad_to") = 0, py::arg("max_length") = 0,
           py::arg("channels_first") = false, py::arg("seed") = 0, py::arg("on_bad_record") = "raise",
           py::arg("encoder") = nullptr, NoGil())
      .def("__len__", &data::ReadDataset::size)
      .def("record", &record_of, py::arg("index"))
      .def("file_of", &data::ReadDataset::file_of, py::arg("index"))
      .def("titles", &titles_of, py::arg("indices"), NoGil())
      .def("report", [](const data::ReadDataset& d) { return bindings::to_python(d.report()); })
      .def("batch", &make_batch<data::ReadDataset>, py::arg("indices"), py::arg("epoch") = 0);
}

void bind_samples(py::module_& module) {
  py::class_<data::SampleDataset, std::shared_ptr<data::SampleDataset>>(module, "SampleDataset")
      .def(py::init([](const Table& table, const std::vector<std::string>& sequences, const Tree* tree,
                       const std::optional<Tensor>& distances, const std::optional<Tensor>& targets,
                       const std::string& missing_features, int64_t max_bp, int64_t token_limit,
                       const std::string& asv_sampling, int64_t rarefy_depth, bool redraw_each_epoch, uint64_t seed,
                       const std::string& metric) {
             SampleArguments arguments;
             arguments.missing_features = missing_features;
             arguments.options.max_bp = max_bp;
             arguments.options.token_limit = token_limit;
             arguments.options.asv_sampling = data::parse_asv_sampling(asv_sampling);
             arguments.options.rarefy_depth_reads = rarefy_depth;
             arguments.options.redraw_each_epoch = redraw_each_epoch;
             arguments.options.seed = seed;
             arguments.options.metric = community::parse_metric(metric);
             return make_samples(table, sequences, tree, distances, targets, arguments);
           }),
           py::arg("table"), py::arg("sequences"), py::kw_only(), py::arg("tree") = nullptr,
           py::arg("distances") = py::none(), py::arg("targets") = py::none(), py::arg("missing_features") = "error",
           py::arg("max_bp") = 150, py::arg("token_limit") = 1024, py::arg("asv_sampling") = "abundance",
           py::arg("rarefy_depth") = 0, py::arg("redraw_each_epoch") = true, py::arg("seed") = 0,
           py::arg("metric") = "unweighted", NoGil())
      .def_property_readonly("sample_ids", [](const data::SampleDataset& d) { return d.table().sample_ids; })
      .def("__len__", &data::SampleDataset::size)
      .def("batch", &make_batch<data::SampleDataset>, py::arg("indices"), py::arg("epoch") = 0);
}

}  // namespace

std::vector<std::string_view> views(const std::vector<py::bytes>& items) {
  std::vector<std::string_view> out;
  out.reserve(items.size());
  for (const auto& item : items) out.push_back(static_cast<std::string_view>(item));
  return out;
}

void bind_data(py::module_& module) {
  bind_encoders(module);
  bind_reads(module);
  bind_samples(module);
  bind_loader<data::ReadBatch, data::ReadDataset>(module, "ReadLoader");
  bind_loader<data::SampleBatch, data::SampleDataset>(module, "SampleLoader");
  module.def("feature_sequences", &data::feature_sequences, py::arg("feature_ids"), py::arg("fasta_path") = "",
             NoGil());
  module.def(
      "epoch_batches",
      [](int64_t num_items, int64_t batch_size, bool shuffle, bool drop_last, uint64_t seed, uint64_t epoch,
         int64_t rank, int64_t world_size) {
        data::LoaderOptions options;
        options.batch_size = batch_size;
        options.shuffle = shuffle;
        options.drop_last = drop_last;
        options.seed = seed;
        options.rank = rank;
        options.world_size = world_size;
        return data::epoch_batches(data::epoch_order(num_items, false, 0, 0), options, epoch);
      },
      py::arg("num_items"), py::arg("batch_size"), py::arg("shuffle"), py::arg("drop_last"), py::arg("seed"),
      py::arg("epoch"), py::arg("rank"), py::arg("world_size"), NoGil());
}

}  // namespace deepbio::bindings
