#include "deepbio/train/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"
#include "deepbio/base/random.h"

namespace deepbio::train {
namespace {

void check_sizes(int64_t count, double test_size) {
  if (count < 2) {
    throw ArgumentError("split: expected at least 2 samples to train and validate on, got " +
                        std::to_string(count));
  }
  if (!(test_size > 0 && test_size < 1)) {
    throw ArgumentError("split: expected `test_size` between 0 and 1, got " +
                        Json(test_size).dump());
  }
}

int64_t num_held_back(int64_t count, double test_size) {
  // At least one on each side.
  return std::clamp<int64_t>(static_cast<int64_t>(static_cast<double>(count) * test_size + 0.5), 1,
                             count - 1);
}

std::vector<int64_t> shuffled(int64_t count, uint64_t seed) {
  // A purpose of its own: a split does not change with what else is drawn from the same seed.
  CounterRandom random(seed, 0, 0, Purpose::kSplit);
  return random_permutation(count, random);
}

Split sides(const std::vector<bool>& is_val) {
  Split split{};
  for (size_t i = 0; i < is_val.size(); ++i)
    (is_val[i] ? split.val : split.train).push_back(static_cast<int64_t>(i));
  return split;
}

// How many samples of each class are held back: its share of the test size, by largest remainder.
std::vector<int64_t> held_back_of_classes(const std::vector<int64_t>& sizes, int64_t wanted,
                                          double test_size) {
  std::vector<size_t> by_size(sizes.size());
  std::iota(by_size.begin(), by_size.end(), size_t{0});
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](size_t a, size_t b) { return sizes[a] > sizes[b]; });
  std::vector<int64_t> out(sizes.size(), 0);
  // What rounding down took from each class; the largest rests get the samples that are left to
  // give.
  std::vector<double> rest(sizes.size(), 0);
  int64_t total = 0;
  for (size_t c = 0; c < sizes.size(); ++c) {
    const double share = static_cast<double>(sizes[c]) * test_size;
    // The whole part, and never the last sample of a class, which has to be learned from.
    out[c] = std::min(static_cast<int64_t>(share), sizes[c] - 1);
    rest[c] = share - static_cast<double>(out[c]);
    total += out[c];
  }
  // First a class that would have none, the larger before the smaller; then the largest remainders.
  for (const size_t c : by_size) {
    if (total >= wanted || out[c] > 0 || sizes[c] < 2) continue;
    ++out[c], ++total;
    rest[c] -= 1;
  }
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](size_t a, size_t b) { return rest[a] > rest[b]; });
  for (const size_t c : by_size) {
    if (total >= wanted || out[c] >= sizes[c] - 1) continue;
    ++out[c], ++total;
  }
  return out;
}

// Numbers of the distinct texts in sorted order: the number of each item, and how many there are.
std::pair<std::vector<int64_t>, int64_t> numbered(const std::vector<std::string>& texts) {
  std::map<std::string, int64_t> number_of;
  for (const std::string& text : texts) number_of.emplace(text, 0);
  int64_t next = 0;
  for (auto& [text, number] : number_of) number = next++;
  std::vector<int64_t> numbers;
  for (const std::string& text : texts) numbers.push_back(number_of.at(text));
  return {std::move(numbers), next};
}

Split stratified(int64_t num_samples, const SplitRules& rules) {
  const auto [class_of, num_classes] = numbered(rules.labels);
  std::vector<int64_t> sizes(static_cast<size_t>(num_classes), 0);
  for (const int64_t c : class_of) ++sizes[c];
  // The number of all is fixed first, as without classes; only who it is made of is decided by
  // class.
  const int64_t wanted = num_held_back(num_samples, rules.test_size);
  std::vector<int64_t> left = held_back_of_classes(sizes, wanted, rules.test_size);
  std::vector<bool> is_val(static_cast<size_t>(num_samples), false);
  // In random order until the class has given its share: which samples is chance, how many is not.
  for (const int64_t sample : shuffled(num_samples, rules.seed)) {
    if (left[class_of[sample]] == 0) continue;
    --left[class_of[sample]];
    is_val[sample] = true;
  }
  return sides(is_val);
}

struct Group {
  std::vector<int64_t> samples;
};

