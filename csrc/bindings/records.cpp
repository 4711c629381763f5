// Records of sequence files: the iterator under SequenceReader, batches of records as flat tensors,
// FASTA windows.
//
// A record becomes a Python object in one call of a slot written by hand, straight from the
// reader's buffer: pybind11's dispatch would cost more than reading the record does. The GIL is let
// go where the file is read and inflated, once in many records, and for whole batches.
#include <algorithm>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "bindings/bindings.h"
#include "bindings/record_type.h"

#include "deepbio/base/error.h"
#include "deepbio/io/reads/fasta_index.h"

namespace deepbio::bindings {
namespace {

constexpr int64_t kRecordsBetweenSignals = 256;

// Lets go of the GIL, if this thread has it, while it waits for bytes.
class WaitingSource : public io::ByteSource {
 public:
  explicit WaitingSource(std::unique_ptr<io::ByteSource> source) : source_(std::move(source)) {}
  size_t read(char* out, size_t size) override {
    // The same reader is used with the GIL (one record) and without it (a batch).
    if (PyGILState_Check() == 0) return source_->read(out, size);
    const py::gil_scoped_release no_gil;
    return source_->read(out, size);
  }
  const std::string& path() const override { return source_->path(); }
  io::Container container() const override { return source_->container(); }
  int64_t file_offset_bytes() const override { return source_->file_offset_bytes(); }
  std::string warning() const override { return source_->warning(); }

 private:
  std::unique_ptr<io::ByteSource> source_;
};

// A bad record is raised after the good ones in front of it, and again by every later call.
struct Reader {
  std::optional<io::FastxReader> reader;  // none: closed
  int64_t num_given = 0;
  std::exception_ptr error;
  io::Format format = io::Format::kFasta;
  bool is_busy = false;
  std::string description;  // of the last Python record, as bytes
  size_t batch_bytes = 0;   // of the batch before: what the next one will need

  // throws why no record can be read; nothing when one can.
  void refuse() const {
    if (is_busy)
      throw ArgumentError("SequenceReader: expected one thread at a time, got a second one");
    if (!reader) throw ArgumentError("SequenceReader: the file is closed");
    if (error) std::rethrow_exception(error);
  }

