// The memory of this process: blocks that training frees are kept for the next step.
#pragma once

namespace deepbio::tools {

// glibc gives blocks above a threshold back to the system at once; every step would fault them in
// again, which costs up to half of the CPU time of training. Call once at the start of a command;
// does nothing elsewhere than on glibc.
void keep_freed_blocks();

}  // namespace deepbio::tools
