#include "bindings/record_type.h"

#include <cstddef>

#include <structmember.h>

namespace deepbio::bindings {
namespace {

constexpr Py_ssize_t kNumFields = 4;

// Four pointers after Python's own header: the smallest object that can hold a record, and members
// are read without a dict.
struct RecordObject {
  PyObject_HEAD PyObject* fields[kNumFields];  // str, str, bytes, bytes or None
};

// Freed records whose memory the next ones take, as Python does for its own tuples. Guarded by the
// GIL.
constexpr size_t kMaxSpares = 64;
PyObject* spares[kMaxSpares];
size_t num_spares = 0;

PyObject** fields_of(PyObject* record) { return reinterpret_cast<RecordObject*>(record)->fields; }

// Everything that is not hot goes through a tuple, so that indices, slices, order and hash are
// exactly Python's.
PyObject* as_tuple(PyObject* record) {
  PyObject** const f = fields_of(record);
  return PyTuple_Pack(kNumFields, f[0], f[1], f[2], f[3]);
}

PyObject* construct(PyTypeObject*, PyObject* arguments, PyObject* keywords) {
  static const char* names[] = {"name", "description", "sequence", "quality", nullptr};
  PyObject *name = nullptr, *description = nullptr, *sequence = nullptr, *quality = nullptr;
  // "UUSO": two str, bytes and any object, whose type is looked at below, as the format has no
  // letter for "bytes or None".
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "UUSO:Record", const_cast<char**>(names),
                                  &name, &description, &sequence, &quality) == 0) {
    return nullptr;
  }
  if (quality != Py_None && !PyBytes_Check(quality)) {
    PyErr_Format(PyExc_TypeError, "Record: expected bytes or None as quality, got %.100s",
                 Py_TYPE(quality)->tp_name);
    return nullptr;
  }
  // The arguments are borrowed and a record owns its fields.
  return new_record(Py_NewRef(name), Py_NewRef(description), Py_NewRef(sequence),
                    Py_NewRef(quality));
}

void deallocate(PyObject* record) {
  PyTypeObject* const type = Py_TYPE(record);
  for (Py_ssize_t i = 0; i < kNumFields; ++i) Py_XDECREF(fields_of(record)[i]);
  if (num_spares < kMaxSpares) {  // keeps its reference to the type
    spares[num_spares++] = record;
    return;
  }
  PyObject_Free(record);
  Py_DECREF(type);
}

Py_ssize_t length(PyObject*) { return kNumFields; }

// Through the tuple of the fields: iteration, indices and slices.
PyObject* iterate(PyObject* record) {
  PyObject* const tuple = as_tuple(record);
  PyObject* const out = tuple ? PyObject_GetIter(tuple) : nullptr;
  Py_XDECREF(tuple);
  return out;
}

PyObject* item(PyObject* record, PyObject* which) {
  PyObject* const tuple = as_tuple(record);
  PyObject* const out = tuple ? PyObject_GetItem(tuple, which) : nullptr;
  Py_XDECREF(tuple);
  return out;
}

// As tuples of the four fields; a tuple is equal to a Record with the same fields.
PyObject* compare(PyObject* left, PyObject* right, int operation) {
  const bool is_comparable = Py_IS_TYPE(right, record_type()) || PyTuple_Check(right);
  if (!is_comparable) Py_RETURN_NOTIMPLEMENTED;
  PyObject* const first = as_tuple(left);
  PyObject* const second = PyTuple_Check(right) ? Py_NewRef(right) : as_tuple(right);
  PyObject* const out = first && second ? PyObject_RichCompare(first, second, operation) : nullptr;
  Py_XDECREF(first);
  Py_XDECREF(second);
  return out;
}

Py_hash_t hash(PyObject* record) {
  PyObject* const tuple = as_tuple(record);
  if (tuple == nullptr) return -1;
  const Py_hash_t out = PyObject_Hash(tuple);
  Py_DECREF(tuple);
  return out;
}

PyObject* describe(PyObject* record) {
  PyObject** const f = fields_of(record);
  return PyUnicode_FromFormat("Record(name=%R, description=%R, sequence=%R, quality=%R)", f[0],
                              f[1], f[2], f[3]);
}

// For pickle and copy: the class and its four arguments. "N" takes the new tuple over.
PyObject* reduce(PyObject* record, PyObject*) {
  return Py_BuildValue("(ON)", reinterpret_cast<PyObject*>(Py_TYPE(record)), as_tuple(record));
}

PyTypeObject* make_type() {
  static PyMemberDef members[] = {
      {"name", T_OBJECT_EX, offsetof(RecordObject, fields), READONLY,
       "str: the title up to the first white space"},
      {"description", T_OBJECT_EX, offsetof(RecordObject, fields) + sizeof(PyObject*), READONLY,
       "str: the rest of the title"},
      {"sequence", T_OBJECT_EX, offsetof(RecordObject, fields) + 2 * sizeof(PyObject*), READONLY,
       "bytes: letters as in the file"},
      {"quality", T_OBJECT_EX, offsetof(RecordObject, fields) + 3 * sizeof(PyObject*), READONLY,
       "bytes: as in the file (Phred + 33); None in FASTA"},
      {nullptr, 0, 0, 0, nullptr}};
  static PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr},
                                  {nullptr, nullptr, 0, nullptr}};
  static PyType_Slot slots[] = {
      {Py_tp_doc,
       const_cast<char*>("One record: ``name``, ``description``, ``sequence``, ``quality``.\n\n"
                         "Unpacks and compares as a tuple of these four; cannot be changed.")},
      {Py_tp_new, reinterpret_cast<void*>(construct)},
      {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
      {Py_tp_members, members},
      {Py_tp_methods, methods},
      {Py_tp_iter, reinterpret_cast<void*>(iterate)},
      {Py_mp_length, reinterpret_cast<void*>(length)},
      {Py_mp_subscript, reinterpret_cast<void*>(item)},
      {Py_tp_richcompare, reinterpret_cast<void*>(compare)},
      {Py_tp_hash, reinterpret_cast<void*>(hash)},
      {Py_tp_repr, reinterpret_cast<void*>(describe)},
      {0, nullptr}};
  static PyType_Spec spec = {"deepbio_torch.Record", sizeof(RecordObject), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};
  return reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
}

// Uninitialised fields; null with Python's error when there is no memory.
PyObject* allocate() {
  if (num_spares == 0)
    return reinterpret_cast<PyObject*>(PyObject_New(RecordObject, record_type()));
  PyObject* const record = spares[--num_spares];
  // It had fallen to 0. The reference to its type was kept with it.
  Py_SET_REFCNT(record, 1);
  return record;
}

}  // namespace

PyTypeObject* record_type() {
  static PyTypeObject* const type = make_type();
  return type;
}

PyObject* new_record(PyObject* name, PyObject* description, PyObject* sequence, PyObject* quality) {
  PyObject* const values[kNumFields] = {name, description, sequence, quality};
  PyObject* record = nullptr;
  if (name != nullptr && description != nullptr && sequence != nullptr && quality != nullptr) {
    record = allocate();
  }
  for (Py_ssize_t i = 0; i < kNumFields; ++i) {
    // On failure every reference that was handed over is let go, so a caller need not know which
    // one was null.
    if (record != nullptr) {
      fields_of(record)[i] = values[i];
    } else {
      Py_XDECREF(values[i]);
    }
  }
  return record;
}

}  // namespace deepbio::bindings
