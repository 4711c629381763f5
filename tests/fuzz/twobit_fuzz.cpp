// .2bit: a sound file with other bytes here and there; bases decode to ACGTN alone, the other
// strand is the same backwards, and what is masked lies inside of the bases that are asked for.
#include <algorithm>

#include "changed_bytes.h"
#include "parse_input.h"

#include "deepbio/io/reads/genome_file.h"
#include "deepbio/io/reads/twobit.h"

using namespace deepbio;

namespace {

std::string sound_genome() {
  return io::pack_fasta(fuzz::write_input(
      ">a\nNNACGTNNacgtACGTTGCANNN\n>bb\nacgt\n>c\nTTTTTTTTTTTTTTTTTTN\n", ".fa"));
}

std::string paired(std::string letters) {
  for (char& letter : letters) letter = "TGCAN"[std::string_view("ACGTN").find(letter)];
  std::reverse(letters.begin(), letters.end());
  return letters;
}

void decode(const io::TwoBitFile& file, int64_t sequence) {
  const io::BaseSymbols symbols({'A', 'C', 'G', 'T', 'N'});
  const int64_t length =
      std::min<int64_t>(file.sequences()[static_cast<size_t>(sequence)].length_bp, 5000);
  for (const int64_t start : {int64_t{0}, length / 3}) {
    const int64_t size = length - start;
    std::string letters(static_cast<size_t>(size), '?'), others = letters;
    file.decode(sequence, start, length, false, symbols, letters.data());
    file.decode(sequence, start, length, true, symbols, others.data());
    if (letters.find_first_not_of("ACGTN") != std::string::npos || paired(letters) != others)
      __builtin_trap();
    const auto count = [&](char letter) {
      return std::count(letters.begin(), letters.end(), letter);
    };
    if (count('N') != file.count_unknown(sequence, start, length) ||
        count('C') + count('G') != file.count_gc(sequence, start, length))
      __builtin_trap();
    file.for_each_masked(sequence, start, length, [size](int64_t from, int64_t to) {
      if (from < 0 || from >= to || to > size) __builtin_trap();
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string sound = sound_genome();
  try {
    const io::TwoBitFile file("x.2bit", fuzz::changed_bytes(sound, data, size));
    for (size_t i = 0; i < file.sequences().size(); ++i) decode(file, static_cast<int64_t>(i));
  } catch (const Error&) {  // damage is what the input is made of
  }
  return 0;
}
