// k-mers and tokenizers.
#include "bindings/batches.h"
#include "bindings/letters.h"

#include "deepbio/base/error.h"
#include "deepbio/data/encoder.h"
#include "deepbio/seq/tokenizer_json.h"
#include "deepbio/seq/tokenizer_presets.h"

namespace deepbio::bindings {
namespace {

using torch::Tensor;

struct KmerArguments {
  int64_t k;
  bool canonical;
  std::string output;
  bool overlap;
  std::string sequence_type, unknown;
  int64_t pad_to, max_length;
  uint64_t seed;
  std::string dtype;  // of counts
  seq::KmerOptions options() const {
    seq::KmerOptions out;
    out.k = k;
    out.canonical = canonical;
    out.overlap = overlap;
    // The Python class lets no other word through.
    out.dtype = dtype == "uint8" ? at::kByte : dtype == "uint16" ? at::kUInt16 : at::kFloat;
    out.letters.sequence_type = seq::parse_sequence_type(sequence_type);
    out.letters.unknown = seq::parse_unknown_letter(unknown);
    out.letters.pad_to = pad_to;
    out.letters.max_length = max_length;
    out.letters.seed = seed;
    return out;
  }
};

using Roles = std::map<std::string, std::string>;  // role -> token

// What a caller names (pad_token="<pad>") goes before what the file says; most files name few
// roles.
std::shared_ptr<seq::Tokenizer> with_roles(seq::TokenizerParts parts, const Roles& roles,
                                           const std::string& padding_side) {
  const std::map<std::string, int32_t seq::SpecialIds::*> members{
      {"pad", &seq::SpecialIds::pad},   {"unk", &seq::SpecialIds::unk},
      {"cls", &seq::SpecialIds::cls},   {"sep", &seq::SpecialIds::sep},
      {"bos", &seq::SpecialIds::bos},   {"eos", &seq::SpecialIds::eos},
      {"mask", &seq::SpecialIds::mask},
  };
  if (!padding_side.empty()) parts.padding_side = seq::parse_side(padding_side);
  for (const auto& [role, token] : roles) {
    const auto found = std::find(parts.tokens.begin(), parts.tokens.end(), token);
    if (found == parts.tokens.end()) {
      throw ArgumentError(role + "_token: " + quoted(token) + " is not in the vocabulary of " +
                          parts.name);
    }
    parts.special.*members.at(role) = static_cast<int32_t>(found - parts.tokens.begin());
  }
  return std::make_shared<seq::Tokenizer>(std::move(parts));
}

seq::TokenizeOptions tokenize_options(bool add_special_tokens, int64_t max_length,
                                      const std::string& truncation_side, int64_t pad_to,
                                      int64_t pad_to_multiple, const std::string& padding_side) {
  seq::TokenizeOptions out;
  out.add_special_tokens = add_special_tokens;
  out.max_length = max_length;
  out.truncation_side = seq::parse_side(truncation_side);
  out.pad_to = pad_to;
  out.pad_to_multiple = pad_to_multiple;
  if (!padding_side.empty()) out.padding_side = seq::parse_side(padding_side);
  return out;
}

py::tuple encode_batch(const seq::Tokenizer& tokenizer, const py::object& items,
                       bool add_special_tokens, int64_t max_length,
                       const std::string& truncation_side, int64_t pad_to, int64_t pad_to_multiple,
                       const std::string& padding_side) {
  const Letters texts(items);
  const seq::Tokenized out = [&] {
    const py::gil_scoped_release no_gil;
    return tokenizer.encode_batch(
        texts.views(), tokenize_options(add_special_tokens, max_length, truncation_side, pad_to,
                                        pad_to_multiple, padding_side));
  }();
  return py::make_tuple(out.input_ids, out.attention_mask, out.lengths);
}

// Lists of lists. Where there are many ids, each is an object that all its places share.
py::list lists_of(const std::vector<std::vector<int32_t>>& rows, size_t num_ids) {
  size_t num_places = 0;
  for (const std::vector<int32_t>& row : rows) num_places += row.size();
  // Python keeps one object for each number up to 256; above that every place would get its own, 28
  // bytes and an allocation each.
  std::vector<py::object> shared(num_places > num_ids ? num_ids : 0);
  const auto number = [&](int32_t id) {
    const auto place = static_cast<size_t>(id);
    if (place >= shared.size()) return py::object(py::int_(id));
    if (!shared[place]) shared[place] = py::int_(id);
    return shared[place];
  };
  py::list out(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    py::list row(rows[i].size());
    for (size_t j = 0; j < rows[i].size(); ++j) {
      // The lists are new and nobody else's, so their places are filled without a check.
      PyList_SET_ITEM(row.ptr(), static_cast<Py_ssize_t>(j), number(rows[i][j]).release().ptr());
    }
    PyList_SET_ITEM(out.ptr(), static_cast<Py_ssize_t>(i), row.release().ptr());
  }
  return out;
}

// For a caller who wants lists, as Hugging Face's tokenizers give them without return_tensors.
py::list encode_rows(const seq::Tokenizer& tokenizer, const py::object& items,
                     bool add_special_tokens, int64_t max_length,
                     const std::string& truncation_side) {
  const Letters texts(items);
  const std::vector<std::vector<int32_t>> rows = [&] {
    const py::gil_scoped_release no_gil;
    return tokenizer.encode_rows(
        texts.views(), tokenize_options(add_special_tokens, max_length, truncation_side, 0, 0, ""));
  }();
  return lists_of(rows, static_cast<size_t>(tokenizer.size()));
}

// -1 where there is none, which the Python class shows as None.
std::map<std::string, int64_t> special_ids(const seq::Tokenizer& tokenizer) {
  const seq::SpecialIds& ids = tokenizer.parts().special;
  return {{"pad", ids.pad},   {"unk", ids.unk}, {"cls", ids.cls}, {"sep", ids.sep},
          {"mask", ids.mask}, {"bos", ids.bos}, {"eos", ids.eos}};
}

std::vector<int64_t> added_specials(const seq::Tokenizer& tokenizer) {
  std::vector<int64_t> out;
  for (int64_t id = 0; id < tokenizer.size(); ++id) {
    if (tokenizer.is_special(id)) out.push_back(id);
  }
  return out;
}

void bind_tokenizer(py::module_& module) {
  py::class_<seq::Tokenizer, std::shared_ptr<seq::Tokenizer>>(module, "Tokenizer")
      .def_static(
          "from_json",
          [](const std::string& json, const std::string& path, const Roles& roles,
             const std::string& padding_side) {
            return with_roles(seq::read_tokenizer_json(json, path), roles, padding_side);
          },
          py::arg("json"), py::arg("path"), py::arg("roles"), py::arg("padding_side"), NoGil())
      .def_static(
          "from_preset",
          [](const std::string& name, bool upper_case, const Roles& roles,
             const std::string& padding_side) {
            return with_roles(seq::tokenizer_preset(name, {upper_case}), roles, padding_side);
          },
          py::arg("name"), py::arg("upper_case"), py::arg("roles"), py::arg("padding_side"),
          NoGil())
      .def_property_readonly("name", [](const seq::Tokenizer& t) { return t.parts().name; })
      .def_property_readonly("tokens", [](const seq::Tokenizer& t) { return t.parts().tokens; })
      .def_property_readonly("special_ids", &special_ids)
      .def_property_readonly("all_special_ids", &added_specials)
      .def_property_readonly("before", [](const seq::Tokenizer& t) { return t.parts().before; })
      .def_property_readonly(
          "num_specials",
          [](const seq::Tokenizer& t) { return t.parts().before.size() + t.parts().after.size(); })
      .def_property_readonly("padding_side",
                             [](const seq::Tokenizer& t) {
                               return std::string(seq::to_string(t.parts().padding_side));
                             })
      .def_property_readonly("max_length",
                             [](const seq::Tokenizer& t) { return t.parts().max_length; })
      .def("__len__", &seq::Tokenizer::size)
      .def("id", &seq::Tokenizer::id, py::arg("token"))
      .def("token", &seq::Tokenizer::token, py::arg("id"))
      .def("encode_rows", &encode_rows, py::arg("texts"), py::arg("add_special_tokens"),
           py::arg("max_length"), py::arg("truncation_side"))
      .def("encode_batch", &encode_batch, py::arg("texts"), py::arg("add_special_tokens"),
           py::arg("max_length"), py::arg("truncation_side"), py::arg("pad_to"),
           py::arg("pad_to_multiple"), py::arg("padding_side"))
      .def(
          "decode",
          [](const seq::Tokenizer& t, const std::vector<int64_t>& ids, bool skip_special_tokens) {
            return t.decode(ids, skip_special_tokens);
          },
          py::arg("ids"), py::arg("skip_special_tokens"));
}

// A read by itself: its values, letters, and qualities when there are any.
using EncodedRead = std::tuple<std::optional<Tensor>, int64_t, std::optional<Tensor>>;

EncodedRead encode_read(const data::ReadEncoder& encoder, const py::bytes& sequence,
                        const std::optional<py::bytes>& quality, int64_t record, uint64_t epoch) {
  // With the GIL: a read takes less time than letting go of it and taking it again.
  const auto letters = static_cast<std::string_view>(sequence);
  const auto scores = quality ? static_cast<std::string_view>(*quality) : std::string_view();
  // A batch of one read, so that an item of a dataset equals its row in a batch.
  data::ReadLetters read{{&letters, 1}, {}, {&record, 1}, epoch};
  if (quality) read.qualities = {&scores, 1};
  data::ReadBatch out;
  encoder.fill(read, out);
  return {only_row(out.sequences), *out.lengths.const_data_ptr<int64_t>(), only_row(out.quality)};
}

// record_indices: of the reads, for letters drawn at random; empty: 0, 1, ... qualities: of each
// read, or empty.
std::pair<Tensor, Tensor> encode_reads(const data::ReadEncoder& encoder, const py::object& reads,
                                       const std::vector<int64_t>& record_indices, uint64_t epoch,
                                       const std::vector<py::bytes>& qualities) {
  const Letters texts(reads);
  const auto scores = views(qualities);
  data::ReadBatch out;
  const py::gil_scoped_release no_gil;
  encoder.fill({texts.views(), scores, record_indices, epoch}, out);
  return {out.sequences, out.lengths};
}

}  // namespace

void bind_seq(py::module_& module) {
  bind_tokenizer(module);
  module.def("tokenizer_presets", &seq::preset_names);
  py::class_<data::ReadEncoder, std::shared_ptr<data::ReadEncoder>>(module, "ReadEncoder")
      .def("encode_reads", &encode_reads, py::arg("reads"), py::arg("record_indices"),
           py::arg("epoch"), py::arg("qualities"))
      .def("encode_read", &encode_read, py::arg("sequence"), py::arg("quality"), py::arg("record"),
           py::arg("epoch"))
      .def_static(
          "kmers",
          [](int64_t k, bool canonical, const std::string& output, bool overlap,
             const std::string& type, const std::string& unknown, int64_t pad_to,
             int64_t max_length, uint64_t seed, const std::string& dtype) {
            const KmerArguments arguments{k,       canonical, output,     overlap, type,
                                          unknown, pad_to,    max_length, seed,    dtype};
            return std::const_pointer_cast<data::ReadEncoder>(
                data::make_kmer_encoder(data::parse_kmer_output(output), arguments.options()));
          },
          py::arg("k"), py::arg("canonical"), py::arg("output"), py::arg("overlap"),
          py::arg("sequence_type"), py::arg("unknown"), py::arg("pad_to"), py::arg("max_length"),
          py::arg("seed"), py::arg("dtype") = "float32")
      .def_static(
          "tokens",
          [](const std::shared_ptr<seq::Tokenizer>& tokenizer, bool add_special_tokens,
             int64_t max_length, int64_t pad_to, int64_t pad_to_multiple,
             const std::string& padding_side) {
            const seq::TokenizeOptions options = tokenize_options(
                add_special_tokens, max_length, "right", pad_to, pad_to_multiple, padding_side);
            return std::const_pointer_cast<data::ReadEncoder>(
                data::make_token_encoder(tokenizer, options));
          },
          py::arg("tokenizer"), py::arg("add_special_tokens"), py::arg("max_length"),
          py::arg("pad_to"), py::arg("pad_to_multiple"), py::arg("padding_side"));
}

}  // namespace deepbio::bindings