  // Up to max_records. Without the GIL.
  void take(int64_t max_records, const io::RecordFields& fields, io::RecordBatch& out) {
    out.sequences.reserve(batch_bytes);
    if (fields.qualities && format != io::Format::kFasta) out.qualities.reserve(batch_bytes);
    const auto num_places = static_cast<size_t>(std::min<int64_t>(max_records, 1 << 16)) + 1;
    for (auto* offsets : {&out.name_offsets, &out.description_offsets, &out.sequence_offsets,
                          &out.quality_offsets}) {
      offsets->reserve(num_places);
    }
    reader->set_fields(fields);
    try {
      reader->read(out, max_records);
    } catch (...) {
      // Kept: the good records before it are given out first, and the error is raised by the next
      // call.
      error = std::current_exception();
    }
    reader->set_fields({});
    if (error && out.size() == 0) std::rethrow_exception(error);
    batch_bytes = std::max(batch_bytes, out.sequences.size());
  }
};

// --- batches
// -------------------------------------------------------------------------------------------

using Batch = std::shared_ptr<io::RecordBatch>;

// Flat buffers of up to max_records; null at the end.
Batch read_batch(Reader& reader, int64_t max_records, bool titles, bool qualities) {
  if (max_records < 1)
    throw ArgumentError("batches: expected 1 or more, got " + std::to_string(max_records));
  auto batch = std::make_shared<io::RecordBatch>();
  {
    reader.refuse();
    const InUse use(reader.is_busy);
    const py::gil_scoped_release no_gil;
    reader.take(max_records, {titles, true, qualities}, *batch);
  }
  // Ctrl-C between batches: without the GIL nobody asked for signals.
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  reader.num_given += batch->size();
  return batch->size() == 0 ? nullptr : batch;
}

// The memory of data as a tensor, without a copy; owner keeps it alive.
template <class Value>
torch::Tensor tensor_over(const Batch& owner, const Value* data, at::IntArrayRef shape,
                          torch::Dtype dtype) {
  // An empty vector may have no memory that a tensor could look into.
  if (c10::multiply_integers(shape) == 0) return torch::empty(shape, dtype);
  return torch::from_blob(
      const_cast<Value*>(data), shape, [owner](void*) {}, dtype);
}

torch::Tensor bytes_of(const Batch& batch, std::string_view data) {
  return tensor_over(batch, data.data(), {static_cast<int64_t>(data.size())}, torch::kByte);
}

torch::Tensor numbers_of(const Batch& batch, const std::vector<int64_t>& offsets) {
  return tensor_over(batch, offsets.data(), {static_cast<int64_t>(offsets.size())}, torch::kLong);
}

// Rows of one width, cut or padded; a view where every row has that width already.
torch::Tensor padded(const Batch& batch, std::string_view data, const std::vector<int64_t>& offsets,
                     std::optional<int64_t> width, int64_t padding_value) {
  if (padding_value < 0 || padding_value > 255) {
    throw ArgumentError("padding_value: expected 0 to 255, got " + std::to_string(padding_value));
  }
  if (width && *width < 0)
    throw ArgumentError("width: expected 0 or more, got " + std::to_string(*width));
  const auto rows = static_cast<int64_t>(offsets.size()) - 1;
  int64_t longest = 0, shortest = std::numeric_limits<int64_t>::max();
  for (int64_t i = 0; i < rows; ++i) {
    longest = std::max(longest, offsets[i + 1] - offsets[i]);
    shortest = std::min(shortest, offsets[i + 1] - offsets[i]);
  }
  const int64_t columns = width.value_or(longest);
  // Reads of one length lie in a row without gaps: the matrix is there already.
  if (shortest == columns && longest == columns)
    return tensor_over(batch, data.data(), {rows, columns}, torch::kByte);
  torch::Tensor out = torch::full({rows, columns}, padding_value, torch::kByte);
  auto* const values = out.mutable_data_ptr<uint8_t>();
  for (int64_t i = 0; i < rows; ++i) {
    std::copy_n(data.data() + offsets[i], std::min(columns, offsets[i + 1] - offsets[i]),
                values + i * columns);
  }
  return out;
}

void bind_batch(py::module_& module) {
  using io::RecordBatch;
  py::class_<RecordBatch, Batch>(module, "RecordBatch")
      .def("__len__", &RecordBatch::size)
      .def_property_readonly("sequences", [](const Batch& b) { return bytes_of(b, b->sequences); })
      .def_property_readonly("offsets",
                             [](const Batch& b) { return numbers_of(b, b->sequence_offsets); })
      .def_property_readonly("qualities", [](const Batch& b) { return bytes_of(b, b->qualities); })
      .def_property_readonly(
          "has_qualities", [](const Batch& b) { return b->quality_offsets == b->sequence_offsets; })
      .def_property_readonly("names", [](const Batch& b) { return bytes_of(b, b->names); })
      .def_property_readonly("name_offsets",
                             [](const Batch& b) { return numbers_of(b, b->name_offsets); })
      .def_property_readonly("descriptions",
                             [](const Batch& b) { return bytes_of(b, b->descriptions); })
      .def_property_readonly("description_offsets",
                             [](const Batch& b) { return numbers_of(b, b->description_offsets); })
      .def(
          "padded",
          [](const Batch& b, std::optional<int64_t> width, int64_t value) {
            return padded(b, b->sequences, b->sequence_offsets, width, value);
          },
          py::arg("width"), py::arg("padding_value"))
      .def(
          "padded_qualities",
          [](const Batch& b, std::optional<int64_t> width, int64_t value) {
            return padded(b, b->qualities, b->quality_offsets, width, value);
          },
          py::arg("width"), py::arg("padding_value"));
}

// --- records
// --------------------------------------------------------------------------------------------

PyObject* to_bytes(std::string_view text) {
  return PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
}

// --- RecordIterator: a type written by hand, base of deepbio_torch.SequenceReader
// ------------------------

struct RecordIterator {
  PyObject_HEAD PyObject* owner;  // the Python object of reader
  Reader* reader;
  PyObject* description;  // the one before: the reads of a run often share it
};

RecordIterator* as_iterator(PyObject* self) { return reinterpret_cast<RecordIterator*>(self); }

// Sets the Python error that Reader::refuse() throws.
PyObject* refused(const RecordIterator& self) {
  PyObject* const none = PyObject_CallMethod(self.owner, "refuse", nullptr);
  Py_XDECREF(none);
  return nullptr;
}

PyObject* description_of(RecordIterator& self, std::string_view text) {
  // A comparison costs less than a new str, and Illumina comments repeat for millions of reads.
  if (self.description == nullptr || text != self.reader->description) {
    PyObject* const made = to_text(text);
    if (made == nullptr) return nullptr;
    Py_XSETREF(self.description, made);
    self.reader->description = text;
  }
  return Py_NewRef(self.description);
}

PyObject* next_record(PyObject* object) {
  RecordIterator& self = *as_iterator(object);
  if (self.reader == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "RecordIterator: bind() was not called");
    return nullptr;
  }
  Reader& reader = *self.reader;
  // The three conditions of Reader::refuse(), looked at without a call; the rare refusal goes
  // through the bound method, where pybind11 turns the exception into Python's.
  if (reader.is_busy || !reader.reader || reader.error) return refused(self);
  // A loop in C, such as list(reader), would not see Ctrl-C.
  if (reader.num_given % kRecordsBetweenSignals == 0 && PyErr_CheckSignals() != 0) return nullptr;
  io::RecordView record;
  bool is_found = false;
  // Set by hand, as the GIL is let go only inside of WaitingSource, where another thread may come
  // in.
  reader.is_busy = true;
  try {
    is_found = reader.reader->next(record);
  } catch (...) {
    reader.error = std::current_exception();
  }
  reader.is_busy = false;
  if (reader.error) return refused(self);
  if (!is_found) return nullptr;
  ++reader.num_given;
  return new_record(to_text(record.name), description_of(self, record.description),
                    to_bytes(record.sequence),
                    record.has_quality ? to_bytes(record.quality) : Py_NewRef(Py_None));
}

PyObject* bind_reader(PyObject* object, PyObject* owner) {
  RecordIterator& self = *as_iterator(object);
  if (!py::isinstance<Reader>(owner)) {
    PyErr_SetString(PyExc_TypeError, "bind: expected a FastxReader");
    return nullptr;
  }
  // The owner keeps the Reader alive; the pointer beside it saves a cast for each record.
  Py_XSETREF(self.owner, Py_NewRef(owner));
  self.reader = py::cast<Reader*>(py::handle(owner));
  Py_RETURN_NONE;
}

// A subclass in Python may hold itself through its dict, so the collector must see through this
// object.
int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(as_iterator(object)->owner);
  return 0;
}

