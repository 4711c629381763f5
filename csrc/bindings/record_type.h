// deepbio_torch.Record: name, description, sequence, quality, as a type written by hand, since
// making and freeing a named tuple costs as much as reading a record does. It is no container for
// Python's garbage collector: its fields are text and bytes, so no cycle can go through it.
// Threads: as any Python object, with the GIL held.
#pragma once

#include <torch/csrc/python_headers.h>

namespace deepbio::bindings {

// The type, made at the first call. Null and a Python error when memory is short.
PyTypeObject* record_type();
// A record from four new references, which it takes over; null, with the references let go, when
// one of them is null.
PyObject* new_record(PyObject* name, PyObject* description, PyObject* sequence, PyObject* quality);

}  // namespace deepbio::bindings
