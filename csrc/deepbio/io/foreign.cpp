// Formats that are not read, by their first bytes, with what to do about them: a user who hands
// over a CRAM file, a web page or an Excel sheet is told what it is and which command makes it
// readable. sniff, info, validate and every reader ask here.
#include "deepbio/io/foreign.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "deepbio/io/bytes/text.h"

namespace deepbio::io {
namespace {

using std::string_view_literals::operator""sv;

struct Format {
  std::string_view start, description;
};

constexpr std::string_view kSam = "SAM alignments; samtools fastq FILE gives the reads";
constexpr std::string_view kCram = "CRAM alignments; samtools fastq FILE gives the reads";
constexpr std::string_view kRData =
    "data saved by R; write.table(x, FILE, sep = '\\t', quote = FALSE, col.names = NA) gives text";
constexpr std::string_view kWebPage =
    "a web page (HTML), perhaps a log-in or error page saved in place of the data";
// Each sign is long enough that text does not begin so by chance.
constexpr std::array kFormats{
    Format{"BAM\1"sv, "reads (BAM); samtools fastq FILE gives them as text"},
    Format{"CRAM\2"sv, kCram},
    Format{"CRAM\3"sv, kCram},
    Format{"@HD\tVN:"sv, kSam},
    Format{"@SQ\tSN:"sv, kSam},
    Format{"@RG\tID:"sv, kSam},
    Format{"@PG\tID:"sv, kSam},
    Format{"BCF\2"sv, "variants (BCF); bcftools consensus gives sequences"},
    Format{"##fileformat=VCF"sv, "variants (VCF); bcftools consensus gives sequences"},
    Format{"##gff-version"sv, "annotation (GFF); bedtools getfasta gives its sequences"},
    Format{"##gtf-version"sv, "annotation (GTF); bedtools getfasta gives its sequences"},
    Format{"#!genome-build"sv, "annotation (GTF); bedtools getfasta gives its sequences"},
    Format{"#NEXUS"sv, "NEXUS; export trees as Newick and sequences as FASTA"},
    Format{"#nexus"sv, "NEXUS; export trees as Newick and sequences as FASTA"},
    Format{"LOCUS   "sv, "GenBank; Biopython's SeqIO.convert gives FASTA"},
    Format{"# STOCKHOLM"sv, "a Stockholm alignment; Biopython's AlignIO.convert gives FASTA"},
    Format{"CLUSTAL "sv, "a Clustal alignment; Biopython's AlignIO.convert gives FASTA"},
    Format{"\x1f\x8b"sv, "gzip in gzip; decompress it once (gzip -d)"},
    Format{"NCBI.sra"sv, "an SRA archive; fasterq-dump FILE gives FASTQ"},
    Format{"\x43\x27\x41\x1a"sv, "a 2bit genome; twoBitToFa FILE OUT.fa gives FASTA"},
    Format{"\x1a\x41\x27\x43"sv, "a 2bit genome; twoBitToFa FILE OUT.fa gives FASTA"},
    Format{"\x26\xfc\x8f\x88"sv, "a bigWig signal track"},
    Format{"\x8bPOD\r\n\x1a\n"sv, "raw nanopore signal (POD5); basecall it (dorado) to FASTQ"},
    Format{"PAR1\x15"sv, "Parquet; save it as tab-separated text"},
    Format{"ARROW1\0\0"sv, "Arrow; save it as tab-separated text"},
    Format{"RDX2\n"sv, kRData},
    Format{"RDX3\n"sv, kRData},
    Format{"X\n\0\0\0"sv, kRData},
    Format{"\x80\4\x95"sv, "a Python pickle, which may run code; save it as text"},
    Format{"\xd0\xcf\x11\xe0"sv,
           "an old Excel workbook (xls); save the sheet as tab-separated text"},
    Format{"{\\rtf"sv, "rich text; save it as plain text"},
    Format{"%PDF-"sv, "a PDF"},
    Format{"<!DOCTYPE html"sv, kWebPage},
    Format{"<!doctype html"sv, kWebPage},
    Format{"<html"sv, kWebPage},
    Format{"<HTML"sv, kWebPage},
    Format{"<?xml"sv, "XML"},
};

// "5 42": the number of sequences and of their letters. A matrix of distances has one number on its
// first line.
bool is_phylip_alignment(std::string_view head) {
  const size_t end = std::min(head.find_first_of("\r\n"), head.size());
  int num_numbers = 0;
  for (size_t at = 0; at < end; ++at) {
    const bool is_digit = std::isdigit(static_cast<unsigned char>(head[at])) != 0;
    if (!is_digit && head[at] != ' ') return false;
    num_numbers += is_digit && (at == 0 || head[at - 1] == ' ');
  }
  // The line after the two numbers begins with a name.
  const size_t next = std::min(head.find_first_not_of("\r\n \t", end), head.size());
  return num_numbers == 2 && next < head.size() &&
         std::isalpha(static_cast<unsigned char>(head[next])) != 0;
}

// Nine columns, the fourth and fifth numbers, and the attributes of a gene in the last.
bool is_gtf(std::string_view head) {
  while (head.starts_with('#')) {
    const size_t end = head.find('\n');
    if (end == std::string_view::npos) return false;
    head.remove_prefix(end + 1);
  }
  const std::string_view line = head.substr(0, head.find('\n'));
  return std::count(line.begin(), line.end(), '\t') == 8 &&
         (line.find("gene_id \"") != std::string_view::npos ||
          line.find("\tID=") != std::string_view::npos);
}

}  // namespace

std::string foreign_format(std::string_view head) {
  if (const std::string_view wide = wide_encoding(head); !wide.empty()) {
    return std::string(wide) + " text; save it as UTF-8 (iconv -f " + std::string(wide) +
           " -t UTF-8)";
  }
  for (const Format& format : kFormats) {
    if (head.starts_with(format.start)) return std::string(format.description);
  }
  // POSIX tar has its magic at byte 257 of the first header.
  if (head.size() >= 262 && head.substr(257, 5) == "ustar")
    return "a tar archive; unpack it (tar -xf FILE)";
  if (is_phylip_alignment(head))
    return "a PHYLIP alignment; Biopython's AlignIO.convert gives FASTA";
  if (head.starts_with("ID   ") &&
      head.substr(0, head.find('\n')).find(';') != std::string_view::npos) {
    return "EMBL or UniProt text; Biopython's SeqIO.convert gives FASTA";
  }
  if (is_gtf(head)) return "annotation (GTF or GFF); bedtools getfasta gives its sequences";
  return "";
}

}  // namespace deepbio::io
