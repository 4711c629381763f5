// Three tables of 256 entries, filled once: everything that reads letters (encoders, k-mers,
// filters) looks a byte up and never compares letters itself.
#include "deepbio/seq/alphabet.h"

#include <cctype>
#include <utility>

#include "deepbio/base/error.h"

namespace deepbio::seq {
namespace {

// The IUPAC nucleotide codes and what they stand for, over A, C, G, T.
constexpr std::pair<char, std::string_view> kNucleotideCodes[] = {
    {'R', "AG"},  {'Y', "CT"},  {'S', "CG"},  {'W', "AT"},  {'K', "GT"},   {'M', "AC"},
    {'B', "CGT"}, {'D', "AGT"}, {'H', "ACT"}, {'V', "ACG"}, {'N', "ACGT"},
};
// The one-letter codes of IUPAC for amino acids that an experiment did not tell apart.
constexpr std::pair<char, std::string_view> kProteinCodes[] = {
    {'B', "DN"}, {'Z', "EQ"}, {'J', "IL"}, {'X', "ACDEFGHIKLMNPQRSTVWY"}};

std::string_view letters_of(SequenceType type) {
  switch (type) {
    case SequenceType::kDna:
      return "ACGT";
    case SequenceType::kRna:
      return "ACGU";
    case SequenceType::kProtein:
      return "ACDEFGHIKLMNPQRSTVWY";
  }
  throw ArgumentError("sequence type: unknown value");
}

unsigned char lower(char letter) { return static_cast<unsigned char>(std::tolower(letter)); }

}  // namespace

SequenceType parse_sequence_type(std::string_view name) {
  for (const auto type : {SequenceType::kDna, SequenceType::kRna, SequenceType::kProtein}) {
    if (name == to_string(type)) return type;
  }
  throw ArgumentError("sequence type: expected dna, rna or protein, got " + quoted(name));
}

std::string_view to_string(SequenceType type) {
  switch (type) {
    case SequenceType::kDna:
      return "dna";
    case SequenceType::kRna:
      return "rna";
    case SequenceType::kProtein:
      return "protein";
  }
  throw ArgumentError("sequence type: unknown value");
}

UnknownLetter parse_unknown_letter(std::string_view name) {
  if (name == "zero") return UnknownLetter::kZero;
  if (name == "error") return UnknownLetter::kError;
  if (name == "random") return UnknownLetter::kRandom;
  if (name == "iupac") return UnknownLetter::kIupac;
  throw ArgumentError("unknown letters: expected zero, error, random or iupac, got " +
                      quoted(name));
}

Alphabet::Alphabet(SequenceType type) : type_(type), letters_(letters_of(type)) {
  // -1 and not 0: id 0 is a letter.
  ids_.fill(-1);
  ambiguity_.fill(0);
  const auto give = [this](char letter, int8_t id) {
    ids_[static_cast<unsigned char>(letter)] = ids_[lower(letter)] = id;
    ambiguity_[static_cast<unsigned char>(letter)] = ambiguity_[lower(letter)] = uint32_t{1} << id;
  };
  for (size_t i = 0; i < letters_.size(); ++i) give(letters_[i], static_cast<int8_t>(i));
  const bool is_protein = type == SequenceType::kProtein;
  // RNA and DNA are one molecule to a reader: U in a DNA file and T in an RNA file have the id of
  // the fourth base, since files of both kinds exist.
  if (!is_protein) give(type == SequenceType::kDna ? 'U' : 'T', 3);
  const auto add_codes = [this](const auto& codes) {
    for (const auto& [code, stands_for] : codes) {
      uint32_t set = 0;
      for (const char letter : stands_for) set |= ambiguity_[static_cast<unsigned char>(letter)];
      ambiguity_[static_cast<unsigned char>(code)] = ambiguity_[lower(code)] = set;
    }
  };
  if (is_protein) {
    add_codes(kProteinCodes);
  } else {
    add_codes(kNucleotideCodes);
  }
}

const Alphabet& alphabet_of(SequenceType type) {
  // Made at the first use and shared from then on: an Alphabet is 1.3 KB and has no state.
  static const Alphabet dna(SequenceType::kDna), rna(SequenceType::kRna),
      protein(SequenceType::kProtein);
  return type == SequenceType::kDna ? dna : type == SequenceType::kRna ? rna : protein;
}

// The ids of AAM's own vocabulary, under which its checkpoints were trained. What is none of these
// four letters is padding there, too, so an N is not seen.
int64_t aam_token(char letter) {
  switch (letter) {
    case 'A':
    case 'a':
      return 1;
    case 'C':
    case 'c':
      return 2;
    case 'G':
    case 'g':
      return 3;
    case 'T':
    case 't':
      return 4;
    default:
      return 0;
  }
}

}  // namespace deepbio::seq
