// Embeddings of samples as files.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "deepbio/io/bytes/output.h"

namespace deepbio::train {

// vectors float32 [N, D], a row for each id. By the ending of the name: .npy with .ids.txt beside
// it, .safetensors (tensor `embeddings`, ids in its metadata), else text with tabs ("-": standard
// output).
//   throws WriteError
void write_embeddings(const std::string& path, const std::vector<std::string>& ids,
                      const at::Tensor& vectors, io::Overwrite overwrite);

}  // namespace deepbio::train
