#include "bindings/batches.h"

#include <algorithm>

namespace deepbio::bindings {

using torch::Tensor;

namespace {

void put(py::dict& out, const char* name, const Tensor& tensor) {
  if (tensor.defined()) out[name] = tensor;
}

}  // namespace

py::tuple record_tuple(const io::RecordBatch& records, int64_t row) {
  const std::string_view sequence = records.sequence(row), bytes = records.quality(row);
  const py::object quality = data::has_quality(records, row)
                                 ? py::object(py::bytes(bytes.data(), bytes.size()))
                                 : py::object(py::none());
  return py::make_tuple(text(records.name(row)), text(records.description(row)),
                        py::bytes(sequence.data(), sequence.size()), quality);
}

// Changes the sizes in place: a view would be a second tensor object, and one record is asked for a
// million times in an epoch.
std::optional<Tensor> only_row(const Tensor& batch) {
  if (!batch.defined()) return std::nullopt;
  batch.unsafeGetTensorImpl()->set_sizes_contiguous(batch.sizes().slice(1));
  return batch;
}

Tensor long_tensor(const std::vector<int64_t>& values) {
  at::Tensor out = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), out.mutable_data_ptr<int64_t>());
  return out;
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
  out["index"] = long_tensor(batch.index);
  // Records stay in C++ until somebody asks for a title; the shared pointer keeps the batch's text
  // alive.
  out["rows"] = data::ReadRows{batch.records, batch.rows};
  return out;
}

py::dict to_python(const data::SampleBatch& batch) {
  py::dict out;
  put(out, "sample_index",
      batch.sample_index);  // first a tensor of B rows: who guesses B takes the first
  put(out, "asv_tokens", batch.asv_tokens);
  put(out, "asv_features", batch.asv_features);
  put(out, "asv_index", batch.asv_index);
  put(out, "mask", batch.mask);
  put(out, "counts", batch.counts);
  put(out, "distances", batch.distances);
  put(out, "targets", batch.targets);
  if (!batch.categorical_ids.empty()) out["categorical_ids"] = batch.categorical_ids;
  out["sample_ids"] = batch.sample_ids;
  return out;
}

std::vector<int64_t> to_numbers(const py::handle& items) {
  const auto fast =
      py::reinterpret_steal<py::object>(PySequence_Fast(items.ptr(), "expected a list of indices"));
  if (!fast) throw py::error_already_set();
  std::vector<int64_t> out(static_cast<size_t>(PySequence_Fast_GET_SIZE(fast.ptr())));
  PyObject** const objects = PySequence_Fast_ITEMS(fast.ptr());
  for (size_t i = 0; i < out.size(); ++i) {
    // NumPy's integers and tensors of one element go through __index__, which pybind11's conversion
    // does for all of them.
    const bool is_plain = PyLong_CheckExact(objects[i]);
    const auto number =
        is_plain ? py::object() : py::reinterpret_steal<py::object>(PyNumber_Index(objects[i]));
    if (!is_plain && !number) throw py::error_already_set();
    out[i] = PyLong_AsLongLong(is_plain ? objects[i] : number.ptr());
    if (out[i] == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  }
  return out;
}

}  // namespace deepbio::bindings
