#include "deepbio/community/simulate.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <unordered_set>
#include <utility>
#include <vector>

#include "deepbio/base/error.h"
#include "deepbio/base/random.h"
#include "deepbio/io/tables/biom.h"
#include "deepbio/io/tables/metadata.h"
#include "deepbio/io/tables/newick.h"

namespace deepbio::community {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBases = "ACGT";
constexpr double kLargestCladeShare = 0.15;
constexpr double kRootHeight = 0.5;     // expected substitutions per site from the root to a tip
constexpr double kPresence = 0.4;       // chance that a sample has a feature at all
constexpr double kFeatureSpread = 1.0;  // sd of log abundance between features
constexpr double kSampleSpread = 0.7;   // sd of log abundance of one feature between samples
constexpr double kCladeSpread = 0.35;   // sd of a whole clade between samples, beside the gradient
constexpr double kMeanAge = 45, kAgePerUnit = 8;

// Each part of the simulation draws from its own stream.
// So the table does not change with the number of FASTQ reads, nor the tree with that of samples.
enum class Part : uint64_t { kTree, kSequence, kFeature, kClade, kSample, kTarget, kReads };

CounterRandom stream(const SimulateOptions& options, Part part, int64_t item = 0) {
  return {options.seed, static_cast<uint64_t>(part), static_cast<uint64_t>(item),
          Purpose::kSimulate};
}

void check(const SimulateOptions& options) {
  const auto need = [](bool good, const std::string& expected, auto got) {
    if (!good) throw ArgumentError("simulate needs " + expected + ", got " + std::to_string(got));
  };
  need(options.num_samples >= 3, "at least 3 samples", options.num_samples);
  need(options.num_features >= 20 && options.num_features <= 100000, "20 to 100000 features",
       options.num_features);
  need(options.length_bp >= 20 && options.length_bp <= 10000, "a length of 20 to 10000 bp",
       options.length_bp);
  need(options.depth_reads >= 1 && options.depth_reads <= 10000000,
       "a depth of 1 to 10000000 reads", options.depth_reads);
  need(options.num_clades >= 1 && options.num_clades <= 7, "1 to 7 clades", options.num_clades);
  need(std::isfinite(options.effect), "a finite effect", options.effect);
  need(std::isfinite(options.noise) && options.noise >= 0, "a noise of 0 or more", options.noise);
  need(options.reads_per_sample >= 0, "0 or more reads per sample", options.reads_per_sample);
}

// The tree, and for each tip the clade of at most 15 % of the tips that it belongs to.
struct GrownTree {
  io::Tree tree;
  std::vector<int64_t> tips;   // nodes
  std::vector<int64_t> clade;  // of each tip
  int64_t num_clades = 0;
};

class TreeGrower {
 public:
  explicit TreeGrower(const SimulateOptions& options)
      : num_tips_(options.num_features), random_(stream(options, Part::kTree)) {}

  GrownTree grow() {
    const int64_t root = grow_node(num_tips_, kRootHeight, -1);
    out_.tree.length[root] = io::kNoLength;
    return std::move(out_);
  }

 private:
  // Adds the nodes of a subtree in post-order; returns its top node.
  int64_t grow_node(int64_t size, double height_above, int64_t clade) {
    if (clade < 0 &&
        static_cast<double>(size) <= kLargestCladeShare * static_cast<double>(num_tips_)) {
      clade = out_.num_clades++;
    }
    // Drawn before the children: the order of the draws is part of what a seed means.
    const double height = node_height(size, height_above);
    int64_t left = -1, right = -1;
    if (size > 1) {
      // Neither side gets less than 30 %, so that every tip lies in a clade of more than 4 % of
      // all.
      const double share = 0.3 + 0.4 * random_.uniform();
      const int64_t left_size =
          std::clamp<int64_t>(std::llround(share * static_cast<double>(size)), 1, size - 1);
      left = grow_node(left_size, height, clade);
      right = grow_node(size - left_size, height, clade);
    }
    const int64_t node = out_.tree.num_nodes();
    out_.tree.parent.push_back(-1);
    out_.tree.length.push_back(height_above - height);
    out_.tree.name.emplace_back();
    out_.tree.is_tip.push_back(size == 1);
    if (size == 1) {
      out_.tips.push_back(node);
      out_.clade.push_back(clade);
    } else {
      out_.tree.parent[left] = out_.tree.parent[right] = node;
    }
    return node;
  }

