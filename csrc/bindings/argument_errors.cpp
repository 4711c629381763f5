// Arguments of a type that C++ cannot take become one line of ours, instead of pybind11's list of
// C++ signatures.
#include <torch/csrc/utils/pybind.h>

#include <string>
#include <vector>

#include "bindings/bindings.h"

namespace deepbio::bindings {
namespace {

using FastCall = PyObject* (*)(PyObject* self, PyObject* const* args, Py_ssize_t num_args,
                               PyObject* names);

// pybind11's one dispatcher, which every bound function is called through.
FastCall dispatcher = nullptr;

std::string type_of(PyObject* value) { return Py_TYPE(value)->tp_name; }

// "    1. (table: deepbio_torch._C.Table, alpha: typing.SupportsFloat = 1.0) -> float" -> what
// is in parentheses, without the folders of types. Only the first of several signatures is
// shown.
std::string parameters_of(const std::string& dump) {
  const size_t first = dump.find("1. ");
  const size_t open = dump.find('(', first),
               end = std::min(dump.find('\n', first), dump.find(" -> ", first));
  if (first == std::string::npos || open == std::string::npos || end == std::string::npos ||
      end <= open)
    return "";
  std::string text = dump.substr(open + 1, end - open - 2);
  for (const char* folder : {"deepbio_torch._C.", "collections.abc.", "typing."}) {
    for (size_t at = text.find(folder); at != text.npos; at = text.find(folder))
      text.erase(at, std::string(folder).size());
  }
  // A method's own object is no argument of the caller's.
  if (text.rfind("self: ", 0) == 0) text.erase(0, std::min(text.find(", "), text.size() - 2) + 2);
  return text;
}

std::string given_types(PyObject* const* args, size_t num_positional, PyObject* names,
                        bool has_self) {
  std::string text;
  const size_t num_named = names == nullptr ? 0 : static_cast<size_t>(PyTuple_GET_SIZE(names));
  for (size_t i = has_self ? 1 : 0; i < num_positional + num_named; ++i) {
    text += text.empty() ? "" : ", ";
    if (i >= num_positional)
      text += py::str(PyTuple_GET_ITEM(names, i - num_positional)).cast<std::string>() + "=";
    text += type_of(args[i]);
  }
  return text.empty() ? "nothing" : text;
}

// Stands in for the dispatcher. The usual call pays one comparison; only a TypeError in pybind11's
// own words is looked at, and any other, such as one raised by the function itself, passes as it
// is.
PyObject* call(PyObject* self, PyObject* const* args, Py_ssize_t num_args, PyObject* names) {
  PyObject* const result = dispatcher(self, args, num_args, names);
  if (result != nullptr || PyErr_ExceptionMatches(PyExc_TypeError) == 0) return result;
  py::error_already_set error;  // takes the error
  const std::string dump = py::str(error.value()).cast<std::string>();
  const size_t kind = dump.find("(): incompatible ");
  if (kind == std::string::npos) {
    error.restore();
    return nullptr;
  }
  // pybind11 lists what it was given without names, but the first of a method is its object.
  const bool has_self =
      dump.compare(kind + 17, 11, "constructor") == 0 || dump.find("(self: ") != std::string::npos;
  std::string name = dump.substr(0, kind);
  const auto count = static_cast<size_t>(PyVectorcall_NARGS(static_cast<size_t>(num_args)));
  if (name == "__init__" && count > 0) name = type_of(args[0]);
  name = name.substr(name.rfind('.') + 1);
  const std::string message = name + ": expected (" + parameters_of(dump) + "), got (" +
                              given_types(args, count, names, has_self) + ")";
  const py::module_ errors = py::module_::import("deepbio_torch.errors");
  const py::object type = errors.attr("WrongTypeError");
  PyErr_SetObject(type.ptr(), type(text(message)).ptr());
  return nullptr;
}

// pybind11 makes every function a PyCFunction around the same C function; its entry in the method
// definition is what is replaced. Other callables, and functions that are replaced already (a
// method under two names), are left alone.
void guard(PyObject* found) {
  if (PyInstanceMethod_Check(found)) found = PyInstanceMethod_GET_FUNCTION(found);
  if (!PyCFunction_Check(found)) return;
  PyMethodDef* const def = reinterpret_cast<PyCFunctionObject*>(found)->m_ml;
  if (def->ml_flags != (METH_FASTCALL | METH_KEYWORDS)) return;
  const auto method = reinterpret_cast<FastCall>(reinterpret_cast<void (*)()>(def->ml_meth));
  if (method == &call) return;
  if (dispatcher == nullptr) dispatcher = method;
  if (method != dispatcher) return;
  def->ml_meth = reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&call));
}

}  // namespace

// After everything is bound.
void guard_arguments(py::module_& module) {
  // Functions of the module, and methods of its classes; a static method hides its function one
  // level deeper.
  for (const auto& [name, member] : module.attr("__dict__").cast<py::dict>()) {
    guard(member.ptr());
    if (!PyType_Check(member.ptr())) continue;
    for (const auto& [inner, method] : py::dict(member.attr("__dict__"))) {
      PyObject* found = method.ptr();
      if (Py_TYPE(found) == &PyStaticMethod_Type) found = method.attr("__func__").ptr();
      guard(found);
    }
  }
}

}  // namespace deepbio::bindings
