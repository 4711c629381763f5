#include "bindings/process_group.h"

#include "tools/command.h"

#include "deepbio/base/error.h"

namespace deepbio::bindings {
namespace {

// `deepbio train` in this process, which trains together with others.
int run_command(std::vector<std::string> arguments, const py::object& group) {
  const train::ProcessGroup processes = process_group_of(group);
  // C's own form, with the null at the end that a parser of arguments may rely on. It points into
  // `arguments`, which lives as long as the call.
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const py::gil_scoped_release no_gil;
  return tools::run_command(static_cast<int>(arguments.size()), argv.data(), &processes);
}

}  // namespace

train::ProcessGroup process_group_of(const py::object& group) {
  train::ProcessGroup out;
  if (group.is_none()) return out;
  const auto [rank, world_size, all_reduce] =
      group.cast<std::tuple<int64_t, int64_t, py::object>>();
  out.rank = rank;
  out.world_size = world_size;
  // A plain pointer: std::function copies what it holds, and a counted reference may not be copied
  // without the GIL.
  out.all_reduce = [function = all_reduce.ptr()](torch::Tensor& tensor) {
    const py::gil_scoped_acquire gil;
    try {
      (void)py::handle(function)(tensor);
    } catch (const py::error_already_set& error) {
      if (!error.matches(PyExc_Exception)) throw;  // Ctrl-C
      // As an error of the library: it holds text only, so the GIL is not needed to carry or to
      // drop it.
      throw Error(py::str(error.value()).cast<std::string>());
    }
  };
  return out;
}

void bind_command(py::module_& module) {
  module.def("run_command", &run_command, py::arg("arguments"), py::arg("process_group"));
}

}  // namespace deepbio::bindings