std::vector<Group> groups_of(const std::vector<std::string>& names) {
  std::vector<Group> groups;
  std::unordered_map<std::string, size_t> place;
  for (size_t sample = 0; sample < names.size(); ++sample) {
    // A sample without a group stands for itself.
    const auto [found, is_new] = names[sample].empty()
                                     ? std::pair{place.end(), true}
                                     : place.emplace(names[sample], groups.size());
    if (is_new) groups.emplace_back();
    groups[is_new ? groups.size() - 1 : found->second].samples.push_back(
        static_cast<int64_t>(sample));
  }
  return groups;
}

// Takes whole groups in random order while that brings the held-back classes nearer to their share
// (chi-square).
class GroupedSplit {
 public:
  GroupedSplit(int64_t num_samples, const SplitRules& rules)
      : rules_(rules), is_val_(num_samples, false) {
    class_of_.assign(static_cast<size_t>(num_samples), 0);
    int64_t num_classes = 1;
    if (!rules.labels.empty()) std::tie(class_of_, num_classes) = numbered(rules.labels);
    wanted_.assign(static_cast<size_t>(num_classes), 0);
    taken_.assign(static_cast<size_t>(num_classes), 0);
    // One sample's share each: test_size times the samples of the class.
    for (const int64_t c : class_of_) wanted_[c] += rules.test_size;
  }

  Split make() {
    const std::vector<Group> groups = groups_of(rules_.groups);
    const auto num_groups = static_cast<int64_t>(groups.size());
    if (num_groups < 2) {
      throw ArgumentError("split: expected samples of at least 2 groups, got all " +
                          std::to_string(is_val_.size()) + " samples in group " +
                          quoted(rules_.groups.front()) + "; see `group_column`");
    }
    const std::vector<int64_t> order = shuffled(num_groups, rules_.seed);
    // Of groups of one size the first in random order.
    size_t smallest = order[0];
    int64_t num_val = 0;
    for (const int64_t number : order) {
      if (groups[number].samples.size() < groups[smallest].samples.size()) smallest = number;
      // One group is left to train on.
      if (num_val + 1 == num_groups || !brings_nearer(groups[number])) continue;
      take(groups[number]);
      ++num_val;
    }
    // Every group is larger than the test size: the smallest misses it by least.
    if (num_val == 0) take(groups[smallest]);
    return sides(is_val_);
  }

 private:
  bool brings_nearer(const Group& group) const {
    std::map<int64_t, double> added;
    for (const int64_t sample : group.samples) added[class_of_[sample]] += 1;
    double change = 0;
    for (const auto& [c, count] : added) {
      const double before = taken_[c] - wanted_[c], after = before + count;
      // The change of chi-square: a miss weighs more in a small class.
      change += (after * after - before * before) / wanted_[c];
    }
    return change < 0;
  }
  void take(const Group& group) {
    for (const int64_t sample : group.samples) {
      is_val_[sample] = true;
      taken_[class_of_[sample]] += 1;
    }
  }

  const SplitRules& rules_;
  std::vector<bool> is_val_;
  std::vector<int64_t> class_of_;
  std::vector<double> wanted_, taken_;
};

std::string listed(const std::set<std::string>& names) {
  constexpr size_t kMost = 5;
  std::string out;
  size_t count = 0;
  for (const std::string& name : names) {
    if (count == kMost) return out + ", ... (" + std::to_string(names.size()) + " in all)";
    out += (count++ == 0 ? "" : ", ") + quoted(name);
  }
  return out;
}

std::set<std::string> values_of(const std::vector<std::string>& values,
                                const std::vector<int64_t>& samples) {
  std::set<std::string> out;
  for (const int64_t sample : samples) out.insert(values[sample]);
  return out;
}

std::set<std::string> without(const std::set<std::string>& all, const std::set<std::string>& some) {
  std::set<std::string> out;
  std::set_difference(all.begin(), all.end(), some.begin(), some.end(),
                      std::inserter(out, out.end()));
  return out;
}

}  // namespace

Split split_samples(const std::vector<int64_t>& items, double test_size, uint64_t seed) {
  const auto count = static_cast<int64_t>(items.size());
  check_sizes(count, test_size);
  const int64_t num_val = num_held_back(count, test_size);
  const std::vector<int64_t> order = shuffled(count, seed);
  Split split;
  for (int64_t i = 0; i < count; ++i)
    (i < num_val ? split.val : split.train).push_back(items[order[i]]);
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.val.begin(), split.val.end());
  return split;
}

