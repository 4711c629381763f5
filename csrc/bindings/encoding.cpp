// How reads become tensors: encoders, transforms, and both together as a dataset takes them.
#include "bindings/letters.h"

#include "deepbio/base/error.h"
#include "deepbio/data/encoder.h"
#include "deepbio/data/reads.h"
#include "deepbio/seq/augment.h"
#include "deepbio/seq/encode.h"
#include "deepbio/seq/filter.h"
#include "deepbio/seq/trim.h"

namespace deepbio::bindings {
namespace {

using torch::Tensor;
using SharedTransform = std::shared_ptr<seq::Transform>;

// What every encoder of letters is asked for.
// Python passes words; EncoderOptions parses and checks them with the sentences of every other
// door.
struct LetterArguments {
  std::string sequence_type, unknown;
  int64_t pad_to, max_length;
  uint64_t seed;
  data::EncoderOptions options(const std::string& encoding) const {
    data::EncoderOptions out;
    out.encoding = encoding;
    out.sequence_type = sequence_type;
    out.unknown = unknown;
    out.pad_to = pad_to;
    out.max_length = max_length;
    out.seed = seed;
    return out;
  }
};

using Values = std::pair<Tensor, Tensor>;  // values, lengths

template <class Encode>
Values encode_unlocked(const Letters& reads, Encode encode) {
  const py::gil_scoped_release no_gil;
  const seq::Encoded encoded = encode(reads.views());
  return {encoded.values, encoded.lengths};
}

Values encode_aam_tokens(const py::object& sequences, int64_t max_bp) {
  return encode_unlocked(Letters(sequences),
                         [&](const auto& views) { return seq::encode_aam_tokens(views, max_bp); });
}

Tensor encode_quality(const std::vector<py::bytes>& qualities, int64_t length,
                      const std::string& form) {
  const auto bytes = views(qualities);
  const py::gil_scoped_release no_gil;
  return seq::encode_quality(bytes, length, seq::parse_quality_form(form));
}

// Reads as (sequence, quality or None) after a transform; None for a read that it refuses.
py::list apply_transform(const seq::Transform& transform, const py::object& items,
                         const std::vector<std::optional<py::bytes>>& qualities,
                         const std::vector<int64_t>& records, uint64_t epoch) {
  // The GIL is kept: a transform of one read takes microseconds, and the results are Python
  // objects. Datasets apply transforms in C++ threads instead.
  const Letters letters(items);
  const std::vector<std::string_view>& sequences = letters.views();
  if (qualities.size() != sequences.size() || records.size() != sequences.size()) {
    throw ArgumentError("apply: expected a quality and a record for each of " +
                        std::to_string(sequences.size()) + " sequences, got " +
                        std::to_string(qualities.size()) + " and " +
                        std::to_string(records.size()));
  }
  py::list out;
  seq::Read read;
  for (size_t i = 0; i < sequences.size(); ++i) {
    const std::string_view quality =
        qualities[i] ? static_cast<std::string_view>(*qualities[i]) : std::string_view();
    // One Read for all: its memory grows to the longest and stays.
    read.assign(sequences[i], quality, qualities[i].has_value(), records[i], epoch);
    if (!transform.apply(read)) {
      out.append(py::none());
      continue;
    }
    const std::string_view changed = read.sequence(), scores = read.quality();
    const py::object kept =
        read.has_quality() ? py::object(py::bytes(scores.data(), scores.size())) : py::none();
    out.append(py::make_tuple(py::bytes(changed.data(), changed.size()), kept));
  }
  return out;
}

void bind_encoders(py::module_& module) {
  module.def("encode_aam_tokens", &encode_aam_tokens, py::arg("reads"), py::arg("max_bp"));
  module.def("encode_quality", &encode_quality, py::arg("qualities"), py::arg("length"),
             py::arg("form") = "phred");
  module.def(
      "reverse_complement",
      [](const py::object& sequence, const std::string& type) {
        py::object copy;
        const std::string_view letters = letters_of(sequence, "reverse_complement", copy);
        return py::bytes(seq::reverse_complement(letters, seq::parse_sequence_type(type)));
      },
      py::arg("sequence"), py::arg("sequence_type"));
}

// For those whose constructor takes numbers and text only; the others have words to parse first.
template <class Class, class... Arguments>
void bind_transform(py::module_& module, const char* name) {
  py::class_<Class, seq::Transform, std::shared_ptr<Class>>(module, name)
      .def(py::init<Arguments...>());
}

void bind_transforms(py::module_& module) {
  py::class_<seq::Transform, SharedTransform>(module, "Transform")
      .def("apply", &apply_transform, py::arg("sequences"), py::arg("qualities"),
           py::arg("records"), py::arg("epoch"))
      .def_property_readonly("is_random", &seq::Transform::is_random)
      .def_property_readonly("is_filter", &seq::Transform::is_filter);
  py::class_<seq::ReverseComplement, seq::Transform, std::shared_ptr<seq::ReverseComplement>>(
      module, "ReverseComplement")
      .def(py::init([](double p, const std::string& type, uint64_t seed) {
        return std::make_shared<seq::ReverseComplement>(p, seq::parse_sequence_type(type), seed);
      }));
  py::class_<seq::Mutator, seq::Transform, std::shared_ptr<seq::Mutator>>(module, "Mutator")
      .def(py::init([](double rate, const std::string& type, uint64_t seed) {
        return std::make_shared<seq::Mutator>(rate, seq::parse_sequence_type(type), seed);
      }));
  py::class_<seq::Sampler, seq::Transform, std::shared_ptr<seq::Sampler>>(module, "Sampler")
      .def(py::init([](int64_t length, const std::string& strategy, const std::string& short_read,
                       uint64_t seed, char pad) {
        return std::make_shared<seq::Sampler>(length, seq::parse_window(strategy),
                                              seq::parse_short_read(short_read), seed, pad);
      }));
  py::class_<seq::QualitySimulator, seq::Transform, std::shared_ptr<seq::QualitySimulator>>(
      module, "QualitySimulator")
      .def(py::init(
          [](const std::string& kind, double first, double second, double sd, uint64_t seed) {
            const seq::QualityModel model{seq::parse_quality_model(kind), first, second, sd};
            return std::make_shared<seq::QualitySimulator>(model, seed);
          }));
  bind_transform<seq::EndTrimmer, int64_t>(module, "EndTrimmer");
  bind_transform<seq::WindowTrimmer, int64_t, int64_t>(module, "WindowTrimmer");
  bind_transform<seq::AdapterTrimmer, std::string, double, int64_t>(module, "AdapterTrimmer");
  bind_transform<seq::QualityMasker, int64_t>(module, "QualityMasker");
  bind_transform<seq::LengthFilter, int64_t, int64_t>(module, "LengthFilter");
  bind_transform<seq::QualityFilter, double, int64_t>(module, "QualityFilter");
  py::class_<seq::Subsampler, seq::Transform, std::shared_ptr<seq::Subsampler>>(module,
                                                                                "Subsampler")
      .def(py::init([](const std::string& kind, double value, uint64_t seed) {
        return std::make_shared<seq::Subsampler>(seq::parse_subsampling(kind), value, seed);
      }));
  py::class_<seq::Deduplicator, seq::Transform, std::shared_ptr<seq::Deduplicator>>(module,
                                                                                    "Deduplicator")
      .def(py::init([](const std::string& keep) {
        return std::make_shared<seq::Deduplicator>(seq::parse_copies(keep));
      }));
  // Not a Transform: to drop every copy, all reads are counted before the first is judged, so
  // Python goes over a list twice.
  py::class_<seq::DuplicateCounter>(module, "DuplicateCounter")
      .def(py::init<>())
      .def("add",
           [](seq::DuplicateCounter& c, const py::object& sequence) {
             py::object copy;
             return c.add(letters_of(sequence, "Deduplicator", copy));
           })
      .def("count",
           [](const seq::DuplicateCounter& c, const py::object& sequence) {
             py::object copy;
             return c.count(letters_of(sequence, "Deduplicator", copy));
           })
      .def_property_readonly("num_distinct", &seq::DuplicateCounter::num_distinct)
      .def("clear", &seq::DuplicateCounter::clear);
}

void bind_read_encoding(py::module_& module) {
  py::class_<data::ReadEncoding>(module, "ReadEncoding")
      .def(py::init([](const std::string& encoding, const std::string& type,
                       const std::string& unknown, int64_t pad_to, int64_t max_length,
                       bool channels_first, uint64_t seed, const std::string& dtype,
                       const std::string& quality, const std::vector<SharedTransform>& transforms,
                       std::shared_ptr<data::ReadEncoder> encoder) {
             data::EncoderOptions options =
                 LetterArguments{type, unknown, pad_to, max_length, seed}.options(encoding);
             options.channels_first = channels_first;
             options.dtype = dtype;
             options.quality = quality;
             data::ReadEncoding out;
             out.transforms.assign(transforms.begin(), transforms.end());
             // An encoder that Python made (k-mers, tokens) is taken as it is; the others are made
             // by name.
             out.encoder = encoder ? std::move(encoder) : data::make_encoder(options);
             return out;
           }),
           py::kw_only(), py::arg("encoding") = "onehot", py::arg("sequence_type") = "dna",
           py::arg("unknown") = "zero", py::arg("pad_to") = 0, py::arg("max_length") = 0,
           py::arg("channels_first") = false, py::arg("seed") = 0, py::arg("dtype") = "int64",
           py::arg("quality") = "phred", py::arg("transforms") = std::vector<SharedTransform>{},
           py::arg("encoder") = nullptr)
      // pybind11 knows no pointers to const; what is bound of an encoder does not change it.
      .def_property_readonly("encoder", [](const data::ReadEncoding& encoding) {
        return std::const_pointer_cast<data::ReadEncoder>(encoding.encoder);
      });
}

}  // namespace

std::vector<std::string_view> views(const std::vector<py::bytes>& items) {
  std::vector<std::string_view> out;
  out.reserve(items.size());
  for (const auto& item : items) out.push_back(static_cast<std::string_view>(item));
  return out;
}

void bind_encoding(py::module_& module) {
  bind_encoders(module);
  bind_transforms(module);
  bind_read_encoding(module);
}

}  // namespace deepbio::bindings
