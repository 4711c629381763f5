// Batches of C++ as the dicts that deepbio_torch/_batches/batch.py makes Batch of.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bindings/bindings.h"

#include "deepbio/data/datasets.h"
#include "deepbio/data/reads.h"

namespace deepbio::bindings {

// (name, description, sequence, quality or None)
py::tuple record_tuple(const io::RecordBatch& records, int64_t row);
// The only row of a tensor [1, ...] as [...], changed in place: it must not be anybody else's yet.
std::optional<torch::Tensor> only_row(const torch::Tensor& batch);
// int64 [size], a copy.
torch::Tensor long_tensor(const std::vector<int64_t>& values);

// `rows` are the records of the batch, which Python may ask for later: titles, and raw bytes for
// transforms in Python.
py::dict to_python(const data::ReadBatch& batch);
// Keys are those of db.Batch; a tensor that the batch does not have has no key.
py::dict to_python(const data::SampleBatch& batch);

// Indices of a list. pybind11's own conversion costs several times as much. throws TypeError of
// Python.
std::vector<int64_t> to_numbers(const py::handle& items);

}  // namespace deepbio::bindings
