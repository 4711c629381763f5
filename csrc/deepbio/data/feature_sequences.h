// The DNA of each feature of a table, and what stands for a feature that has none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace deepbio::data {

// What DNA may consist of: IUPAC codes, U for T, either case.
inline constexpr std::string_view kDnaLetters = "ACGTURYSWKMBDHVNacgturyswkmbdhvn";

// kId: a feature without a sequence is spelled as 32 letters of a hash of its id. A model that
// reads no sequences then knows it by its id, in training and prediction alike; a model that does
// would read nonsense.
enum class MissingSequences { kError, kId };
MissingSequences parse_missing_sequences(
    const std::string& text);  // "error", "id"; throws ConfigError

// DNA of each feature: from the ids themselves, or from a FASTA (also a QIIME 2 artifact) keyed by
// id.
//   throws ArgumentError: ids that are neither DNA nor in the FASTA (count, examples, what to do;
//   not with kId); ids that are the MD5 of another sequence than the FASTA gives, while other ids
//   are the MD5 of theirs
std::vector<std::string> feature_sequences(const std::vector<std::string>& feature_ids,
                                           const std::string& fasta_path = "",
                                           MissingSequences missing = MissingSequences::kError);

// "3 of 4 features have no sequence", which are known by their id alone; "" when all have one.
std::string without_sequence(const std::vector<std::string>& feature_ids,
                             const std::vector<std::string>& sequences);

}  // namespace deepbio::data
