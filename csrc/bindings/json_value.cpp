#include "bindings/json_value.h"

#include "bindings/bindings.h"

#include "deepbio/base/error.h"

namespace deepbio::bindings {
namespace {

std::string utf8(const py::handle& value) { return py::str(value).cast<std::string>(); }

// A class has the methods of its objects, too, but is no mapping or array.
bool has_method(const py::handle& value, const char* name) {
  return !PyType_Check(value.ptr()) && py::hasattr(value, name);
}

Json object_of(const py::handle& mapping) {
  Json out = Json::object();
  for (const py::handle& item : py::iter(mapping.attr("items")())) {
    const auto pair = py::reinterpret_borrow<py::tuple>(item);
    out.set(utf8(pair[0]), to_json(pair[1]));
  }
  return out;
}

Json number_of(const py::handle& value) {
  // NumPy's float64 is a float of Python; its other numbers come here through tolist().
  if (PyFloat_Check(value.ptr())) return Json(value.cast<double>());
  const auto whole = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!whole) throw py::error_already_set();
  const long long number = PyLong_AsLongLong(whole.ptr());
  if (number == -1 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw ArgumentError("expected a whole number of at most 64 bits, got " + utf8(value));
  }
  return Json(static_cast<int64_t>(number));
}

}  // namespace

Json to_json(const py::handle& value) {
  if (value.is_none()) return {};
  // Before numbers, of which bool is a subclass. Text and numbers come before the looks for
  // methods, which cost a failed lookup each.
  if (PyBool_Check(value.ptr())) return Json(value.cast<bool>());
  if (PyUnicode_Check(value.ptr())) return Json(value.cast<std::string>());
  if (PyFloat_Check(value.ptr()) || PyLong_Check(value.ptr())) return number_of(value);
  if (has_method(value, "items")) return object_of(value);
  if (has_method(value, "tolist")) return to_json(value.attr("tolist")());
  if (PyIndex_Check(value.ptr())) return number_of(value);
  // bytes are a sequence of small numbers to Python; as an option they are a mistake.
  if (PySequence_Check(value.ptr()) && !PyBytes_Check(value.ptr())) {
    Json out = Json::array();
    for (const py::handle& item : py::iter(value)) out.push_back(to_json(item));
    return out;
  }
  if (has_method(value, "__fspath__")) return Json(utf8(value.attr("__fspath__")()));
  throw ArgumentError("expected a number, text, a list or a mapping, got " +
                      std::string(Py_TYPE(value.ptr())->tp_name));
}

py::object to_python(const Json& value) {
  if (value.is_null()) return py::none();
  if (value.is_bool()) return py::bool_(value.as_bool());
  if (value.is_int()) return py::int_(value.as_int());
  if (value.is_number()) return py::float_(value.as_double());
  if (value.is_string()) return text(value.as_string());
  if (value.is_array()) {
    py::list out;
    for (const Json& item : value.as_array()) out.append(to_python(item));
    return out;
  }
  py::dict out;
  for (const auto& [key, item] : value.as_object()) out[text(key)] = to_python(item);
  return out;
}

}  // namespace deepbio::bindings
