// Letters and their ids. This is where a base gets its number.
//
//   DNA      A 0, C 1, G 2, T 3 (U reads as T)          RNA  A 0, C 1, G 2, U 3 (T reads as U)
//   protein  ACDEFGHIKLMNPQRSTVWY 0..19
//   AAM      pad 0, A 1, C 2, G 3, T 4, START 5, MASK 6 (any other letter 0, as in AAM)
// Lower case reads as upper case.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace deepbio::seq {

enum class SequenceType { kDna, kRna, kProtein };
SequenceType parse_sequence_type(
    std::string_view name);  // "dna", "rna", "protein"; throws ArgumentError
std::string_view to_string(SequenceType type);

// What to do with a letter that is not in the alphabet.
enum class UnknownLetter {
  kZero,    // one-hot: a row of zeros; integers: padding value
  kError,   // ArgumentError: letter, 1-based position, expected set
  kRandom,  // a letter drawn by (seed, epoch, record)
  kIupac,   // one-hot only: equal fractions of the letters it stands for
};
UnknownLetter parse_unknown_letter(std::string_view name);  // "zero", "error", "random", "iupac"

class Alphabet {
 public:
  explicit Alphabet(SequenceType type);
  int64_t size() const { return static_cast<int64_t>(letters_.size()); }
  std::string_view letters() const { return letters_; }
  SequenceType type() const { return type_; }
  // -1 when unknown; ambiguity codes are unknown, too.
  int8_t id(char letter) const { return ids_[static_cast<unsigned char>(letter)]; }
  // Letters an ambiguity code stands for as a bit set over ids; 0 when it stands for none.
  uint32_t ambiguity(char letter) const { return ambiguity_[static_cast<unsigned char>(letter)]; }

 private:
  SequenceType type_;
  std::string letters_;
  std::array<int8_t, 256> ids_;
  std::array<uint32_t, 256> ambiguity_;
};

// The one of a type, made once: a single read takes less than its tables.
const Alphabet& alphabet_of(SequenceType type);

constexpr int64_t kAamPad = 0, kAamStart = 5, kAamMask = 6, kAamVocabulary = 7;
int64_t aam_token(char letter);  // 1..4, or 0

}  // namespace deepbio::seq
