// Distance matrices of any format. Readers give ids and numbers; whether they are distances is
// decided in one place, check_values(). Written are .npy with the ids beside it, text, and HDF5 as
// ssu and AAM read it.
#include "deepbio/io/tables/matrix.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"
#include "deepbio/io/bytes/zip.h"
#include "deepbio/io/formats.h"
#include "deepbio/io/tables/artifact.h"
#include "deepbio/io/tables/delimited.h"
#include "deepbio/io/tables/distance_check.h"
#include "deepbio/io/tables/hdf5.h"
#include "deepbio/io/tables/ids.h"

namespace deepbio::io {
namespace {

[[noreturn]] void fail(const std::string& path, std::string expected, std::string got) {
  throw ParseError({path}, std::move(expected), std::move(got));
}

std::string ids_path(const std::string& path) {
  return (path.ends_with(".npy") ? path.substr(0, path.size() - 4) : path) + ".ids.txt";
}

DistanceMatrix from_array(NpyArray array, std::vector<std::string> ids, const std::string& path) {
  if (array.shape.size() != 2 || array.shape[0] != array.shape[1]) {
    std::string shape;
    for (const int64_t extent : array.shape)
      shape += (shape.empty() ? "" : " x ") + std::to_string(extent);
    fail(path, "a square matrix", "shape " + shape);
  }
  return {std::move(ids), std::move(array.values), array.shape[0]};
}

// The name among `known` that AAM and ssu give to square distances, or the only one there is.
std::string distances_among(const std::vector<std::string>& known, const std::string& path) {
  for (const char* name : {"matrix", "distances"}) {
    if (std::find(known.begin(), known.end(), name) != known.end()) return name;
  }
  for (const char* name : {"faith_pd", "stripe_distances"}) {
    if (std::find(known.begin(), known.end(), name) != known.end()) {
      fail(path, "square distances", std::string(name) + ", which are no square matrix");
    }
  }
  if (known.size() == 1) return known[0];
  std::string names;
  for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
  fail(path, "distances under the name matrix or distances, or one array alone",
       names.empty() ? "nothing" : quoted(names, 120));
}

DistanceMatrix from_hdf5(const Hdf5Reader& file) {
  std::vector<std::string> known = file.names();
  // `order` holds the ids in ssu's files.
  const bool has_order = std::erase(known, "order") > 0;
  const std::string name = distances_among(known, file.path());
  auto ids = has_order ? file.strings("order") : std::vector<std::string>();
  return from_array({file.shape(name), file.doubles(name)}, std::move(ids), file.path());
}

constexpr std::string_view kNpyEnding = ".npy";

bool holds_npy(const ZipArchive& archive) {
  return std::any_of(archive.names().begin(), archive.names().end(),
                     [](const std::string& name) { return name.ends_with(kNpyEnding); });
}

DistanceMatrix from_npz(const ZipArchive& archive) {
  std::vector<std::string> known;
  for (const std::string& name : archive.names()) {
    if (name.ends_with(kNpyEnding))
      known.push_back(name.substr(0, name.size() - kNpyEnding.size()));
  }
  const std::string name = distances_among(known, archive.path());
  return from_array(parse_npy(archive.read(name + std::string(kNpyEnding)), archive.path()), {},
                    archive.path());
}

DistanceMatrix from_text(std::string text, const std::string& path) {
  const FormatHead head{text, path};
  const auto formats = text_formats();
  const auto reader = std::find_if(formats.begin(), formats.end(), [&](const FormatRow& row) {
    return row.distances != nullptr && (row.is == nullptr || row.is(head));
  });
  return reader->distances(std::move(text),
                           path);  // the last of them has no sign and takes all text
}

void check_ids(const DistanceMatrix& matrix, const std::string& path) {
  if (!matrix.ids.empty() && static_cast<int64_t>(matrix.ids.size()) != matrix.num_rows) {
    fail(path, std::to_string(matrix.num_rows) + " ids", std::to_string(matrix.ids.size()));
  }
  std::unordered_set<std::string_view> seen;
  for (const auto& id : matrix.ids) {
    if (id.empty() || !seen.insert(id).second)
      fail(path, "ids that differ and are not empty", quoted(id));
    if (find_foreign_byte(id) != std::string::npos) fail(path, "ids in UTF-8", quoted(id));
  }
}

void check_values(DistanceMatrix& matrix, const std::string& path) {
  DistanceCheck check = check_distances(matrix.values.data(), matrix.num_rows, matrix.ids);
  if (check.fault) fail(path, std::move(check.fault->expected), std::move(check.fault->got));
  if (check.is_rounded) mend_distances(matrix.values.data(), matrix.num_rows);
}

std::vector<std::string> read_ids(const std::string& path) {
  std::string text = read_text(path);
  end_lines_with_newline(text);
  TextLines lines(text);
  std::vector<std::string> out;
  for (std::string_view line; lines.next(line);) out.emplace_back(line);
  // A blank line at the end is no id; one in the middle is an error that check_ids() tells.
  while (!out.empty() && out.back().empty()) out.pop_back();
  return out;
}

void write_tsv(const std::string& path, const DistanceMatrix& matrix, Overwrite overwrite) {
  require_text_ids(matrix.ids, path);
  OutputFile file(path, overwrite);
  std::string line;
  for (const auto& id : matrix.ids) line += '\t' + id;
  file.write(line + '\n');
  char digits[32];
  for (int64_t i = 0; i < matrix.num_rows; ++i) {
    line = matrix.ids[i];
    for (int64_t j = 0; j < matrix.num_rows; ++j) {
      line += '\t';
      // The shortest text that reads back as the same double.
      line.append(digits, std::to_chars(digits, digits + sizeof(digits),
                                        matrix.values[i * matrix.num_rows + j])
                              .ptr);
    }
    line += '\n';
    file.write(line);
  }
  file.commit();
}

void write_h5(const std::string& path, const DistanceMatrix& matrix, const DistanceOutput& output) {
  require_utf8_ids(matrix.ids, path);
  refuse_existing(path, output.overwrite);
  const std::string temporary = temporary_name(path);
  try {
    Hdf5Writer file(temporary);
    file.strings("order", matrix.ids);
    const std::vector<int64_t> shape{matrix.num_rows, matrix.num_rows};
    if (output.as_float32) {
      file.floats("matrix", matrix.values, shape);
    } else {
      file.doubles("matrix", matrix.values, shape);
    }
    file.close();
  } catch (...) {
    std::remove(temporary.c_str());
    throw;
  }
  commit_temporary(temporary, path);
}

}  // namespace

DistanceMatrix read_distances(const std::string& path) {
  DistanceMatrix out;
  if (path != "-" && is_hdf5(path)) {
    out = from_hdf5(Hdf5Reader(path));
  } else if (is_zip(path) && holds_npy(ZipArchive(path))) {
    out = from_npz(ZipArchive(path));
  } else {
    expect_artifact(path, "DistanceMatrix", "distances");
    std::string text = read_all(path);
    if (text.starts_with(kNpyMagic)) {
      std::vector<std::string> ids;
      // Without that file the matrix has no ids, and rows are known by number.
      if (std::filesystem::exists(ids_path(path))) ids = read_ids(ids_path(path));
      out = from_array(parse_npy(text, path), std::move(ids), path);
    } else if (text.starts_with("\x89HDF")) {
      out = from_hdf5(Hdf5Reader(path, text));
    } else {
      out = from_text(std::move(text), path);
    }
  }
  check_ids(out, path);
  check_values(out, path);
  return out;
}

void check_distances_name(const std::string& path) {
  if (path == "-" || path.ends_with(".npy") || path.ends_with(".tsv") || path.ends_with(".h5"))
    return;
  throw ArgumentError("distances are written as .npy, .tsv or .h5, got " + quoted(path));
}

void write_distances(const std::string& path, const DistanceMatrix& matrix,
                     const DistanceOutput& output) {
  if (static_cast<int64_t>(matrix.values.size()) != matrix.num_rows * matrix.num_rows ||
      static_cast<int64_t>(matrix.ids.size()) != matrix.num_rows) {
    throw ArgumentError("a distance matrix of " + std::to_string(matrix.num_rows) +
                        " rows needs as many ids (got " + std::to_string(matrix.ids.size()) +
                        ") and rows x rows values (got " + std::to_string(matrix.values.size()) +
                        ")");
  }
  check_distances_name(path);
  if (path.ends_with(".npy")) {
    require_text_ids(matrix.ids, path);
    // Both names before either is written.
    refuse_existing(ids_path(path), output.overwrite);
    write_npy(path, {{matrix.num_rows, matrix.num_rows}, matrix.values}, output.overwrite,
              output.as_float32);
    std::string ids;
    for (const auto& id : matrix.ids) ids += id + '\n';
    write_file(ids_path(path), ids, output.overwrite);
  } else if (path.ends_with(".h5")) {
    write_h5(path, matrix, output);
  } else {
    write_tsv(path, matrix, output.overwrite);
  }
}

void write_distances(const std::string& path, const DistanceMatrix& matrix, Overwrite overwrite) {
  write_distances(path, matrix, DistanceOutput{overwrite, false});
}

}  // namespace deepbio::io
