// One row for each format that is read: what tells it and who reads it. sniff(), read_table(),
// read_distances(), the help of the command and the docs go over these rows, so they cannot
// disagree about what a file is. Order matters: the first row whose sign fits wins, and rows
// without a sign come last and take whatever is text.
#include "deepbio/io/formats.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>

#include "deepbio/io/reads/bam_record.h"
#include "deepbio/io/tables/biom_json.h"
#include "deepbio/io/tables/delimited.h"
#include "deepbio/io/tables/depths.h"
#include "deepbio/io/tables/matrix_text.h"
#include "deepbio/io/tables/metadata.h"
#include "deepbio/io/tables/newick.h"
#include "deepbio/io/tables/npy.h"
#include "deepbio/io/tables/safetensors.h"
#include "deepbio/io/tables/table_text.h"

namespace deepbio::io {
namespace {

// --- facts of a kind ---

Json table_facts(const std::string& path) {
  const CountTable table = read_table(path);
  Json out(Json::Object{{"num_samples", table.num_samples()},
                        {"num_features", table.num_features()},
                        {"num_entries", table.num_entries()}});
  const std::vector<double> totals = sample_totals(table);
  if (totals.empty()) return out;

  out.set("min_depth_reads", *std::min_element(totals.begin(), totals.end()));
  out.set("median_depth_reads", median(totals));
  out.set("max_depth_reads", *std::max_element(totals.begin(), totals.end()));
  return out;
}

Json distance_facts(const std::string& path) {
  const DistanceMatrix matrix = read_distances(path);
  return Json(Json::Object{{"num_samples", matrix.size()}, {"has_ids", !matrix.ids.empty()}});
}

Json tree_facts(const std::string& path) {
  const Tree tree = read_newick(path);
  return Json(Json::Object{{"num_tips", tree.num_tips()},
                           {"num_nodes", tree.num_nodes()},
                           {"is_rooted", tree.is_rooted}});
}

Json safetensors_facts(const std::string& path) {
  const SafetensorsFile file = read_safetensors(path);
  int64_t elements = 0;
  for (const TensorEntry& entry : file.tensors) {
    elements +=
        std::accumulate(entry.shape.begin(), entry.shape.end(), int64_t{1}, std::multiplies<>());
  }
  return Json(Json::Object{{"num_tensors", static_cast<int64_t>(file.tensors.size())},
                           {"num_elements", elements}});
}

Json metadata_facts(const std::string& path) {
  const Metadata metadata = read_metadata(path);
  return Json(Json::Object{{"num_samples", static_cast<int64_t>(metadata.ids.size())},
                           {"id_column", metadata.id_column},
                           {"columns", Json::array_of(metadata.columns)}});
}

constexpr KindRow kKinds[] = {
    {FileKind::kEmpty, "empty", "empty file"},
    {FileKind::kFasta, "fasta", "FASTA (see: deepbio stats)"},
    {FileKind::kFastq, "fastq", "FASTQ (see: deepbio stats)"},
    {FileKind::kBam, "bam", "BAM (see: deepbio stats)"},
    {FileKind::kTable, "biom", "feature table", &table_facts, "num_samples"},
    {FileKind::kTree, "newick", "tree", &tree_facts, "num_tips"},
    {FileKind::kDistances, "distances", "distance matrix", &distance_facts, "num_samples"},
    {FileKind::kMetadata, "metadata", "sample metadata", &metadata_facts, "num_samples"},
    {FileKind::kSafetensors, "safetensors", "safetensors", &safetensors_facts, "num_tensors"},
    {FileKind::kArtifact, "artifact", "QIIME 2 artifact"},
    {FileKind::kForeign, "foreign", ""},
    {FileKind::kUnknown, "unknown", ""},
};

// --- signs of a format ---

// The first character that is no blank.
char sign_of(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? '\0' : text[first];
}

bool is_hdf5_content(const FormatHead& head) { return head.text.starts_with("\x89HDF\r\n\x1a\n"); }
bool is_biom2(const FormatHead& head) { return is_hdf5_content(head) && is_biom_hdf5(head.path); }
bool is_bam(const FormatHead& head) { return head.text.starts_with(kBamMagic); }
bool is_npy(const FormatHead& head) { return head.text.starts_with(kNpyMagic); }
bool is_json(const FormatHead& head) { return sign_of(head.text) == '{'; }
bool is_fastq(const FormatHead& head) { return sign_of(head.text) == '@'; }

// The length of the header in eight bytes, the highest of them 0, and the header, which is JSON.
bool is_safetensors(const FormatHead& head) {
  // A header of 2^56 bytes is no header; a text file has no NUL in its first eight bytes.
  return head.text.size() > 9 && head.text[8] == '{' && head.text[7] == '\0';
}

// ';' begins a comment of old FASTA, or is the empty first cell of a table.
bool is_fasta(const FormatHead& head) {
  const char sign = sign_of(head.text);
  return sign == '>' || (sign == ';' && head.text.find("\n>") != std::string_view::npos);
}

bool is_newick(const FormatHead& head) {
  const char sign = sign_of(head.text);
  if (sign == '(') return true;
  if (sign == '[') return head.text.find('(') != std::string_view::npos;  // a comment such as [&R]
  if (sign == ';') return false;
  // A tree of one node: a label and the end.
  const std::string_view line =
      without_blanks(head.text.substr(0, head.text.find_first_of("\r\n")));
  // Commas and tabs would make it a line of a table; two semicolons a line of a spreadsheet.
  const bool is_label =
      line.size() > 1 && line.back() == ';' && line.find_first_of("\t,") == std::string_view::npos;
  return is_label && std::count(line.begin(), line.end(), ';') == 1;
}

// A number alone, and below it a name and numbers, or in a lower triangle the name alone.
bool is_phylip_matrix(const FormatHead& head) {
  const std::string_view start = head.text.substr(0, kSignBytes);
  if (has_control_bytes(start) || start.find("\n>") != std::string_view::npos) return false;
  TextLines lines(head.text);
  std::string_view first, second;
  if (!lines.next(first) || !lines.next(second)) return false;
  double size = 0;
  // A tab would be the empty corner of a matrix; a number alone is the count of PHYLIP.
  if (first.starts_with('\t') || !to_number(first, size) || size < 1) return false;
  const std::string_view rest = without_blanks(second);
  const size_t blank = rest.find_first_of(" \t");
  if (blank == std::string_view::npos) return !rest.empty();
  double value = 0;
  return to_number(without_blanks(rest.substr(rest.find_last_of(" \t"))), value);
}

// HDF5 is read where it lies and .npy with the ids beside it, not from content alone.
constexpr FormatRow kBinaryFormats[] = {
    {"BIOM 2.x", FileKind::kTable, &is_biom2},
    {".h5", FileKind::kDistances, &is_hdf5_content},
    {".npy, .npz", FileKind::kDistances, &is_npy},
    {"safetensors", FileKind::kSafetensors, &is_safetensors},
    {"BAM", FileKind::kBam, &is_bam},
};

constexpr FormatRow kTextFormats[] = {
    {"FASTA", FileKind::kFasta, &is_fasta},
    {"FASTQ", FileKind::kFastq, &is_fastq},
    {"BIOM 1.0", FileKind::kTable, &is_json, &read_biom_json},
    {"Newick", FileKind::kTree, &is_newick},
    {"PHYLIP", FileKind::kDistances, &is_phylip_matrix, nullptr, &parse_distances},
    {"classic TSV", FileKind::kTable, nullptr, &read_table_text},
    {".tsv, .csv", FileKind::kDistances, nullptr, nullptr, &parse_distances},
    {"metadata TSV", FileKind::kMetadata, nullptr},
};

}  // namespace

const KindRow& row_of(FileKind kind) {
  return *std::find_if(std::begin(kKinds), std::end(kKinds),
                       [&](const KindRow& row) { return row.kind == kind; });
}

std::string_view to_string(FileKind kind) { return row_of(kind).word; }

std::span<const FormatRow> binary_formats() { return kBinaryFormats; }
std::span<const FormatRow> text_formats() { return kTextFormats; }

std::string format_names(FileKind kind) {
  std::string names;
  for (const auto rows : {binary_formats(), text_formats()}) {
    for (const FormatRow& row : rows) {
      if (row.kind == kind) names += (names.empty() ? "" : ", ") + std::string(row.name);
    }
  }
  return names + " or .qza";
}

void write_table(const std::string& path, const CountTable& table, Overwrite overwrite) {
  const bool is_text = path.ends_with(".tsv") || path.ends_with(".txt");
  is_text ? write_table_tsv(path, table, overwrite) : write_biom(path, table, overwrite);
}

bool has_control_bytes(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f';
  });
}

}  // namespace deepbio::io
