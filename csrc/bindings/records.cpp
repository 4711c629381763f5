// Records of sequence files: the iterator under SequenceReader, batches of records as flat tensors, FASTA windows.
//
// A record becomes a Python object in one call of a slot written by hand, since pybind11's dispatch would cost more
// than reading the record does; only the refill, once in some hundred records, goes through pybind11, which lets
// go of the GIL and translates errors.
#include <exception>
#include <optional>

#include "bindings/bindings.h"

#include "deepbio/base/error.h"
#include "deepbio/io/fasta_index.h"

namespace deepbio::bindings {
namespace {

constexpr int64_t kChunkRecords = 256, kStepRecords = 8;
constexpr size_t kChunkBytes = size_t{1} << 17;

// Reads some records ahead. A bad record is raised after the good ones in front of it, and again by every later call.
struct Reader {
  std::optional<io::FastxReader> reader;  // none: closed
  io::RecordBatch chunk;
  int64_t at = 0;  // in the chunk, of the next record
  int64_t num_given = 0;
  std::exception_ptr error;
  bool is_fastq = false, is_busy = false;

  // Marks the reader as in use while the GIL is let go, so that a second thread gets an error, not half a record.
  class Use {
   public:
    explicit Use(Reader& owner) : owner_(owner) {
      if (owner.is_busy) throw ArgumentError("SequenceReader: expected one thread at a time, got a second one");
      if (!owner.reader) throw ArgumentError("SequenceReader: the file is closed");
      owner.is_busy = true;
    }
    ~Use() { owner_.is_busy = false; }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    Reader& owner_;
  };

  // A new chunk; false at the end. Without the GIL.
  bool refill() {
    if (error) std::rethrow_exception(error);
    chunk.clear();
    at = 0;
    try {
      while (chunk.size() < kChunkRecords && chunk.sequences.size() < kChunkBytes) {
        if (reader->read(chunk, kStepRecords) == 0) break;
      }
    } catch (...) {
      error = std::current_exception();
      if (chunk.size() == 0) throw;
    }
    return chunk.size() > 0;
  }

