// Memory of the fused encoder stack that is used again from step to step: fresh pages cost more
// than the arithmetic that fills them. Free of torch.
//
// A buffer goes back to a process-wide store when its last owner lets go. The store and the buffers
// in use together never hold more than what was in use at one time; beyond that the buffers that
// were idle longest are freed. Threads: may be called from any.
#pragma once

#include <cstdint>
#include <memory>

namespace deepbio::model::encoder {

// At least `floats` floats, aligned to 64 bytes, of any content.
std::shared_ptr<float> take_workspace(int64_t floats);

struct WorkspaceUse {
  int64_t leased_bytes, idle_bytes, peak_bytes;  // peak of leased_bytes
};
WorkspaceUse workspace_use();

}  // namespace deepbio::model::encoder
