// Sequences of a Python caller: a list of str, bytes, bytearray or memoryview, seen as bytes
// without a copy where that is possible. Threads: made with the GIL held; the views may be read
// without it.
#pragma once

#include <string_view>
#include <vector>

#include "bindings/bindings.h"

namespace deepbio::bindings {

class Letters {
 public:
  // throws WrongTypeError: one sequence instead of a list, an item of another type, with its place.
  explicit Letters(const py::handle& items);
  // In the order of the list; they live as long as this object.
  const std::vector<std::string_view>& views() const { return views_; }

 private:
  py::object items_;
  std::vector<py::object> copies_;  // of what could change while the views are read
  std::vector<std::string_view> views_;
};

// One sequence; `copy` keeps what had to be copied alive. throws WrongTypeError: another type,
// naming `who`.
std::string_view letters_of(const py::handle& sequence, const char* who, py::object& copy);

}  // namespace deepbio::bindings