  // Up to max_records: first what was read ahead. Without the GIL.
  void take(int64_t max_records, io::RecordBatch& out) {
    for (; at < chunk.size() && out.size() < max_records; ++at) {
      out.append(io::RecordView{chunk.name(at), chunk.description(at), chunk.sequence(at), chunk.quality(at)});
    }
    if (out.size() == max_records) return;
    if (error) {
      if (out.size() == 0) std::rethrow_exception(error);
      return;
    }
    try {
      reader->read(out, max_records - out.size());
    } catch (...) {
      error = std::current_exception();
      if (out.size() == 0) throw;
    }
  }
};

bool refill(Reader& reader) {
  const Reader::Use use(reader);
  bool has_records = false;
  {
    const py::gil_scoped_release no_gil;
    has_records = reader.refill();
  }
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  return has_records;
}

// The memory of data as a tensor, without a copy; owner keeps it alive.
template <class Value>
torch::Tensor tensor_over(std::shared_ptr<io::RecordBatch> owner, const Value* data, size_t size, torch::Dtype dtype) {
  if (size == 0) return torch::empty({0}, dtype);
  return torch::from_blob(
      const_cast<Value*>(data), {static_cast<int64_t>(size)}, [owner](void*) {}, dtype);
}

// Flat buffers and offsets of up to max_records; None at the end.
py::object read_batch(Reader& reader, int64_t max_records) {
  if (max_records < 1) throw ArgumentError("batches: expected 1 or more, got " + std::to_string(max_records));
  const Reader::Use use(reader);
  auto batch = std::make_shared<io::RecordBatch>();
  py::dict out;
  {
    const py::gil_scoped_release no_gil;
    reader.take(max_records, *batch);
  }
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  if (batch->size() == 0) return py::none();
  reader.num_given += batch->size();
  const auto bytes = [&](const std::string& data) {
    return tensor_over(batch, data.data(), data.size(), torch::kByte);
  };
  const auto numbers = [&](const std::vector<int64_t>& offsets) {
    return tensor_over(batch, offsets.data(), offsets.size(), torch::kLong);
  };
  out["sequences"] = bytes(batch->sequences);
  out["offsets"] = numbers(batch->sequence_offsets);
  out["qualities"] = reader.is_fastq ? py::cast(bytes(batch->qualities)) : py::object(py::none());
  out["names"] = bytes(batch->names);
  out["name_offsets"] = numbers(batch->name_offsets);
  out["descriptions"] = bytes(batch->descriptions);
  out["description_offsets"] = numbers(batch->description_offsets);
  return out;
}

// Titles may hold any bytes; those that are no UTF-8 become surrogates, as in Python's own file names.
PyObject* to_text(std::string_view text) {
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape");
}

PyObject* to_bytes(std::string_view text) {
  return PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
}

// --- RecordIterator: a type written by hand, base of deepbio_torch.SequenceReader ------------------------

struct RecordIterator {
  PyObject_HEAD PyObject* owner;  // the Python object of reader
  PyTypeObject* record;           // deepbio_torch.Record, a named tuple of four
  PyObject* description;          // of the record before: reads of one run often share it
  Reader* reader;
};

RecordIterator* as_iterator(PyObject* self) { return reinterpret_cast<RecordIterator*>(self); }

// A named tuple (name, description, sequence, quality) of the next record of the chunk.
PyObject* make_record(RecordIterator& self) {
  Reader& reader = *self.reader;
  const int64_t i = reader.at;
  PyObject* const out = self.record->tp_alloc(self.record, 4);
  if (out == nullptr) return nullptr;
  const std::string_view description = reader.chunk.description(i);
  const std::string_view before = i > 0 ? reader.chunk.description(i - 1) : std::string_view();
  if (self.description == nullptr || i == 0 || description != before) {
    PyObject* const text = to_text(description);
    Py_XSETREF(self.description, text);
  }
  PyTuple_SET_ITEM(out, 0, to_text(reader.chunk.name(i)));
  PyTuple_SET_ITEM(out, 1, Py_XNewRef(self.description));
  PyTuple_SET_ITEM(out, 2, to_bytes(reader.chunk.sequence(i)));
  PyTuple_SET_ITEM(out, 3, reader.is_fastq ? to_bytes(reader.chunk.quality(i)) : Py_NewRef(Py_None));
  for (Py_ssize_t field = 0; field < 4; ++field) {
    if (PyTuple_GET_ITEM(out, field) != nullptr) continue;
    Py_DECREF(out);
    return nullptr;
  }
  ++reader.at;
  ++reader.num_given;
  return out;
}

PyObject* next_record(PyObject* object) {
  RecordIterator& self = *as_iterator(object);
  if (self.reader == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "RecordIterator: bind() was not called");
    return nullptr;
  }
  if (self.reader->at >= self.reader->chunk.size() || self.reader->is_busy) {
    PyObject* const found = PyObject_CallMethod(self.owner, "refill", nullptr);
    if (found == nullptr) return nullptr;
    const bool has_records = found == Py_True;
    Py_DECREF(found);
    if (!has_records) return nullptr;  // the end
  }
  return make_record(self);
}

PyObject* bind_reader(PyObject* object, PyObject* arguments) {
  RecordIterator& self = *as_iterator(object);
  PyObject *owner = nullptr, *record = nullptr;
  if (!PyArg_ParseTuple(arguments, "OO!", &owner, &PyType_Type, &record)) return nullptr;
  auto* const type = reinterpret_cast<PyTypeObject*>(record);
  if (!py::isinstance<Reader>(owner) || !PyType_IsSubtype(type, &PyTuple_Type) ||
      type->tp_basicsize != PyTuple_Type.tp_basicsize) {
    PyErr_SetString(PyExc_TypeError, "bind: expected a FastxReader and a named tuple type");
    return nullptr;
  }
  Py_XSETREF(self.owner, Py_NewRef(owner));
  Py_XSETREF(self.record, reinterpret_cast<PyTypeObject*>(Py_NewRef(record)));
  self.reader = py::cast<Reader*>(py::handle(owner));
  Py_RETURN_NONE;
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(as_iterator(object)->owner);
  Py_VISIT(as_iterator(object)->record);
  return 0;
}

int clear(PyObject* object) {
  as_iterator(object)->reader = nullptr;
  Py_CLEAR(as_iterator(object)->owner);
  Py_CLEAR(as_iterator(object)->record);
  Py_CLEAR(as_iterator(object)->description);
  return 0;
}

void deallocate(PyObject* object) {
  PyTypeObject* const type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  clear(object);
  type->tp_free(object);
  Py_DECREF(type);
}

void bind_iterator(py::module_& module) {
  static PyMethodDef methods[] = {{"bind", bind_reader, METH_VARARGS, "Takes records from this FastxReader."},
                                  {nullptr, nullptr, 0, nullptr}};
  PyType_Slot slots[] = {{Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
                         {Py_tp_iternext, reinterpret_cast<void*>(next_record)},
                         {Py_tp_methods, methods},
                         {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                         {Py_tp_clear, reinterpret_cast<void*>(clear)},
                         {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
                         {0, nullptr}};
  PyType_Spec spec = {"deepbio_torch._C.RecordIterator", sizeof(RecordIterator), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
  module.attr("RecordIterator") = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
}

py::dict report_of(const Reader& reader) {
  if (!reader.reader) throw ArgumentError("SequenceReader: the file is closed");
  py::dict out = to_python(reader.reader->report());
  out["num_records"] = reader.num_given;
  return out;
}

std::unique_ptr<Reader> open_reader(const std::string& path, const std::string& alphabet,
                                    const std::string& on_bad_record, int num_threads) {
  io::FastxOptions options;
  options.alphabet = io::parse_letters(alphabet);
  options.open.num_threads = num_threads;
  options.on_bad_record = parse_on_bad_record(on_bad_record);
  auto out = std::make_unique<Reader>();
  out->reader.emplace(path, options);
  out->is_fastq = out->reader->format() == io::Format::kFastq;
  return out;
}

void close_reader(Reader& reader) {
  if (reader.is_busy) throw ArgumentError("SequenceReader: expected one thread at a time, got close() from a second");
  reader.reader.reset();
  reader.chunk = {};
  reader.at = 0;
  reader.error = nullptr;
}

py::bytes fetch(const io::FastaFile& file, const std::string& name, int64_t start, std::optional<int64_t> end) {
  const std::string bases = [&] {
    const py::gil_scoped_release no_gil;
    return file.fetch(name, start, end ? *end : file.entry(name).length_bp);
  }();
  return py::bytes(bases);
}

}  // namespace

void bind_records(py::module_& module) {
  py::class_<Reader>(module, "FastxReader")
      .def(py::init(&open_reader), py::arg("path"), py::arg("alphabet") = "any", py::arg("on_bad_record") = "raise",
           py::arg("num_threads") = 1, NoGil())
      .def("refill", &refill)
      .def("read_batch", &read_batch, py::arg("max_records"))
      .def("close", &close_reader)
      .def_property_readonly("is_closed", [](const Reader& r) { return !r.reader.has_value(); })
      .def_readonly("num_given", &Reader::num_given)
      .def("report", &report_of)
      .def_property_readonly("format",
                             [](const Reader& r) { return r.is_fastq ? std::string("fastq") : std::string("fasta"); })
      .def_property_readonly("container", [](const Reader& r) {
        if (!r.reader) throw ArgumentError("SequenceReader: the file is closed");
        return std::string(to_string(r.reader->container()));
      });
  bind_iterator(module);
  py::class_<io::FastaFile>(module, "FastaFile")
      .def(py::init<const std::string&>(), py::arg("path"), NoGil())
      .def("lengths",
           [](const io::FastaFile& file) {
             py::dict out;
             for (const io::FaiEntry& entry : file.entries()) out[py::str(entry.name)] = entry.length_bp;
             return out;
           })
      .def("fetch", &fetch, py::arg("name"), py::arg("start") = 0, py::arg("end") = py::none());
}

}  // namespace deepbio::bindings
