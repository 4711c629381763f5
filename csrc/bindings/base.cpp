// Errors: each C++ class arrives as the Python class of the same name in deepbio_torch.errors,
// fields as attributes. Text of files. Randomness of Python transforms.
#include <cstring>
#include <exception>

#include "bindings/bindings.h"

#include "deepbio/base/block_pool.h"
#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/base/spelling.h"

namespace deepbio::bindings {
namespace {

// Eight bytes at a time and without an early end: titles are short and nearly always ASCII.
bool is_ascii(std::string_view text) {
  uint64_t high = 0, word = 0;
  size_t at = 0;
  for (; at + sizeof(word) <= text.size(); at += sizeof(word)) {
    std::memcpy(&word, text.data() + at, sizeof(word));
    high |= word;
  }
  for (; at < text.size(); ++at) high |= static_cast<unsigned char>(text[at]);
  return (high & 0x8080808080808080u) == 0;
}

std::string kind_name(ErrorKind kind) { return std::string(to_string(kind)); }

py::object number_or_none(int64_t value) {
  return value < 0 ? py::object(py::none()) : py::cast(value);
}

// The Python class is looked up when it is needed: errors are rare, and to import it while this
// module is imported could go round in a circle.
template <class... Args>
void raise(const char* name, Args&&... args) {
  const py::object type = py::module_::import("deepbio_torch.errors").attr(name);
  const py::object error = type(std::forward<Args>(args)...);
  PyErr_SetObject(type.ptr(), error.ptr());
}

// The message with options as Python spells them.
py::str told(const Error& error) { return text(spelled_for_python(error.what())); }

// The most derived classes first, as `catch` takes the first that fits. What is none of ours is
// left to pybind11, which knows std::bad_alloc (MemoryError), std::out_of_range (IndexError) and
// its own.
void translate(std::exception_ptr pointer) {
  if (!pointer) return;
  try {
    std::rethrow_exception(pointer);
  } catch (const ParseError& e) {
    const Place& place = e.place();
    raise("ParseError", told(e), text(place.path), number_or_none(place.record),
          number_or_none(place.line), number_or_none(place.offset_bytes),
          text(spelled_for_python(e.expected())), text(e.got()), kind_name(e.kind()));
  } catch (const MissingFileError& e) {
    raise("MissingFileError", told(e), text(e.path()));
  } catch (const WriteError& e) {
    raise("WriteError", told(e));
  } catch (const ArgumentError& e) {
    raise("ArgumentError", told(e));
  } catch (const ShapeError& e) {
    raise("ShapeError", told(e));
  } catch (const ConfigError& e) {
    raise("ConfigError", told(e));
  } catch (const Error& e) {
    raise("DeepBioError", told(e));
  }
}

}  // namespace

PyObject* to_text(std::string_view text) {
  if (text.size() > 1 && is_ascii(text)) {  // Python keeps one object for each shorter text
    // One copy of the bytes, without the passes that a decoder makes over them.
    PyObject* const out = PyUnicode_New(static_cast<Py_ssize_t>(text.size()), 127);
    if (out != nullptr) std::memcpy(PyUnicode_1BYTE_DATA(out), text.data(), text.size());
    return out;
  }
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape");
}

py::str text(std::string_view text) {
  PyObject* const made = to_text(text);
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(made);
}

py::list texts(const std::vector<std::string>& items) {
  py::list out(items.size());
  for (size_t i = 0; i < items.size(); ++i) out[i] = text(items[i]);
  return out;
}

void bind_base(py::module_& module) {
  py::register_exception_translator(&translate);
  // A seed for generators of torch, which have no epochs of their own.
  module.def(
      "mixed_seed",
      [](uint64_t seed, uint64_t epoch) {
        // 63 bits, so that it is a seed for torch as int64, too.
        return CounterRandom(seed, epoch, 0, Purpose::kOrder).next_u64() >> 1;
      },
      py::arg("seed"), py::arg("epoch"));
  module.def(
      "augmentation_draw",
      [](uint64_t seed, uint64_t epoch, uint64_t record_index) {
        return CounterRandom(seed, epoch, record_index, Purpose::kAugmentation).uniform();
      },
      py::arg("seed"), py::arg("epoch"), py::arg("record_index"));
  module.def("release_blocks", &release_blocks);
  module.def("block_counts", [] {
    const BlockCounts counts = block_counts();
    py::dict out;
    out["num_waiting"] = counts.num_waiting;
    out["waiting_bytes"] = counts.waiting_bytes;
    out["num_fresh"] = counts.num_fresh;
    out["num_reused"] = counts.num_reused;
    return out;
  });
}

}  // namespace deepbio::bindings