  // Small clades are young: members of a clade look alike, clades differ.
  // Always below the branch above, so that no branch has a negative length.
  double node_height(int64_t size, double height_above) {
    if (size == 1) return 0.2 * random_.uniform() * height_above;
    const double age = std::pow(
        std::log(static_cast<double>(size)) / std::log(static_cast<double>(num_tips_)), 1.5);
    return std::min(kRootHeight * age * (0.85 + 0.3 * random_.uniform()), 0.95 * height_above);
  }

  int64_t num_tips_;
  CounterRandom random_;
  GrownTree out_;
};

char other_base(char base, CounterRandom& random) {
  // 1 to 3 further in the alphabet: one of the three others, each as likely.
  return kBases[(kBases.find(base) + 1 + random.below(3)) % 4];
}

// Jukes-Cantor: after a branch of d expected substitutions a site differs with probability 3/4 (1 -
// exp(-4d/3)).
void evolve(std::string& sequence, double length, CounterRandom& random) {
  const double change = 0.75 * (1 - std::exp(-4.0 / 3.0 * length));
  for (char& base : sequence) {
    if (random.uniform() < change) base = other_base(base, random);
  }
}

// Names the tips with the DNA that evolved along the tree; all different.
std::vector<std::string> evolve_tips(GrownTree& grown, const SimulateOptions& options) {
  CounterRandom random = stream(options, Part::kSequence);
  const int64_t num_nodes = grown.tree.num_nodes();
  std::vector<std::string> sequences(static_cast<size_t>(num_nodes));
  for (int64_t k = 0; k < options.length_bp; ++k) sequences.back() += kBases[random.below(4)];
  // From the root down: post-order read backwards has every parent before its children.
  for (int64_t node = num_nodes - 2; node >= 0; --node) {
    sequences[node] = sequences[grown.tree.parent[node]];
    evolve(sequences[node], grown.tree.length[node], random);
  }
  std::vector<std::string> tips;
  std::unordered_set<std::string> seen;
  for (const int64_t node : grown.tips) {
    std::string& sequence = sequences[node];
    // Features are named by their DNA, and two of one name would be one feature.
    while (!seen.insert(sequence).second) {
      char& base = sequence[random.below(sequence.size())];
      base = other_base(base, random);
    }
    grown.tree.name[node] = sequence;
    tips.push_back(sequence);
  }
  return tips;
}

struct Target {
  std::vector<double> gradient, noisy;  // in units of x
  std::vector<std::string> group;
};

Target draw_target(const SimulateOptions& options) {
  Target target;
  for (int64_t sample = 0; sample < options.num_samples; ++sample) {
    CounterRandom random = stream(options, Part::kTarget, sample);
    target.gradient.push_back(random.normal());
    target.noisy.push_back(target.gradient.back() + options.noise * random.normal());
  }
  std::vector<int64_t> order(target.noisy.size());
  std::iota(order.begin(), order.end(), 0);
  // By rank: thirds of equal size, whatever the noise makes of the distribution.
  std::sort(order.begin(), order.end(),
            [&](int64_t a, int64_t b) { return target.noisy[a] < target.noisy[b]; });
  constexpr const char* kGroups[] = {"low", "middle", "high"};
  target.group.resize(order.size());
  for (size_t rank = 0; rank < order.size(); ++rank)
    target.group[order[rank]] = kGroups[3 * rank / order.size()];
  return target;
}

// How much each clade's log abundance moves per unit of x: a random choice of clades, signs
// alternating.
std::vector<double> clade_effects(const GrownTree& grown, const SimulateOptions& options) {
  CounterRandom random = stream(options, Part::kClade);
  std::vector<double> effects(static_cast<size_t>(grown.num_clades), 0.0);
  const auto order = random_permutation(grown.num_clades, random);
  const int64_t num_moving = std::min(options.num_clades, grown.num_clades);
  for (int64_t k = 0; k < num_moving; ++k)
    effects[order[k]] = k % 2 == 0 ? options.effect : -options.effect;
  return effects;
}

// Reads of one sample: depth_reads drawn in proportion to the abundances.
std::vector<int64_t> draw_reads(const std::vector<double>& cumulative, int64_t depth_reads,
                                CounterRandom& random) {
  std::vector<int64_t> reads(cumulative.size(), 0);
  for (int64_t k = 0; k < depth_reads; ++k) {
    const double at = random.uniform() * cumulative.back();
    // Without the last: rounding may take `at` up to the total, past every entry.
    const auto found = std::upper_bound(cumulative.begin(), cumulative.end() - 1, at);
    ++reads[found - cumulative.begin()];
  }
  return reads;
}

io::CountTable draw_table(const GrownTree& grown, const Target& target,
                          const SimulateOptions& options) {
  io::CountTable table;
  const auto effects = clade_effects(grown, options);
  std::vector<double> usual;
  CounterRandom feature_random = stream(options, Part::kFeature);
  for (int64_t f = 0; f < options.num_features; ++f)
    usual.push_back(kFeatureSpread * feature_random.normal());
  for (const int64_t node : grown.tips) table.feature_ids.push_back(grown.tree.name[node]);
  const auto digits = static_cast<int>(std::to_string(options.num_samples).size());
  for (int64_t sample = 0; sample < options.num_samples; ++sample) {
    char name[40];
    std::snprintf(name, sizeof(name), "sample_%0*lld", digits, static_cast<long long>(sample + 1));
    table.sample_ids.emplace_back(name);
    CounterRandom random = stream(options, Part::kSample, sample);
    std::vector<double> clade_shift;
    for (const double effect : effects) {
      clade_shift.push_back(effect * target.gradient[sample] + kCladeSpread * random.normal());
    }
    std::vector<double> cumulative;
    double total = 0;
    for (size_t f = 0; f < usual.size(); ++f) {
      const double log_abundance =
          usual[f] + clade_shift[grown.clade[f]] + kSampleSpread * random.normal();
      // A sample without any feature gets the last one: its reads need somewhere to go.
      const bool is_present = random.uniform() < kPresence || (total == 0 && f + 1 == usual.size());
      total += is_present ? std::exp(log_abundance) : 0.0;
      cumulative.push_back(total);
    }
    const auto reads = draw_reads(cumulative, options.depth_reads, random);
    for (size_t f = 0; f < reads.size(); ++f) {
      if (reads[f] == 0) continue;
      table.indices.push_back(static_cast<int64_t>(f));
      table.values.push_back(static_cast<double>(reads[f]));
    }
    table.indptr.push_back(table.num_entries());
  }
  return table;
}

// Share of the target's variance that x itself explains.
double best_r2(const Target& target) {
  const auto n = static_cast<double>(target.noisy.size());
  const double mean = std::accumulate(target.noisy.begin(), target.noisy.end(), 0.0) / n;
  double residual = 0, total = 0;
  for (size_t k = 0; k < target.noisy.size(); ++k) {
    residual += std::pow(target.noisy[k] - target.gradient[k], 2);
    total += std::pow(target.noisy[k] - mean, 2);
  }
  return total > 0 ? 1 - residual / total : 0;
}

std::string decimals(double value, int places) {
  char text[48];
  std::snprintf(text, sizeof(text), "%.*f", places, value);
  return text;
}

void write_samples(const fs::path& folder, const std::vector<std::string>& ids,
                   const Target& target, const SimulateOptions& options) {
  io::Metadata known, truth;
  known.ids = truth.ids = ids;
  known.columns = {"age", "group", "site"};
  truth.columns = {"gradient"};
  known.types = {"numeric", "categorical", "categorical"};
  truth.types = {"numeric"};
  known.values.resize(3);
  truth.values.resize(1);
  // A column that has nothing to do with anything: a test on it should find nothing.
  constexpr const char* kSites[] = {"north", "east", "south"};
  for (size_t sample = 0; sample < ids.size(); ++sample) {
    CounterRandom random =
        // Past the streams of draw_target: the same purpose, other items.
        stream(options, Part::kTarget, options.num_samples + static_cast<int64_t>(sample));
    known.values[0].push_back(
        decimals(std::max(1.0, kMeanAge + kAgePerUnit * target.noisy[sample]), 2));
    known.values[1].push_back(target.group[sample]);
    known.values[2].emplace_back(kSites[random.below(3)]);
    truth.values[0].push_back(decimals(target.gradient[sample], 6));
  }
  io::write_metadata((folder / "metadata.tsv").string(), known);
  io::write_metadata((folder / "truth.tsv").string(), truth);
}

// Which clade each feature belongs to, and what the gradient does to it: the answer to "which ASVs
// matter".
void write_features(const fs::path& folder, const GrownTree& grown,
                    const std::vector<std::string>& sequences, const SimulateOptions& options) {
  const auto effects = clade_effects(grown, options);
  std::string text = "feature-id\tclade\teffect\n";
  for (size_t f = 0; f < sequences.size(); ++f) {
    text += sequences[f] + "\t" + std::to_string(grown.clade[f]) + "\t" +
            decimals(effects[grown.clade[f]], 3) + "\n";
  }
  io::write_file((folder / "truth_features.tsv").string(), text);
}

// One FASTQ record: quality falls towards the end of a read, and a base is wrong as often as its
// quality says.
std::string fastq_record(const std::string& name, std::string sequence, CounterRandom& random) {
  std::string quality;
  const auto length = static_cast<double>(sequence.size());
  for (size_t k = 0; k < sequence.size(); ++k) {
    const double along = static_cast<double>(k) / length;
    const double phred =
        std::clamp(std::round(37.5 - 9 * along * along + 2.5 * random.normal()), 2.0, 40.0);
    quality += static_cast<char>(33 + static_cast<int>(phred));
    if (random.uniform() < std::pow(10.0, -phred / 10))
      sequence[k] = other_base(sequence[k], random);
  }
  return "@" + name + "\n" + sequence + "\n+\n" + quality + "\n";
}

void write_reads(const fs::path& folder, const io::CountTable& table, int64_t sample,
                 const SimulateOptions& options) {
  CounterRandom random = stream(options, Part::kReads, sample);
  const int64_t first = table.indptr[sample], count = table.indptr[sample + 1] - first;
  std::vector<double> cumulative(static_cast<size_t>(count));
  std::partial_sum(table.values.begin() + first, table.values.begin() + first + count,
                   cumulative.begin());
  const std::string& id = table.sample_ids[sample];
  io::OutputFile file((folder / (id + ".fastq.gz")).string(), io::Overwrite::kAllow,
                      io::Compression::kGzip);
  for (int64_t read = 0; read < options.reads_per_sample; ++read) {
    const double at = random.uniform() * cumulative.back();
    const auto found =
        std::upper_bound(cumulative.begin(), cumulative.end() - 1, at) - cumulative.begin();
    const std::string& sequence = table.feature_ids[table.indices[first + found]];
    file.write(fastq_record(id + "." + std::to_string(read + 1), sequence, random));
  }
  file.commit();
}

void prepare_folder(const fs::path& folder, io::Overwrite overwrite) {
  std::error_code problem;
  if (fs::exists(folder) && !fs::is_directory(folder)) {
    throw WriteError(folder.string() + ": expected a folder to write to, got a file");
  }
  if (fs::exists(folder) && !fs::is_empty(folder) && overwrite == io::Overwrite::kRefuse) {
    throw WriteError(folder.string() + " is not empty; `overwrite` replaces the simulation in it");
  }
  fs::create_directories(folder / "reads", problem);
  if (problem) throw WriteError(folder.string() + ": cannot make the folder: " + problem.message());
  // Reads of a larger earlier run would mix with the new ones.
  for (const auto& item : fs::directory_iterator(folder / "reads")) {
    const std::string name = item.path().filename().string();
    // Only names that a simulation gives: other files in the folder are the user's.
    if (name.starts_with("sample_") && name.ends_with(".fastq.gz")) fs::remove(item.path());
  }
}

}  // namespace

SimulateReport simulate(const std::string& directory, const SimulateOptions& options,
                        io::Overwrite overwrite) {
  check(options);
  const fs::path folder(directory);
  prepare_folder(folder, overwrite);
  GrownTree grown = TreeGrower(options).grow();
  const auto sequences = evolve_tips(grown, options);
  const Target target = draw_target(options);
  const io::CountTable table = draw_table(grown, target, options);
  io::write_biom((folder / "table.biom").string(), table);
  io::write_newick((folder / "tree.nwk").string(), grown.tree);
  write_samples(folder, table.sample_ids, target, options);
  write_features(folder, grown, sequences, options);
  std::string fasta;
  for (const auto& sequence : sequences) fasta += ">" + sequence + "\n" + sequence + "\n";
  io::write_file((folder / "sequences.fasta").string(), fasta);
  SimulateReport report{options.num_samples, options.num_features, 0, best_r2(target)};
  if (options.reads_per_sample > 0) {
    for (int64_t sample = 0; sample < options.num_samples; ++sample)
      write_reads(folder / "reads", table, sample, options);
    report.num_reads = options.num_samples * options.reads_per_sample;
  }
  return report;
}

}  // namespace deepbio::community
