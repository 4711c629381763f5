#include "deepbio/community/distance_parts.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "deepbio/base/content_hash.h"
#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/community/unifrac.h"
#include "deepbio/io/tables/safetensors.h"

namespace deepbio::community {
namespace {

constexpr const char* kFormat = "deepbio distances part 1";
// More than any cluster runs; a count for each part is kept, whatever a damaged file says.
constexpr int64_t kMostParts = 1'000'000;

int64_t whole_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

// Everything that a distance depends on, and nothing more: not the number of the part, nor threads.
std::string content_of(const DistanceRequest& request, const CountTable& table,
                       const Phylogeny& phylogeny) {
  const UnifracOptions options = request.unifrac_options();
  ContentHash hash;
  hash.add(table.sample_ids);
  hash.add(table.indptr);
  hash.add(table.indices);
  hash.add(table.values);
  hash.add(phylogeny.parent);
  hash.add(phylogeny.length);
  hash.add(phylogeny.branch_of);
  hash.add(std::string_view(request.metric + " " + request.precision + " " +
                            Json(options.alpha).dump() + (options.variance_adjusted ? " v" : "") +
                            (options.bypass_tips ? " b" : "")));
  return hash.hex();
}

void write_part(const std::string& path, const DistanceRequest& request, const CountTable& table,
                const Phylogeny& phylogeny, io::Overwrite overwrite) {
  const PartNumber number = parse_part(request.part);
  const at::Tensor values =
      distances_of_columns(phylogeny, branch_profiles(table, phylogeny), request.unifrac_options(),
                           samples_of_part(number, table.num_samples()));
  io::write_safetensors(path,
                        {{"distances", values.scalar_type() == at::kFloat ? "F32" : "F64",
                          values.sizes().vec(), values.const_data_ptr(), values.nbytes()}},
                        {{"format", kFormat},
                         {"part", request.part},
                         {"content", content_of(request, table, phylogeny)},
                         {"sample_ids", Json::array_of(table.sample_ids).dump()}},
                        overwrite);
}

struct Part {
  PartNumber number;
  std::string content;
  std::vector<std::string> ids;
  at::Tensor values;  // float64 [pairs]
};

// The pairs of a file, which may be damaged: its numbers are read as what they are, or not at all.
at::Tensor pairs_of(const io::TensorEntry& entry, const std::string& path) {
  const bool is_float = entry.dtype == "F32";
  if (entry.shape.size() != 1 || (!is_float && entry.dtype != "F64")) {
    throw ParseError({path}, "`distances` of one axis, F32 or F64",
                     std::to_string(entry.shape.size()) + " axes of " + entry.dtype);
  }
  return at::from_blob(const_cast<void*>(entry.data), entry.shape,
                       is_float ? at::kFloat : at::kDouble)
      .to(at::kDouble, /*non_blocking=*/false, /*copy=*/true);
}

PartNumber number_of_part(const std::string& text, const std::string& path) {
  try {
    return parse_part(text);
  } catch (const ArgumentError& error) {
    throw ArgumentError(path + ": " + error.what());
  }
}

Part read_part(const std::string& path) {
  const io::SafetensorsFile file = io::read_safetensors(path);
  const auto about = [&](const char* key) {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? std::string() : found->second;
  };
  const io::TensorEntry* entry = file.find("distances");
  if (about("format") != kFormat || entry == nullptr) {
    throw ArgumentError(path +
                        ": expected a part of distances, as `part` of `deepbio unifrac` "
                        "writes it, got another safetensors file");
  }
  Part part{number_of_part(about("part"), path), about("content"), {}, {}};
  // A loop over a temporary's parts would outlive it.
  const Json ids = Json::parse(about("sample_ids"), path);
  for (const Json& id : ids.as_array()) part.ids.push_back(id.as_string());
  part.values = pairs_of(*entry, path);
  return part;
}

// Each part once, all of one matrix.
std::vector<Part> read_parts(const std::vector<std::string>& paths) {
  if (paths.empty()) throw ArgumentError("distances: expected the files of all parts, got none");
  std::map<int64_t, std::pair<std::string, Part>> found;
  for (const std::string& path : paths) {
    Part part = read_part(path);
    const auto& [first_path, first] = found.empty() ? std::pair(path, part) : found.begin()->second;
    if (part.content != first.content || part.number.parts != first.number.parts ||
        part.ids != first.ids) {
      throw ArgumentError(path + ": is a part of other distances than " + first_path +
                          " (another table, tree, metric or number of parts)");
    }
    // A part that is given twice would otherwise hide that another is missing.
    const auto [place, is_new] = found.try_emplace(part.number.part, path, part);
    if (!is_new) {
      throw ArgumentError(path + ": is part " + std::to_string(part.number.part) + " of " +
                          std::to_string(part.number.parts) + ", as " + place->second.first);
    }
  }
  std::vector<Part> parts;
  std::string missing;
  for (int64_t number = 1; number <= found.begin()->second.second.number.parts; ++number) {
    const auto place = found.find(number);
    if (place == found.end()) {
      missing += (missing.empty() ? "" : ", ") + std::to_string(number);
    } else {
      parts.push_back(std::move(place->second.second));
    }
  }
  if (missing.empty()) return parts;
  throw ArgumentError("distances: of " + std::to_string(parts[0].number.parts) +
                      " parts these are missing: " + missing);
}

}  // namespace

PartNumber parse_part(const std::string& text) {
  const size_t slash = text.find('/');
  PartNumber number{0, 0};
  if (slash != std::string::npos) {
    number = {whole_number(std::string_view(text).substr(0, slash)),
              whole_number(std::string_view(text).substr(slash + 1))};
  }
  if (number.part < 1 || number.part > number.parts || number.parts > kMostParts) {
    throw ArgumentError("`part`: expected a number of all, 1/8 to 8/8 of eight, got " +
                        quoted(text));
  }
  return number;
}

// The same for each job without their talking to each other: greedy, largest first, ties to the
// lowest part. Sample j has j pairs, so that equal numbers of samples would be unequal work.
// kColumnsTogether neighbours stay together because the kernel computes so many columns in one pass
// over the tree.
std::vector<bool> samples_of_part(PartNumber number, int64_t num_samples) {
  std::vector<bool> is_wanted(static_cast<size_t>(num_samples), false);
  std::vector<int64_t> num_pairs(static_cast<size_t>(number.parts), 0);
  for (int64_t first = (num_samples - 1) / kColumnsTogether * kColumnsTogether; first >= 0;
       first -= kColumnsTogether) {
    const auto least = std::min_element(num_pairs.begin(), num_pairs.end());
    const int64_t end = std::min(first + kColumnsTogether, num_samples);
    for (int64_t sample = first; sample < end; ++sample) {
      *least += sample;
      is_wanted[static_cast<size_t>(sample)] = least - num_pairs.begin() == number.part - 1;
    }
  }
  return is_wanted;
}

at::Tensor write_requested_distances(const std::string& path, const DistanceRequest& request,
                                     const CountTable& table, const Phylogeny* phylogeny,
                                     io::Overwrite overwrite) {
  if (!request.part.empty()) {
    write_part(path, request, table, *phylogeny, overwrite);
    return {};
  }
  at::Tensor distances = request.of(table, phylogeny);
  write_named_distances(path, {table.sample_ids, distances},
                        {overwrite, request.precision == "float"});
  return distances;
}

NamedDistances merge_distance_parts(const std::vector<std::string>& paths) {
  const std::vector<Part> parts = read_parts(paths);
  NamedDistances out;
  out.ids = parts[0].ids;
  const auto size = static_cast<int64_t>(out.ids.size());
  out.values = at::zeros({size, size}, at::kDouble);
  double* const matrix = out.values.mutable_data_ptr<double>();
  for (const Part& part : parts) {
    const std::vector<bool> is_wanted = samples_of_part(part.number, size);
    int64_t num_pairs = 0;
    for (int64_t j = 0; j < size; ++j) num_pairs += is_wanted[static_cast<size_t>(j)] ? j : 0;
    if (part.values.numel() != num_pairs) {
      throw ArgumentError("distances: part " + std::to_string(part.number.part) + " has " +
                          std::to_string(part.values.numel()) + " pairs, expected " +
                          std::to_string(num_pairs));
    }
    // As distances_of_columns writes them: by sample j, and within it the samples before j.
    const double* value = part.values.const_data_ptr<double>();
    for (int64_t j = 0; j < size; ++j) {
      for (int64_t i = 0; is_wanted[static_cast<size_t>(j)] && i < j; ++i)
        matrix[i * size + j] = matrix[j * size + i] = *value++;
    }
  }
  return out;
}

}  // namespace deepbio::community
