// Batches in page-locked memory, from which an accelerator copies while the program goes on.
//
// torch's allocator of such memory keeps what batches give back and hands it out again once their
// copies are done, so that in a running epoch the same few pieces go round. Threads: free
// functions.
#pragma once

#include "deepbio/data/batch.h"

namespace deepbio::data {

// Every tensor of the batch in page-locked memory. throws c10::Error without an accelerator.
void pin(ReadBatch& batch);
void pin(SampleBatch& batch);

}  // namespace deepbio::data