Split split_samples(int64_t num_samples, const SplitRules& rules) {
  check_sizes(num_samples, rules.test_size);
  for (const auto* part : {&rules.labels, &rules.groups}) {
    if (part->empty() || static_cast<int64_t>(part->size()) == num_samples) continue;
    throw ArgumentError("split: expected a class and a group for each of " +
                        std::to_string(num_samples) + " samples, got " +
                        std::to_string(part->size()));
  }
  if (!rules.groups.empty()) {
    Split split = GroupedSplit(num_samples, rules).make();
    split.groups.resize(static_cast<size_t>(num_samples));
    int64_t number = 0;
    // Numbers for inner folds, which keep the same groups whole (train/mixture).
    for (const Group& group : groups_of(rules.groups)) {
      for (const int64_t sample : group.samples) split.groups[static_cast<size_t>(sample)] = number;
      ++number;
    }
    return split;
  }
  if (!rules.labels.empty()) {
    Split split = stratified(num_samples, rules);
    if (!split.val.empty()) return split;  // empty where every class has one sample
  }
  std::vector<int64_t> all(static_cast<size_t>(num_samples));
  std::iota(all.begin(), all.end(), int64_t{0});
  return split_samples(all, rules.test_size, rules.seed);
}

Split split_by_lists(const std::vector<std::string>& sample_ids,
                     const std::vector<std::string>& train, const std::vector<std::string>& val) {
  const std::unordered_set<std::string> in_train(train.begin(), train.end()),
      in_val(val.begin(), val.end());
  Split split;
  for (size_t i = 0; i < sample_ids.size(); ++i) {
    // An empty list stands for "the others", which needs the other list to be there.
    const bool trains =
        train.empty() ? in_val.count(sample_ids[i]) == 0 : in_train.count(sample_ids[i]) > 0;
    const bool is_held_back = val.empty() ? !trains : in_val.count(sample_ids[i]) > 0;
    if (trains && is_held_back) {
      throw ArgumentError("split: sample " + quoted(sample_ids[i]) +
                          " is on both lists, to train on and to hold back");
    }
    if (trains) split.train.push_back(static_cast<int64_t>(i));
    if (is_held_back) split.val.push_back(static_cast<int64_t>(i));
  }
  if (split.train.empty() || split.val.empty()) {
    throw ArgumentError("split: expected listed samples on both sides, got " +
                        std::to_string(split.train.size()) + " to train on and " +
                        std::to_string(split.val.size()) + " held back of " +
                        std::to_string(sample_ids.size()) + " samples");
  }
  return split;
}

std::vector<std::string> split_notes(const Split& split, const SplitRules& rules,
                                     const std::string& group_name) {
  std::vector<std::string> notes;
  if (!rules.labels.empty()) {
    const std::set<std::string> train = values_of(rules.labels, split.train),
                                val = values_of(rules.labels, split.val);
    const auto note = [&notes](const std::set<std::string>& names, const char* what) {
      if (names.empty()) return;
      notes.push_back((names.size() == 1 ? "class " : "classes ") + listed(names) +
                      (names.size() == 1 ? " has no " : " have no ") + what);
    };
    note(without(val, train), "training sample: the model cannot learn it");
    note(without(train, val), "validation sample: the metrics say nothing about it");
  }
  if (!rules.groups.empty()) {
    std::set<std::string> train = values_of(rules.groups, split.train), both;
    // Samples without a group are no group that both sides share.
    train.erase("");
    const std::set<std::string> val = values_of(rules.groups, split.val);
    std::set_intersection(train.begin(), train.end(), val.begin(), val.end(),
                          std::inserter(both, both.end()));
    if (!both.empty()) {
      notes.push_back(std::to_string(both.size()) + " of " + std::to_string(train.size()) +
                      " values of " + quoted(group_name) +
                      " have samples on both sides of the split (" + listed(both) +
                      "), which flatters the model; `group_column` keeps them apart");
    }
  }
  return notes;
}

}  // namespace deepbio::train
