// torch.distributed for the C++ trainer, which knows no process group of torch: it asks for the sum
// of a tensor over all processes, and gets it from a function of Python.
#pragma once

#include "bindings/bindings.h"

#include "deepbio/train/process_group.h"

namespace deepbio::bindings {

// (rank, world_size, all_reduce) of deepbio_torch/_processes.py, or None: a process alone. The
// object outlives what is returned, which may be used without the GIL.
train::ProcessGroup process_group_of(const py::object& group);

}  // namespace deepbio::bindings
