#include "deepbio/train/embeddings.h"

#include <ATen/ATen.h>

#include <charconv>

#include "deepbio/base/json.h"
#include "deepbio/io/tables/matrix.h"
#include "deepbio/io/tables/safetensors.h"

namespace deepbio::train {
namespace {

void write_tsv(const std::string& path, const std::vector<std::string>& ids,
               const at::Tensor& vectors, io::Overwrite overwrite) {
  std::string text = "sample_id";
  for (int64_t column = 0; column < vectors.size(1); ++column)
    text += "\tembedding_" + std::to_string(column);
  const float* value = vectors.data_ptr<float>();
  for (const std::string& id : ids) {
    text.append("\n").append(id);
    for (int64_t column = 0; column < vectors.size(1); ++column) {
      char number[32];
      // As few digits as read back to the same float.
      const auto end = std::to_chars(number, number + sizeof number, *value++).ptr;
      text.append("\t").append(number, end);
    }
  }
  io::write_file(path, text + "\n", overwrite);
}

void write_array(const std::string& path, const std::vector<std::string>& ids,
                 const at::Tensor& vectors, io::Overwrite overwrite) {
  io::NpyArray array;
  array.shape = vectors.sizes().vec();
  array.values.assign(vectors.data_ptr<float>(), vectors.data_ptr<float>() + vectors.numel());
  io::write_npy(path, array, overwrite, /*as_float32=*/true);
  std::string lines;
  for (const std::string& id : ids) lines += id + "\n";
  // An array of numbers has no room for ids: the file beside it has a line for each row.
  io::write_file(path.substr(0, path.size() - 4) + ".ids.txt", lines, overwrite);
}

}  // namespace

void write_embeddings(const std::string& path, const std::vector<std::string>& ids,
                      const at::Tensor& vectors, io::Overwrite overwrite) {
  // Writers go through the numbers row by row in memory.
  const at::Tensor rows = vectors.contiguous();
  if (path.ends_with(".npy")) return write_array(path, ids, rows, overwrite);
  if (path.ends_with(".safetensors")) {
    return io::write_safetensors(
        path, {{"embeddings", "F32", rows.sizes().vec(), rows.const_data_ptr(), rows.nbytes()}},
        {{"sample_ids", Json::array_of(ids).dump()}}, overwrite);
  }
  write_tsv(path, ids, rows, overwrite);
}

}  // namespace deepbio::train
