#include "bindings/letters.h"

#include <string>

namespace deepbio::bindings {
namespace {

std::string_view bytes_view(PyObject* bytes) {
  return {PyBytes_AS_STRING(bytes), static_cast<size_t>(PyBytes_GET_SIZE(bytes))};
}

std::string type_name(PyObject* object) { return Py_TYPE(object)->tp_name; }

// A TypeError, as Python's own functions raise for an argument of another type, in one line of
// ours.
[[noreturn]] void refuse(const std::string& message) {
  const py::object type = py::module_::import("deepbio_torch.errors").attr("WrongTypeError");
  PyErr_SetObject(type.ptr(), type(message).ptr());
  throw py::error_already_set();
}

}  // namespace

std::string_view letters_of(const py::handle& sequence, const char* who, py::object& copy) {
  PyObject* const object = sequence.ptr();
  if (PyBytes_Check(object)) return bytes_view(object);
  if (PyUnicode_Check(object)) {
    Py_ssize_t size = 0;
    // ASCII text is UTF-8 already, so this points into the str; other text is encoded once and kept
    // by it.
    const char* const text = PyUnicode_AsUTF8AndSize(object, &size);
    if (text == nullptr) throw py::error_already_set();
    return {text, static_cast<size_t>(size)};
  }
  // Copied: another thread could change or free the bytes while the GIL is let go.
  if (PyByteArray_Check(object) || PyMemoryView_Check(object)) {
    copy = py::reinterpret_steal<py::object>(PyBytes_FromObject(object));
    if (!copy) throw py::error_already_set();
    return bytes_view(copy.ptr());
  }
  refuse(std::string(who) + ": expected bytes or str, got " + type_name(object));
}

Letters::Letters(const py::handle& items) {
  PyObject* const given = items.ptr();
  // One sequence is a sequence of letters to Python and would become reads of one base each.
  if (PyBytes_Check(given) || PyUnicode_Check(given) || PyByteArray_Check(given) ||
      !PySequence_Check(given)) {
    refuse("sequences: expected a list of bytes or str, got " + type_name(given) +
           "; put one into a list");
  }
  items_ =
      py::reinterpret_steal<py::object>(PySequence_Fast(given, "expected a list of str or bytes"));
  if (!items_) throw py::error_already_set();
  const auto size = static_cast<size_t>(PySequence_Fast_GET_SIZE(items_.ptr()));
  PyObject** const objects = PySequence_Fast_ITEMS(items_.ptr());
  views_.reserve(size);
  for (size_t i = 0; i < size; ++i) {
    // The usual case, without making the words for an error.
    if (PyBytes_Check(objects[i])) {
      views_.push_back(bytes_view(objects[i]));
      continue;
    }
    py::object copy;
    const std::string who = "sequence " + std::to_string(i);
    views_.push_back(letters_of(objects[i], who.c_str(), copy));
    if (copy) copies_.push_back(std::move(copy));
  }
}

}  // namespace deepbio::bindings
