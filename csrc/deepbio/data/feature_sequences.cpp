#include "deepbio/data/feature_sequences.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/io/reads/fastx.h"
#include "deepbio/io/tables/artifact.h"
#include "deepbio/seq/md5.h"

namespace deepbio::data {
namespace {

bool is_dna(std::string_view id) {
  constexpr size_t kShortestDna = 20;  // an id such as "CAT" is a name
  return id.size() >= kShortestDna && id.find_first_not_of(kDnaLetters) == std::string_view::npos;
}

// The same letters on every machine, as hash_bytes does not depend on it: a model that was trained
// on one knows the feature on another.
std::string spell_id(std::string_view id) {
  constexpr int kLetters = 32;  // two bits each
  uint64_t hash = hash_bytes(id);
  std::string letters;
  for (int i = 0; i < kLetters; ++i, hash >>= 2U) letters += "ACGT"[hash & 3U];
  return letters;
}

// The sequences of a FASTA by name. throws ArgumentError for one name with two sequences.
std::unordered_map<std::string, std::string> read_by_name(const std::string& fasta_path) {
  std::unordered_map<std::string, std::string> by_name;
  io::expect_artifact(fasta_path, "FeatureData[", "sequences");
  io::FastxReader reader(fasta_path);
  for (io::Record record; reader.next(record);) {
    const auto [known, is_new] = by_name.emplace(record.name, record.sequence);
    // The same record twice does no harm; which of two sequences is meant nobody can tell.
    if (is_new || known->second == record.sequence) continue;
    throw ArgumentError(
        fasta_path + ": " + quoted(record.name) +
        " stands twice with different sequences; expected one sequence for each feature id");
  }
  return by_name;
}

// Ids of 32 hexadecimal digits are the MD5 of their sequence in QIIME 2. Where that holds for some,
// it must for all.
void check_md5_ids(const std::vector<std::string>& ids, const std::vector<std::string>& sequences,
                   const std::string& fasta_path) {
  size_t num_right = 0;
  std::vector<std::string> wrong;
  for (size_t i = 0; i < ids.size(); ++i) {
    // A feature that is known by its id alone has no sequence to check.
    if (!seq::is_md5(ids[i]) || sequences[i] == spell_id(ids[i])) continue;
    if (seq::sequence_md5(sequences[i]) == ids[i]) {
      ++num_right;
    } else {
      wrong.push_back(ids[i]);
    }
  }
  // Ids may look like an MD5 and be something else. If some are right the others are mistakes, most
  // likely a FASTA of another study, and training on them would go unnoticed.
  if (num_right == 0 || wrong.empty()) return;
  std::string message = fasta_path + ": expected sequences whose MD5 is their id, as for " +
                        std::to_string(num_right) + " features, got others for " +
                        std::to_string(wrong.size()) + " (";
  for (size_t i = 0; i < std::min<size_t>(wrong.size(), 3); ++i)
    message += (i ? ", " : "") + wrong[i];
  throw ArgumentError(message + (wrong.size() > 3 ? ", ...)" : ")"));
}

}  // namespace

MissingSequences parse_missing_sequences(const std::string& text) {
  if (text == "error") return MissingSequences::kError;
  if (text == "id") return MissingSequences::kId;
  throw ConfigError("`missing_sequences`: expected error or id, got " + quoted(text));
}

std::vector<std::string> feature_sequences(const std::vector<std::string>& feature_ids,
                                           const std::string& fasta_path,
                                           MissingSequences missing) {
  std::unordered_map<std::string, std::string> by_name;
  if (!fasta_path.empty()) by_name = read_by_name(fasta_path);
  std::vector<std::string> sequences;
  std::vector<std::string> without;
  for (const std::string& id : feature_ids) {
    const auto found = by_name.find(id);
    // The file comes first: an id that is DNA may be the name of a longer sequence.
    if (found != by_name.end()) {
      sequences.push_back(found->second);
    } else if (is_dna(id)) {
      sequences.push_back(id);
    } else {
      sequences.push_back(spell_id(id));
      if (missing == MissingSequences::kError) without.push_back(id);
    }
  }
  if (!without.empty()) {
    std::string message = std::to_string(without.size()) + " of " +
                          std::to_string(feature_ids.size()) + " feature ids are not DNA" +
                          (fasta_path.empty() ? "" : " and not in " + fasta_path) + " (";
    for (size_t i = 0; i < std::min<size_t>(without.size(), 3); ++i)
      message += (i ? ", " : "") + without[i];
    throw ArgumentError(message + (without.size() > 3 ? ", ..." : "") +
                        "); give their sequences with `sequences` (a FASTA file)");
  }
  check_md5_ids(feature_ids, sequences, fasta_path);
  return sequences;
}

std::string without_sequence(const std::vector<std::string>& feature_ids,
                             const std::vector<std::string>& sequences) {
  size_t count = 0;
  for (size_t i = 0; i < feature_ids.size(); ++i) count += sequences[i] == spell_id(feature_ids[i]);
  if (count == 0) return "";
  return std::to_string(count) + " of " + std::to_string(feature_ids.size()) +
         " features have no sequence";
}

}  // namespace deepbio::data