int clear(PyObject* object) {
  as_iterator(object)->reader = nullptr;
  Py_CLEAR(as_iterator(object)->owner);
  Py_CLEAR(as_iterator(object)->description);
  return 0;
}

void deallocate_iterator(PyObject* object) {
  PyTypeObject* const type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  clear(object);
  type->tp_free(object);
  Py_DECREF(type);
}

void bind_iterator(py::module_& module) {
  static PyMethodDef methods[] = {
      {"bind", bind_reader, METH_O, "Takes records from this FastxReader."},
      {nullptr, nullptr, 0, nullptr}};
  PyType_Slot slots[] = {{Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
                         {Py_tp_iternext, reinterpret_cast<void*>(next_record)},
                         {Py_tp_methods, methods},
                         {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                         {Py_tp_clear, reinterpret_cast<void*>(clear)},
                         {Py_tp_dealloc, reinterpret_cast<void*>(deallocate_iterator)},
                         {0, nullptr}};
  PyType_Spec spec = {"deepbio_torch._C.RecordIterator", sizeof(RecordIterator), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
  module.attr("Record") =
      py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(record_type()));
  module.attr("RecordIterator") = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
}

py::dict report_of(const Reader& reader) {
  if (!reader.reader) throw ArgumentError("SequenceReader: the file is closed");
  py::dict out = to_python(reader.reader->report());
  // The C++ reader counts what it has read, which may be ahead of what Python was given.
  out["num_records"] = reader.num_given;
  return out;
}

std::unique_ptr<Reader> open_reader(const std::string& path, const std::string& alphabet,
                                    const std::string& on_bad_record, int num_threads,
                                    int quality_offset, uint64_t max_record_bytes) {
  io::FastxOptions options;
  options.quality_offset = quality_offset;
  options.max_record_bytes = max_record_bytes;
  options.alphabet = io::parse_letters(alphabet);
  options.open.num_threads = num_threads;
  options.on_bad_record = parse_on_bad_record(on_bad_record);
  auto out = std::make_unique<Reader>();
  out->reader.emplace(std::make_unique<WaitingSource>(io::open_bytes(path, options.open)), options);
  out->format = out->reader->format();
  return out;
}

void close_reader(Reader& reader) {
  if (reader.is_busy)
    throw ArgumentError("SequenceReader: expected one thread at a time, got close() from a second");
  reader.reader.reset();
  reader.error = nullptr;
}

py::bytes fetch(const io::FastaFile& file, const std::string& name, int64_t start,
                std::optional<int64_t> end) {
  const std::string bases = [&] {
    const py::gil_scoped_release no_gil;
    return file.fetch(name, start, end ? *end : file.entry(name).length_bp);
  }();
  return py::bytes(bases);
}

}  // namespace

void bind_records(py::module_& module) {
  py::class_<Reader>(module, "FastxReader")
      .def(py::init(&open_reader), py::arg("path"), py::arg("alphabet") = "any",
           py::arg("on_bad_record") = "raise", py::arg("num_threads") = 1,
           py::arg("quality_offset") = 33, py::arg("max_record_bytes") = uint64_t{0}, NoGil())
      .def("refuse", &Reader::refuse)
      .def("read_batch", &read_batch, py::arg("max_records"), py::arg("titles") = true,
           py::arg("qualities") = true)
      .def("close", &close_reader)
      .def_property_readonly("is_closed", [](const Reader& r) { return !r.reader.has_value(); })
      .def_readonly("num_given", &Reader::num_given)
      .def("report", &report_of)
      .def_property_readonly("format",
                             [](const Reader& r) { return std::string(to_string(r.format)); })
      .def_property_readonly("container", [](const Reader& r) {
        if (!r.reader) throw ArgumentError("SequenceReader: the file is closed");
        return std::string(to_string(r.reader->container()));
      });
  bind_batch(module);
  bind_iterator(module);
  py::class_<io::FastaFile>(module, "FastaFile")
      .def(py::init<const std::string&>(), py::arg("path"), NoGil())
      .def("lengths",
           [](const io::FastaFile& file) {
             py::dict out;
             for (const io::FaiEntry& entry : file.entries())
               out[text(entry.name)] = entry.length_bp;
             return out;
           })
      .def("fetch", &fetch, py::arg("name"), py::arg("start") = 0, py::arg("end") = py::none());
}

}  // namespace deepbio::bindings
