#include "deepbio/io/matrix.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <numeric>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/io/artifact.h"
#include "deepbio/io/hdf5.h"
#include "deepbio/io/zip.h"

static_assert(std::endian::native == std::endian::little, "npy files are written as little-endian memory");

namespace deepbio::io {
namespace {

constexpr std::string_view kNpyMagic = "\x93NUMPY";

[[noreturn]] void fail(const std::string& path, std::string expected, std::string got, int64_t line = -1,
                       int64_t offset_bytes = -1) {
  Place place;
  place.path = path;
  place.line = line;
  place.offset_bytes = offset_bytes;
  throw ParseError(place, std::move(expected), std::move(got));
}

// --- npy ------------------------------------------------------------------------------------------------

// What stands after 'key': in the header, a Python dict literal, up to `end`.
std::string_view header_value(std::string_view header, std::string_view key, std::string_view end,
                              const std::string& path) {
  const std::string wanted = "'" + std::string(key) + "':";
  size_t first = header.find(wanted);
  if (first == std::string_view::npos) fail(path, "an npy header with " + wanted, quoted(header));
  first = header.find_first_not_of(' ', first + wanted.size());
  const size_t last = first == std::string_view::npos ? first : header.find(end, first + 1);
  if (last == std::string_view::npos) fail(path, "a value for " + wanted + " in the npy header", quoted(header));
  return header.substr(first, last - first);
}

std::vector<int64_t> parse_shape(std::string_view text, const std::string& path) {
  std::vector<int64_t> shape;
  double num_elements = 1;
  for (size_t k = 0; k < text.size();) {
    if (text[k] < '0' || text[k] > '9') {
      ++k;
      continue;
    }
    int64_t extent = 0;
    const auto [end, code] = std::from_chars(text.data() + k, text.data() + text.size(), extent);
    num_elements *= static_cast<double>(extent);
    if (code != std::errc() || num_elements > 1e15) fail(path, "a plausible npy shape", quoted(text));
    shape.push_back(extent);
    k = static_cast<size_t>(end - text.data());
  }
  return shape;
}

struct NpyHeader {
  std::string dtype;  // "f8" and so on, or "b1"
  bool is_fortran = false;
  std::vector<int64_t> shape;
  size_t data_offset = 0;
};

NpyHeader parse_npy_header(std::string_view bytes, const std::string& path) {
  if (!bytes.starts_with(kNpyMagic) || bytes.size() < 12) fail(path, "an npy file (\\x93NUMPY)", quoted(bytes, 6));
  const bool is_long = bytes[6] >= 2;
  uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 8, is_long ? 4 : 2);
  NpyHeader out;
  out.data_offset = (is_long ? 12 : 10) + size_t{length};
  if (out.data_offset > bytes.size())
    fail(path, "an npy header of " + std::to_string(length) + " bytes", "a shorter file");
  const std::string_view header = bytes.substr(is_long ? 12 : 10, length);
  std::string_view dtype = header_value(header, "descr", "'", path);
  if (!dtype.empty()) dtype.remove_prefix(1);
  if (dtype.starts_with('>')) fail(path, "little-endian numbers", "descr " + quoted(dtype));
  if (dtype.starts_with('<') || dtype.starts_with('|') || dtype.starts_with('=')) dtype.remove_prefix(1);
  out.dtype = dtype;
  out.is_fortran = header_value(header, "fortran_order", ",", path).starts_with("True");
  out.shape = parse_shape(header_value(header, "shape", ")", path), path);
  return out;
}

template <class T>
void convert(std::string_view bytes, std::vector<double>& out) {
  for (size_t k = 0; k < out.size(); ++k) {
    T value;
    std::memcpy(&value, bytes.data() + k * sizeof(T), sizeof(T));
    out[k] = static_cast<double>(value);
  }
}

using Convert = void (*)(std::string_view, std::vector<double>&);
struct NpyType {
  std::string_view dtype;
  size_t num_bytes;
  Convert convert;
};
constexpr NpyType kNpyTypes[] = {
    {"f8", 8, convert<double>},   {"f4", 4, convert<float>},    {"i8", 8, convert<int64_t>},
    {"i4", 4, convert<int32_t>},  {"i2", 2, convert<int16_t>},  {"i1", 1, convert<int8_t>},
    {"u8", 8, convert<uint64_t>}, {"u4", 4, convert<uint32_t>}, {"u2", 2, convert<uint16_t>},
    {"u1", 1, convert<uint8_t>},  {"b1", 1, convert<uint8_t>},
};

// Fortran order counts the first axis fastest.
std::vector<double> to_row_major(const std::vector<double>& values, const std::vector<int64_t>& shape) {
  std::vector<double> out(values.size());
  std::vector<int64_t> at(shape.size(), 0);
  for (const double value : values) {
    int64_t flat = 0;
    for (size_t axis = 0; axis < shape.size(); ++axis) flat = flat * shape[axis] + at[axis];
    out[flat] = value;
    for (size_t axis = 0; axis < shape.size() && ++at[axis] == shape[axis]; ++axis) at[axis] = 0;
  }
  return out;
}

NpyArray parse_npy(std::string_view bytes, const std::string& path) {
  const NpyHeader header = parse_npy_header(bytes, path);
  const auto type = std::find_if(std::begin(kNpyTypes), std::end(kNpyTypes),
                                 [&](const NpyType& known) { return known.dtype == header.dtype; });
  if (type == std::end(kNpyTypes)) fail(path, "an npy file of real numbers", "descr " + quoted(header.dtype));
  const auto count =
      static_cast<size_t>(std::accumulate(header.shape.begin(), header.shape.end(), int64_t{1}, std::multiplies<>()));
  const std::string_view data = bytes.substr(header.data_offset);
  if (data.size() != count * type->num_bytes) {
    fail(path, std::to_string(count * type->num_bytes) + " bytes of numbers", std::to_string(data.size()), -1,
         static_cast<int64_t>(header.data_offset));
  }
  NpyArray out{header.shape, std::vector<double>(count)};
  type->convert(data, out.values);
  if (header.is_fortran) out.values = to_row_major(out.values, out.shape);
  return out;
}

std::string npy_header(const std::vector<int64_t>& shape, bool as_float32) {
  std::string text = std::string("{'descr': '<f") + (as_float32 ? "4" : "8") + "', 'fortran_order': False, 'shape': (";
  for (const int64_t extent : shape) text += std::to_string(extent) + ", ";
  if (shape.size() > 1) text.resize(text.size() - 2);
  if (shape.size() == 1) text.resize(text.size() - 1);
  text += "), }";
  // Magic, version, length and header fill a multiple of 64 bytes and end with a line end.
  text.append(63 - (10 + text.size()) % 64, ' ');
  text += '\n';
  const auto length = static_cast<uint16_t>(text.size());
  std::string out(kNpyMagic);
  out += {'\x01', '\x00', static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
  return out + text;
}

std::string ids_path(const std::string& path) {
  return (path.ends_with(".npy") ? path.substr(0, path.size() - 4) : path) + ".ids.txt";
}

// --- ids, text and checks ------------------------------------------------------------------------------

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  for (size_t first = 0;;) {
    const size_t end = text.find(separator, first);
    out.emplace_back(text.substr(first, end - first));
    if (end == std::string_view::npos) return out;
    first = end + 1;
  }
}

std::vector<std::string> lines_of(std::string_view text) {
  auto lines = split(text, '\n');
  for (auto& line : lines) {
    if (line.ends_with('\r')) line.pop_back();
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

// Cells of a comma-separated line; a cell in double quotes may hold commas.
std::vector<std::string> split_csv(const std::string& text, const std::string& path, int64_t line) {
  std::vector<std::string> out;
  size_t at = 0;
  while (true) {
    std::string cell;
    if (at < text.size() && text[at] == '"') {
      for (++at;; ++at) {
        if (at >= text.size()) fail(path, "a closing double quote", "the end of the line", line);
        if (text[at] != '"') {
          cell += text[at];
        } else if (text.substr(at + 1, 1) == "\"") {
          cell += text[at++];
        } else {
          break;
        }
      }
      ++at;
      if (at < text.size() && text[at] != ',') fail(path, "a comma after a quoted cell", quoted(text.substr(at)), line);
    } else {
      const size_t end = std::min(text.find(',', at), text.size());
      cell = text.substr(at, end - at);
      at = end;
    }
    out.push_back(std::move(cell));
    if (at >= text.size()) return out;
    ++at;
  }
}

double parse_distance(std::string_view cell, const std::string& path, int64_t line) {
  const std::string_view shown = cell;
  while (cell.starts_with(' ')) cell.remove_prefix(1);
  while (cell.ends_with(' ')) cell.remove_suffix(1);
  double value = 0;
  const auto [end, code] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (code != std::errc() || end != cell.data() + cell.size()) fail(path, "a distance", quoted(shown), line);
  return value;
}

// Tab- or comma-separated, as its header says; comments may stand in front of it.
DistanceMatrix parse_text(const std::string& text, const std::string& path) {
  const auto lines = lines_of(text);
  size_t first = 0;
  while (first < lines.size() && (lines[first].empty() || lines[first].starts_with('#'))) ++first;
  if (first == lines.size()) fail(path, "a distance matrix", text.empty() ? "an empty file" : "no header");
  const bool is_csv = lines[first].find('\t') == std::string::npos && lines[first].find(',') != std::string::npos;
  const auto cells_of = [&](size_t row) {
    return is_csv ? split_csv(lines[row], path, static_cast<int64_t>(row + 1)) : split(lines[row], '\t');
  };
  DistanceMatrix out;
  out.ids = cells_of(first);
  out.ids.erase(out.ids.begin());
  if (out.ids.empty()) {
    fail(path, "a distance matrix: ids in the first row, separated by tabs or commas", quoted(lines[first]),
         static_cast<int64_t>(first + 1));
  }
  out.num_rows = static_cast<int64_t>(out.ids.size());
  if (lines.size() - first != out.ids.size() + 1) {
    fail(path, std::to_string(out.num_rows) + " rows, one for each column", std::to_string(lines.size() - first - 1));
  }
  for (size_t row = 1; row <= out.ids.size(); ++row) {
    const auto line = static_cast<int64_t>(first + row + 1);
    const auto cells = cells_of(first + row);
    if (cells.size() != out.ids.size() + 1) {
      fail(path, std::to_string(out.ids.size() + 1) + " cells", std::to_string(cells.size()), line);
    }
    if (cells[0] != out.ids[row - 1]) fail(path, "row " + quoted(out.ids[row - 1]), quoted(cells[0]), line);
    for (size_t k = 1; k < cells.size(); ++k) out.values.push_back(parse_distance(cells[k], path, line));
  }
  return out;
}

DistanceMatrix from_array(NpyArray array, std::vector<std::string> ids, const std::string& path) {
  if (array.shape.size() != 2 || array.shape[0] != array.shape[1]) {
    std::string shape;
    for (const int64_t extent : array.shape) shape += (shape.empty() ? "" : " x ") + std::to_string(extent);
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
    if (name.ends_with(kNpyEnding)) known.push_back(name.substr(0, name.size() - kNpyEnding.size()));
  }
  const std::string name = distances_among(known, archive.path());
  return from_array(parse_npy(archive.read(name + std::string(kNpyEnding)), archive.path()), {}, archive.path());
}

std::string name_of(const DistanceMatrix& matrix, int64_t row) {
  return matrix.ids.empty() ? std::to_string(row) : quoted(matrix.ids[row]);
}

void check_distances(const DistanceMatrix& matrix, const std::string& path) {
  const int64_t n = matrix.num_rows;
  if (!matrix.ids.empty() && static_cast<int64_t>(matrix.ids.size()) != n) {
    fail(path, std::to_string(n) + " ids", std::to_string(matrix.ids.size()));
  }
  std::unordered_set<std::string_view> seen;
  for (const auto& id : matrix.ids) {
    if (id.empty() || !seen.insert(id).second) fail(path, "ids that differ and are not empty", quoted(id));
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      const double value = matrix.values[i * n + j], mirrored = matrix.values[j * n + i];
      const std::string pair = name_of(matrix, i) + " and " + name_of(matrix, j);
      if (!std::isfinite(value) || value < 0) fail(path, "a distance between " + pair, std::to_string(value));
      if (i == j && value != 0) fail(path, "a distance of 0 between " + pair, std::to_string(value));
      if (std::abs(value - mirrored) > 1e-6 || std::isnan(mirrored)) {
        fail(path, "the same distance both ways between " + pair,
             std::to_string(value) + " and " + std::to_string(mirrored));
      }
    }
  }
}

void write_tsv(const std::string& path, const DistanceMatrix& matrix, Overwrite overwrite) {
  OutputFile file(path, overwrite);
  std::string line;
  for (const auto& id : matrix.ids) line += '\t' + id;
  file.write(line + '\n');
  char digits[32];
  for (int64_t i = 0; i < matrix.num_rows; ++i) {
    line = matrix.ids[i];
    for (int64_t j = 0; j < matrix.num_rows; ++j) {
      line += '\t';
      line.append(digits, std::to_chars(digits, digits + sizeof(digits), matrix.values[i * matrix.num_rows + j]).ptr);
    }
    line += '\n';
    file.write(line);
  }
  file.commit();
}

void write_h5(const std::string& path, const DistanceMatrix& matrix, const DistanceOutput& output) {
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
    const std::string text = read_all(path);
    if (text.starts_with(kNpyMagic)) {
      std::vector<std::string> ids;
      if (std::filesystem::exists(ids_path(path))) ids = lines_of(read_all(ids_path(path)));
      out = from_array(parse_npy(text, path), std::move(ids), path);
    } else if (text.starts_with("\x89HDF")) {
      out = from_hdf5(Hdf5Reader(path, text));
    } else {
      out = parse_text(text, path);
    }
  }
  check_distances(out, path);
  return out;
}

void write_distances(const std::string& path, const DistanceMatrix& matrix, const DistanceOutput& output) {
  if (static_cast<int64_t>(matrix.values.size()) != matrix.num_rows * matrix.num_rows ||
      static_cast<int64_t>(matrix.ids.size()) != matrix.num_rows) {
    throw ArgumentError("a distance matrix of " + std::to_string(matrix.num_rows) + " rows needs as many ids (got " +
                        std::to_string(matrix.ids.size()) + ") and rows x rows values (got " +
                        std::to_string(matrix.values.size()) + ")");
  }
  if (path.ends_with(".npy")) {
    refuse_existing(ids_path(path), output.overwrite);
    write_npy(path, {{matrix.num_rows, matrix.num_rows}, matrix.values}, output.overwrite, output.as_float32);
    std::string ids;
    for (const auto& id : matrix.ids) ids += id + '\n';
    write_file(ids_path(path), ids, output.overwrite);
  } else if (path == "-" || path.ends_with(".tsv")) {
    write_tsv(path, matrix, output.overwrite);
  } else if (path.ends_with(".h5")) {
    write_h5(path, matrix, output);
  } else {
    throw ArgumentError("distances are written as .npy, .tsv or .h5, got " + quoted(path));
  }
}

void write_distances(const std::string& path, const DistanceMatrix& matrix, Overwrite overwrite) {
  write_distances(path, matrix, DistanceOutput{overwrite, false});
}

NpyArray read_npy(const std::string& path) { return parse_npy(read_all(path), path); }

void write_npy(const std::string& path, const NpyArray& array, Overwrite overwrite, bool as_float32) {
  OutputFile file(path, overwrite);
  file.write(npy_header(array.shape, as_float32));
  if (as_float32) {
    const std::vector<float> narrow(array.values.begin(), array.values.end());
    file.write({reinterpret_cast<const char*>(narrow.data()), narrow.size() * sizeof(float)});
  } else {
    file.write({reinterpret_cast<const char*>(array.values.data()), array.values.size() * sizeof(double)});
  }
  file.commit();
}

}  // namespace deepbio::io
