// Encoders, datasets, loaders.
#include "bindings/bindings.h"

#include "deepbio/base/error.h"
#include "deepbio/data/loader.h"
#include "deepbio/data/read_encoder.h"
#include "deepbio/data/read_stream.h"
#include "deepbio/data/summary.h"
#include "deepbio/seq/augment.h"
#include "deepbio/seq/encode.h"
#include "deepbio/seq/filter.h"
#include "deepbio/seq/trim.h"

namespace deepbio::bindings {
namespace {

using torch::Tensor;

void put(py::dict& out, const char* name, const Tensor& tensor) {
  if (tensor.defined()) out[name] = tensor;
}

// Records of a batch that Python may ask for later: titles, and raw bytes for transforms in Python.
struct RecordRows {
  std::shared_ptr<const io::RecordBatch> records;
  std::vector<int64_t> rows;
};

py::tuple record_tuple(const io::RecordBatch& records, int64_t row) {
  const std::string_view sequence = records.sequence(row), bytes = records.quality(row);
  const py::object quality =
      data::has_quality(records, row) ? py::object(py::bytes(bytes.data(), bytes.size())) : py::object(py::none());
  return py::make_tuple(std::string(records.name(row)), std::string(records.description(row)),
                        py::bytes(sequence.data(), sequence.size()), quality);
}

py::dict to_python(const data::ReadBatch& batch) {
  py::dict out;
  put(out, "sequences", batch.sequences);
  put(out, "input_ids", batch.input_ids);
  put(out, "attention_mask", batch.attention_mask);
  put(out, "lengths", batch.lengths);
  put(out, "quality", batch.quality);
  put(out, "mate_sequences", batch.mate_sequences);
  put(out, "mate_input_ids", batch.mate_input_ids);
  put(out, "mate_attention_mask", batch.mate_attention_mask);
  put(out, "mate_lengths", batch.mate_lengths);
  put(out, "mate_quality", batch.mate_quality);
  put(out, "labels", batch.labels);
  out["index"] = at::tensor(batch.index, at::TensorOptions().dtype(at::kLong));
  out["rows"] = RecordRows{batch.records, batch.rows};
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
  if (!batch.categorical_ids.empty()) out["categorical_ids"] = batch.categorical_ids;
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

at::ScalarType parse_dtype(const std::string& name) {
  if (name == "int64") return at::kLong;
  if (name == "float32") return at::kFloat;
  if (name == "uint8") return at::kByte;
  throw ArgumentError("dtype: expected int64, float32 or uint8, got " + quoted(name));
}

struct EncodeArguments {
  std::string sequence_type, unknown;
  int64_t pad_to, max_length;
  uint64_t seed, epoch = 0;
  std::string dtype = "int64";
  seq::EncodeOptions options() const {
    seq::EncodeOptions out;
    out.sequence_type = seq::parse_sequence_type(sequence_type);
    out.unknown = seq::parse_unknown_letter(unknown);
    out.pad_to = pad_to;
    out.max_length = max_length;
    out.seed = seed;
    out.epoch = epoch;
    out.dtype = parse_dtype(dtype);
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

// record_indices: of the reads, for letters drawn at random; empty: 0, 1, ... qualities: for a last column, or empty.
Values encode_one_hot(const std::vector<py::bytes>& reads, const std::string& type, const std::string& unknown,
                      int64_t pad_to, int64_t max_length, bool channels_first, uint64_t seed,
                      const std::vector<int64_t>& record_indices, uint64_t epoch,
                      const std::vector<py::bytes>& qualities) {
  seq::EncodeOptions options = EncodeArguments{type, unknown, pad_to, max_length, seed, epoch}.options();
  options.channels_first = channels_first;
  options.record_indices = record_indices;
  const auto channel = views(qualities);
  for (size_t i = 0; i < channel.size(); ++i) {
    const auto size = static_cast<std::string_view>(reads.at(i)).size();
    if (channel[i].size() == size) continue;
    throw ArgumentError("quality channel: expected " + std::to_string(size) + " qualities, got " +
                        std::to_string(channel[i].size()));
  }
  options.quality_channel = channel;
  return encode_unlocked(reads, [&](const auto& sequences) { return seq::encode_one_hot(sequences, options); });
}

Values encode_integers(const std::vector<py::bytes>& reads, const std::string& type, const std::string& unknown,
                       int64_t pad_to, int64_t max_length, uint64_t seed, const std::string& dtype,
                       const std::vector<int64_t>& record_indices, uint64_t epoch) {
  seq::EncodeOptions options = EncodeArguments{type, unknown, pad_to, max_length, seed, epoch, dtype}.options();
  options.record_indices = record_indices;
  return encode_unlocked(reads, [&](const auto& sequences) { return seq::encode_integers(sequences, options); });
}

Values encode_aam_tokens(const std::vector<py::bytes>& reads, int64_t max_bp) {
  return encode_unlocked(reads, [&](const auto& sequences) { return seq::encode_aam_tokens(sequences, max_bp); });
}

Tensor encode_quality(const std::vector<py::bytes>& qualities, int64_t length, const std::string& form) {
  const auto bytes = views(qualities);
  const py::gil_scoped_release no_gil;
  return seq::encode_quality(bytes, length, seq::parse_quality_form(form));
}

using SharedTransform = std::shared_ptr<seq::Transform>;

data::ReadEncoding make_encoding(const std::string& encoding, const EncodeArguments& encode, bool channels_first,
                                 const std::string& quality, const std::vector<SharedTransform>& transforms,
                                 std::shared_ptr<data::ReadEncoder> encoder) {
  data::ReadEncoding out;
  out.encoder = std::move(encoder);
  out.encoding = data::parse_encoding(encoding);
  out.encode = encode.options();
  out.encode.channels_first = channels_first;
  out.quality = seq::parse_quality_form(quality);
  out.transforms.assign(transforms.begin(), transforms.end());
  return out;
}

std::shared_ptr<data::ReadDataset> make_reads(const std::vector<std::string>& paths, const data::ReadEncoding& encoding,
                                              const std::string& on_bad_record, const std::vector<std::string>& mates,
                                              bool is_interleaved) {
  data::ReadDatasetOptions options;
  static_cast<data::ReadEncoding&>(options) = encoding;
  options.fastx.on_bad_record = parse_on_bad_record(on_bad_record);
  options.mates = mates;
  options.is_interleaved = is_interleaved;
  return std::make_shared<data::ReadDataset>(paths, options);
}

py::tuple record_of(const data::ReadDataset& dataset, int64_t index, bool is_mate) {
  dataset.file_of(index);  // refuses an index out of range
  if (is_mate && !dataset.mates()) throw ArgumentError("record: this dataset has no mates");
  return record_tuple(is_mate ? *dataset.mates() : dataset.records(), index);
}

// The file of each record.
std::vector<int64_t> files_of(const data::ReadDataset& dataset, const std::vector<int64_t>& indices) {
  std::vector<int64_t> out;
  out.reserve(indices.size());
  for (const int64_t index : indices) out.push_back(dataset.file_of(index));
  return out;
}

py::dict numbers_of(const data::ReadDataset& dataset, const std::string& type, bool is_mate) {
  const data::ReadNumbers numbers = [&] {
    const py::gil_scoped_release no_gil;
    return data::read_numbers(is_mate && dataset.mates() ? *dataset.mates() : dataset.records(),
                              seq::parse_sequence_type(type));
  }();
  py::dict out;
  out["lengths"] = numbers.lengths;
  out["gc"] = numbers.gc;
  out["mean_quality"] = numbers.mean_quality;
  out["num_unknown"] = numbers.num_unknown;
  out["num_bytes"] = numbers.num_bytes;
  return out;
}

// Reads as (sequence, quality or None) behind a transform; None for a read that it refuses.
py::list apply_transform(const seq::Transform& transform, const std::vector<py::bytes>& sequences,
                         const std::vector<std::optional<py::bytes>>& qualities, const std::vector<int64_t>& records,
                         uint64_t epoch) {
  if (qualities.size() != sequences.size() || records.size() != sequences.size()) {
    throw ArgumentError("apply: expected a quality and a record for each of " + std::to_string(sequences.size()) +
                        " sequences, got " + std::to_string(qualities.size()) + " and " +
                        std::to_string(records.size()));
  }
  py::list out;
  seq::Read read;
  for (size_t i = 0; i < sequences.size(); ++i) {
    const std::string_view quality = qualities[i] ? static_cast<std::string_view>(*qualities[i]) : std::string_view();
    read.assign(static_cast<std::string_view>(sequences[i]), quality, qualities[i].has_value(), records[i], epoch);
    if (!transform.apply(read)) {
      out.append(py::none());
      continue;
    }
    const std::string_view letters = read.sequence(), scores = read.quality();
    const py::object kept = read.has_quality() ? py::object(py::bytes(scores.data(), scores.size())) : py::none();
    out.append(py::make_tuple(py::bytes(letters.data(), letters.size()), kept));
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
      .def(py::init([](std::shared_ptr<Dataset> dataset, int64_t num_items, int64_t batch_size, bool shuffle,
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
             return std::unique_ptr<Bound>(new Bound{
                 dataset, data::Loader<Batch>(data::epoch_order(num_items, false, 0, 0), std::move(make), options)});
           }),
           py::arg("dataset"), py::arg("num_items"), py::arg("batch_size"), py::arg("shuffle"), py::arg("drop_last"),
           py::arg("seed"), py::arg("num_threads"), py::arg("rank"), py::arg("world_size"))
      .def_property_readonly("num_batches", [](const Bound& b) { return b.loader.num_batches(); })
      .def_property_readonly("position", [](const Bound& b) { return b.loader.position(); })
      .def(
          "begin", [](Bound& b, uint64_t epoch, int64_t first) { b.loader.begin(epoch, first); }, py::arg("epoch"),
          py::arg("first_batch") = 0, NoGil())
      .def(
          "begin_with",
          [](Bound& b, uint64_t epoch, int64_t first, std::vector<std::vector<int64_t>> batches) {
            b.loader.begin(epoch, first, std::move(batches));
          },
          py::arg("epoch"), py::arg("first_batch"), py::arg("batches"), NoGil())
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
             py::arg("record_indices") = std::vector<int64_t>{}, py::arg("epoch") = 0,
             py::arg("qualities") = std::vector<py::bytes>{});
  module.def("encode_integers", &encode_integers, py::arg("reads"), py::arg("sequence_type"), py::arg("unknown"),
             py::arg("pad_to"), py::arg("max_length"), py::arg("seed"), py::arg("dtype") = "int64",
             py::arg("record_indices") = std::vector<int64_t>{}, py::arg("epoch") = 0);
  module.def("encode_aam_tokens", &encode_aam_tokens, py::arg("reads"), py::arg("max_bp"));
  module.def("encode_quality", &encode_quality, py::arg("qualities"), py::arg("length"), py::arg("form") = "phred");
  module.def(
      "reverse_complement",
      [](const std::string& sequence, const std::string& type) {
        return py::bytes(seq::reverse_complement(sequence, seq::parse_sequence_type(type)));
      },
      py::arg("sequence"), py::arg("sequence_type"));
}

template <class Class, class... Arguments>
void bind_transform(py::module_& module, const char* name) {
  py::class_<Class, seq::Transform, std::shared_ptr<Class>>(module, name).def(py::init<Arguments...>());
}

void bind_transforms(py::module_& module) {
  py::class_<seq::Transform, SharedTransform>(module, "Transform")
      .def("apply", &apply_transform, py::arg("sequences"), py::arg("qualities"), py::arg("records"), py::arg("epoch"))
      .def_property_readonly("is_random", &seq::Transform::is_random)
      .def_property_readonly("is_filter", &seq::Transform::is_filter);
  py::class_<seq::ReverseComplement, seq::Transform, std::shared_ptr<seq::ReverseComplement>>(module,
                                                                                              "ReverseComplement")
      .def(py::init([](double p, const std::string& type, uint64_t seed) {
        return std::make_shared<seq::ReverseComplement>(p, seq::parse_sequence_type(type), seed);
      }));
  py::class_<seq::Mutator, seq::Transform, std::shared_ptr<seq::Mutator>>(module, "Mutator")
      .def(py::init([](double rate, const std::string& type, uint64_t seed) {
        return std::make_shared<seq::Mutator>(rate, seq::parse_sequence_type(type), seed);
      }));
  py::class_<seq::Sampler, seq::Transform, std::shared_ptr<seq::Sampler>>(module, "Sampler")
      .def(py::init([](int64_t length, const std::string& strategy, const std::string& short_read, uint64_t seed) {
        return std::make_shared<seq::Sampler>(length, seq::parse_window(strategy), seq::parse_short_read(short_read),
                                              seed);
      }));
  py::class_<seq::QualitySimulator, seq::Transform, std::shared_ptr<seq::QualitySimulator>>(module, "QualitySimulator")
      .def(py::init([](const std::string& kind, double first, double second, double sd, uint64_t seed) {
        using Kind = seq::QualityModel::Kind;
        const Kind which = kind == "uniform" ? Kind::kUniform : kind == "degrading" ? Kind::kDegrading : Kind::kNormal;
        return std::make_shared<seq::QualitySimulator>(seq::QualityModel{which, first, second, sd}, seed);
      }));
  bind_transform<seq::EndTrimmer, int64_t>(module, "EndTrimmer");
  bind_transform<seq::WindowTrimmer, int64_t, int64_t>(module, "WindowTrimmer");
  bind_transform<seq::AdapterTrimmer, std::string, double, int64_t>(module, "AdapterTrimmer");
  bind_transform<seq::QualityMasker, int64_t>(module, "QualityMasker");
  bind_transform<seq::LengthFilter, int64_t, int64_t>(module, "LengthFilter");
  bind_transform<seq::QualityFilter, double, int64_t>(module, "QualityFilter");
  py::class_<seq::Subsampler, seq::Transform, std::shared_ptr<seq::Subsampler>>(module, "Subsampler")
      .def(py::init([](const std::string& kind, double value, uint64_t seed) {
        using Kind = seq::Subsampler::Kind;
        const Kind which = kind == "fraction" ? Kind::kFraction : kind == "every_nth" ? Kind::kEveryNth : Kind::kFirst;
        return std::make_shared<seq::Subsampler>(which, value, seed);
      }));
  py::class_<seq::Deduplicator, seq::Transform, std::shared_ptr<seq::Deduplicator>>(module, "Deduplicator")
      .def(py::init(
          [](const std::string& keep) { return std::make_shared<seq::Deduplicator>(seq::parse_copies(keep)); }));
  py::class_<seq::DuplicateCounter>(module, "DuplicateCounter")
      .def(py::init<>())
      .def("add", [](seq::DuplicateCounter& c, const py::bytes& b) { return c.add(static_cast<std::string_view>(b)); })
      .def("count",
           [](const seq::DuplicateCounter& c, const py::bytes& b) { return c.count(static_cast<std::string_view>(b)); })
      .def_property_readonly("num_distinct", &seq::DuplicateCounter::num_distinct)
      .def("clear", &seq::DuplicateCounter::clear);
}

void bind_reads(py::module_& module) {
  py::class_<RecordRows>(module, "RecordRows")
      .def("__len__", [](const RecordRows& r) { return r.rows.size(); })
      .def(
          "name", [](const RecordRows& r, size_t row) { return py::str(r.records->name(r.rows.at(row))); },
          py::arg("row"))
      .def(
          "description",
          [](const RecordRows& r, size_t row) { return py::str(r.records->description(r.rows.at(row))); },
          py::arg("row"))
      .def("names",
           [](const RecordRows& r) {
             py::list out(r.rows.size());
             for (size_t i = 0; i < r.rows.size(); ++i) out[i] = py::str(r.records->name(r.rows[i]));
             return out;
           })
      .def("descriptions",
           [](const RecordRows& r) {
             py::list out(r.rows.size());
             for (size_t i = 0; i < r.rows.size(); ++i) out[i] = py::str(r.records->description(r.rows[i]));
             return out;
           })
      .def("records", [](const RecordRows& r) {
        py::list out(r.rows.size());
        for (size_t i = 0; i < r.rows.size(); ++i) out[i] = record_tuple(*r.records, r.rows[i]);
        return out;
      });
  py::class_<data::ReadEncoding>(module, "ReadEncoding")
      .def(py::init([](const std::string& encoding, const std::string& type, const std::string& unknown, int64_t pad_to,
                       int64_t max_length, bool channels_first, uint64_t seed, const std::string& dtype,
                       const std::string& quality, const std::vector<SharedTransform>& transforms,
                       std::shared_ptr<data::ReadEncoder> encoder) {
             const EncodeArguments encode{type, unknown, pad_to, max_length, seed, 0, dtype};
             return make_encoding(encoding, encode, channels_first, quality, transforms, std::move(encoder));
           }),
           py::kw_only(), py::arg("encoding") = "onehot", py::arg("sequence_type") = "dna", py::arg("unknown") = "zero",
           py::arg("pad_to") = 0, py::arg("max_length") = 0, py::arg("channels_first") = false, py::arg("seed") = 0,
           py::arg("dtype") = "int64", py::arg("quality") = "phred",
           py::arg("transforms") = std::vector<SharedTransform>{}, py::arg("encoder") = nullptr);
  py::class_<data::ReadDataset, std::shared_ptr<data::ReadDataset>>(module, "ReadDataset")
      .def(py::init(&make_reads), py::arg("paths"), py::arg("encoding") = data::ReadEncoding{},
           py::arg("on_bad_record") = "raise", py::arg("mates") = std::vector<std::string>{},
           py::arg("is_interleaved") = false, NoGil())
      .def("__len__", &data::ReadDataset::size)
      .def_property_readonly("num_filtered", &data::ReadDataset::num_filtered)
      .def("record", &record_of, py::arg("index"), py::arg("is_mate") = false)
      .def("file_of", &data::ReadDataset::file_of, py::arg("index"))
      .def("files_of", &files_of, py::arg("indices"), NoGil())
      .def("numbers", &numbers_of, py::arg("sequence_type"), py::arg("is_mate") = false)
      .def("report", [](const data::ReadDataset& d) { return bindings::to_python(d.report()); })
      .def("batch", &make_batch<data::ReadDataset>, py::arg("indices"), py::arg("epoch") = 0);
}

py::object next_of(data::StreamLoader& loader) {
  const auto given = [&] {
    const py::gil_scoped_release no_gil;
    return loader.next();
  }();
  if (!given) return py::none();
  py::dict out = to_python(given->first);
  out["files"] = given->second.files;
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
  out["rows"] = RecordRows{taken.records, rows};
  return out;
}

void bind_streams(py::module_& module) {
  py::class_<data::ReadStream, std::shared_ptr<data::ReadStream>>(module, "ReadStream")
      .def(py::init([](const std::vector<std::string>& paths, const data::ReadEncoding& encoding,
                       const std::string& on_bad_record, int64_t shuffle_buffer, uint64_t seed, int64_t part,
                       int64_t num_parts, bool drop_uneven, bool with_quality) {
             data::ReadStreamOptions options;
             static_cast<data::ReadEncoding&>(options) = encoding;
             options.fastx.fields.qualities = with_quality;
             options.fastx.on_bad_record = parse_on_bad_record(on_bad_record);
             options.shuffle_buffer = shuffle_buffer;
             options.seed = seed;
             options.part = part;
             options.num_parts = num_parts;
             options.drop_uneven = drop_uneven;
             return std::make_shared<data::ReadStream>(paths, options);
           }),
           py::arg("paths"), py::arg("encoding"), py::arg("on_bad_record"), py::arg("shuffle_buffer"), py::arg("seed"),
           py::arg("part"), py::arg("num_parts"), py::arg("drop_uneven"), py::arg("with_quality") = true)
      .def("begin", &data::ReadStream::begin, py::arg("epoch"), py::arg("given") = 0, NoGil())
      .def("take", &take_of, py::arg("num_records"))
      .def_property_readonly("given", &data::ReadStream::given)
      .def("report", [](const data::ReadStream& s) { return bindings::to_python(s.report()); });
  py::class_<data::StreamLoader>(module, "StreamLoader")
      .def(py::init<std::shared_ptr<data::ReadStream>, int64_t, bool, int64_t>(), py::arg("stream"),
           py::arg("batch_size"), py::arg("drop_last"), py::arg("num_threads"))
      .def("begin", &data::StreamLoader::begin, py::arg("epoch"), py::arg("first_batch") = 0, NoGil())
      .def("next", &next_of);
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
      .def("set_categories", &data::SampleDataset::set_categories, py::arg("categories"))
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
  bind_transforms(module);
  bind_reads(module);
  bind_streams(module);
  bind_samples(module);
  bind_loader<data::ReadBatch, data::ReadDataset>(module, "ReadLoader");
  bind_loader<data::SampleBatch, data::SampleDataset>(module, "SampleLoader");
  module.def("feature_sequences", &data::feature_sequences, py::arg("feature_ids"), py::arg("fasta_path") = "",
             NoGil());
  module.def(
      "length_batches",
      [](const Tensor& lengths, std::vector<int64_t> boundaries, int64_t max_tokens, int64_t batch_size, bool shuffle,
         bool drop_last, uint64_t seed, uint64_t epoch, int64_t rank, int64_t world_size) {
        const Tensor all = lengths.to(at::kLong).contiguous();
        data::LengthPlan plan;
        plan.lengths = {all.const_data_ptr<int64_t>(), static_cast<size_t>(all.numel())};
        plan.boundaries = std::move(boundaries);
        plan.max_tokens = max_tokens;
        data::LoaderOptions options;
        options.batch_size = batch_size;
        options.shuffle = shuffle;
        options.drop_last = drop_last;
        options.seed = seed;
        options.rank = rank;
        options.world_size = world_size;
        return data::length_batches(plan, options, epoch);
      },
      py::arg("lengths"), py::arg("boundaries"), py::arg("max_tokens"), py::arg("batch_size"), py::arg("shuffle"),
      py::arg("drop_last"), py::arg("seed"), py::arg("epoch"), py::arg("rank"), py::arg("world_size"), NoGil());
  // A seed for generators of torch, which have no epochs of their own.
  module.def(
      "mixed_seed",
      [](uint64_t seed, uint64_t epoch) { return CounterRandom(seed, epoch, 0, Purpose::kOrder).next_u64() >> 1; },
      py::arg("seed"), py::arg("epoch"));
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
