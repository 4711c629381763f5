// Errors: each C++ class arrives as the Python class of the same name in deepbio_torch.errors, fields as attributes.
// Randomness of Python transforms.
#include <exception>

#include "bindings/bindings.h"

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"

namespace deepbio::bindings {
namespace {

std::string kind_name(ErrorKind kind) { return std::string(to_string(kind)); }

py::object number_or_none(int64_t value) { return value < 0 ? py::object(py::none()) : py::cast(value); }

template <class... Args>
void raise(const char* name, Args&&... args) {
  const py::object type = py::module_::import("deepbio_torch.errors").attr(name);
  const py::object error = type(std::forward<Args>(args)...);
  PyErr_SetObject(type.ptr(), error.ptr());
}

void translate(std::exception_ptr pointer) {
  if (!pointer) return;
  try {
    std::rethrow_exception(pointer);
  } catch (const ParseError& e) {
    const Place& place = e.place();
    raise("ParseError", e.what(), place.path, number_or_none(place.record), number_or_none(place.line),
          number_or_none(place.offset_bytes), e.expected(), e.got(), kind_name(e.kind()));
  } catch (const MissingFileError& e) {
    raise("MissingFileError", e.what(), e.path());
  } catch (const WriteError& e) {
    raise("WriteError", e.what());
  } catch (const ArgumentError& e) {
    raise("ArgumentError", e.what());
  } catch (const ShapeError& e) {
    raise("ShapeError", e.what());
  } catch (const ConfigError& e) {
    raise("ConfigError", e.what());
  } catch (const Error& e) {
    raise("DeepBioError", e.what());
  }
}

}  // namespace

void bind_base(py::module_& module) {
  py::register_exception_translator(&translate);
  module.def(
      "augmentation_draw",
      [](uint64_t seed, uint64_t epoch, uint64_t record_index) {
        return CounterRandom(seed, epoch, record_index, Purpose::kAugmentation).uniform();
      },
      py::arg("seed"), py::arg("epoch"), py::arg("record_index"));
}

}  // namespace deepbio::bindings
