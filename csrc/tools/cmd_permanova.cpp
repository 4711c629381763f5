// Tests of groups of samples in a distance matrix: permanova, anosim, permdisp, adonis.
#include <ATen/ATen.h>

#include <cmath>
#include <iostream>
#include <memory>

#include "tools/command.h"
#include "tools/community_input.h"
#include "tools/option_flags.h"
#include "tools/permutation_tests.h"

#include "deepbio/base/json.h"
#include "deepbio/community/anosim.h"
#include "deepbio/community/grouped_samples.h"
#include "deepbio/community/permanova.h"
#include "deepbio/community/permdisp.h"
#include "deepbio/io/text.h"

namespace deepbio::tools {
namespace {

struct TestCommand {
  std::string distances, metadata, missing = "error", centre = "median", imaginary = "subtract", formula, by = "terms";
  community::GroupColumns columns;
  std::vector<std::string> missing_values;
  int64_t permutations = 999;
};

// The matrix of the samples that have a group, and what is known of them.
struct Grouped {
  community::GroupedSamples samples;
  at::Tensor distances;
  community::PermutationOptions options;
};

Grouped grouped(const TestCommand& command, const Shared& shared) {
  const NamedDistances matrix = read_named_distances(command.distances);
  community::GroupColumns columns = command.columns;
  columns.drops_missing = command.missing == "drop";
  Grouped out;
  out.samples =
      community::grouped_samples(io::read_metadata(command.metadata, {command.missing_values}), matrix.ids, columns);
  if (!out.samples.left_out.empty()) say(shared, out.samples.left_out + ", they are left out");
  const at::Tensor rows = at::tensor(out.samples.rows, at::kLong);
  out.distances = matrix.values.index_select(0, rows).index_select(1, rows);
  out.options = {command.permutations, shared.seed, out.samples.strata};
  return out;
}

template <class Result>
Json numbers_of(const Result& result) {
  Json out = Json::object();
  out.set("p_value", result.p_value);
  out.set("num_samples", result.num_samples);
  out.set("num_permutations", result.num_permutations);
  return out;
}

int print(const Json& found, const Shared& shared) {
  if (shared.json) {
    std::cout << found.dump() << "\n";
    return 0;
  }
  for (const auto& [name, value] : found.as_object()) {
    std::cout << name << '\t' << (value.is_int() ? std::to_string(value.as_int()) : io::number_text(value.as_double()))
              << '\n';
  }
  return 0;
}

int run_permanova(const TestCommand& command, const Shared& shared) {
  const Grouped given = grouped(command, shared);
  const auto found = community::permanova(given.distances, given.samples.groups, given.options, given.samples.ids);
  Json out = numbers_of(found);
  out.set("pseudo_f", found.pseudo_f);
  out.set("num_groups", found.num_groups);
  return print(out, shared);
}

int run_anosim(const TestCommand& command, const Shared& shared) {
  const Grouped given = grouped(command, shared);
  const auto found = community::anosim(given.distances, given.samples.groups, given.options, given.samples.ids);
  Json out = numbers_of(found);
  out.set("r", found.r);
  out.set("num_groups", found.num_groups);
  return print(out, shared);
}

int run_permdisp(const TestCommand& command, const Shared& shared) {
  const Grouped given = grouped(command, shared);
  const community::PermdispOptions options{community::parse_centre(command.centre),
                                           community::parse_imaginary_axes(command.imaginary), given.options};
  const auto found = community::permdisp(given.distances, given.samples.groups, options, given.samples.ids);
  Json out = numbers_of(found);
  out.set("f", found.f);
  if (shared.json) {
    Json spread = Json::object();
    for (size_t g = 0; g < found.groups.size(); ++g) spread.set(found.groups[g], found.spread[g]);
    out.set("spread", std::move(spread));
  } else {
    for (size_t g = 0; g < found.groups.size(); ++g) out.set("spread of " + found.groups[g], found.spread[g]);
  }
  return print(out, shared);
}

std::string number_or_none(double value) { return std::isnan(value) ? "" : io::number_text(value); }

int run_adonis(const TestCommand& command, const Shared& shared) {
  const NamedDistances matrix = read_named_distances(command.distances);
  const io::Metadata metadata = io::read_metadata(command.metadata, {command.missing_values});
  const auto terms = community::parse_terms(command.formula);
  const auto factors = community::factors_of(metadata, matrix.ids, terms);
  community::PermutationOptions options{command.permutations, shared.seed};
  if (!command.columns.stratum.empty()) {
    options.strata = community::labels_of(metadata, matrix.ids, command.columns.stratum);
  }
  const auto rows =
      community::adonis(matrix.values, factors, terms, community::parse_term_order(command.by), options, matrix.ids);
  Json all = Json::array();
  if (!shared.json) std::cout << "term\tdegrees\tsum_of_squares\tr2\tpseudo_f\tp_value\n";
  for (const auto& row : rows) {
    if (!shared.json) {
      std::cout << row.name << '\t' << row.degrees << '\t' << io::number_text(row.sum_of_squares) << '\t'
                << io::number_text(row.r2) << '\t' << number_or_none(row.pseudo_f) << '\t'
                << number_or_none(row.p_value) << '\n';
    }
    Json one = Json::object();
    one.set("term", row.name);
    one.set("degrees", row.degrees);
    one.set("sum_of_squares", row.sum_of_squares);
    one.set("r2", row.r2);
    one.set("pseudo_f", row.pseudo_f);
    one.set("p_value", row.p_value);
    all.push_back(std::move(one));
  }
  if (shared.json) std::cout << all.dump() << "\n";
  return 0;
}

std::shared_ptr<TestCommand> add_shared_options(CLI::App& app) {
  auto command = std::make_shared<TestCommand>();
  app.add_option("--distances", command->distances, "Distance matrix: .tsv, .csv, .npy, .npz, .h5, PHYLIP or .qza")
      ->required();
  app.add_option("--metadata", command->metadata, "Sample metadata (TSV)")->required();
  app.add_option("--missing-values", command->missing_values,
                 "Words that are missing values beside the empty cell, such as NA; INSDC stands for its words");
  app.add_option("--permutations", command->permutations, "Orders of the samples that are tried")
      ->check(above_zero())
      ->capture_default_str();
  app.add_option("--strata", command->columns.stratum,
                 "Column of strata (hosts, blocks): samples change places within theirs only");
  return command;
}

std::shared_ptr<TestCommand> add_group_options(CLI::App& app) {
  auto command = add_shared_options(app);
  app.add_option("--metadata-column", command->columns.group, "Column of the groups")->required();
  app.add_option("--missing-groups", command->missing, "Samples without a group: error, or drop them")
      ->check(CLI::IsMember({"error", "drop"}))
      ->capture_default_str();
  return command;
}

}  // namespace

std::function<int()> setup_permanova(CLI::App& app, Shared& shared) {
  return [command = add_group_options(app), &shared] { return run_permanova(*command, shared); };
}

std::function<int()> setup_anosim(CLI::App& app, Shared& shared) {
  return [command = add_group_options(app), &shared] { return run_anosim(*command, shared); };
}

std::function<int()> setup_permdisp(CLI::App& app, Shared& shared) {
  auto command = add_group_options(app);
  app.add_option("--centre", command->centre, "Of a group: the spatial median, or the centroid")
      ->check(CLI::IsMember({"median", "centroid"}))
      ->capture_default_str();
  app.add_option("--imaginary", command->imaginary,
                 "Axes of negative eigenvalue: subtract them as vegan does, or drop them as scikit-bio does")
      ->check(CLI::IsMember({"subtract", "drop"}))
      ->capture_default_str();
  return [command, &shared] { return run_permdisp(*command, shared); };
}

std::function<int()> setup_adonis(CLI::App& app, Shared& shared) {
  auto command = add_shared_options(app);
  app.add_option("--formula", command->formula, "Columns: \"site + age\", \"site + age + site:age\" or \"site * age\"")
      ->required();
  app.add_option("--by", command->by, "What a term adds: to the terms before it, or to all others (margin)")
      ->check(CLI::IsMember({"terms", "margin"}))
      ->capture_default_str();
  return [command, &shared] { return run_adonis(*command, shared); };
}

}  // namespace deepbio::tools
