// Tests by permutation on a distance matrix: permanova, anosim, permdisp, adonis, mantel.
#include <memory>

#include "tools/command.h"
#include "tools/community_input.h"
#include "tools/option_flags.h"
#include "tools/printing.h"

#include "deepbio/community/grouped_samples.h"
#include "deepbio/community/test_results.h"

namespace deepbio::tools {
namespace {

struct TestCommand {
  std::string distances, metadata, missing = "error", centre = "median", imaginary = "subtract",
                                   formula, by = "terms";
  std::string other, method = "pearson", alternative = "two-sided";
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
  const community::NamedDistances matrix = community::read_named_distances(command.distances);
  community::GroupColumns columns = command.columns;
  columns.drops_missing = command.missing == "drop";
  Grouped out;
  out.samples = community::grouped_samples(
      io::read_metadata(command.metadata, {command.missing_values}), matrix.ids, columns);
  if (!out.samples.left_out.empty()) say(shared, out.samples.left_out + ", they are left out");
  out.distances = out.samples.of(matrix.values);
  out.options = {command.permutations, shared.seed, out.samples.strata};
  return out;
}

// A test of groups, with the options of permutations as they are.
template <class Test>
int run_on_groups(Test test, const TestCommand& command, const Shared& shared) {
  const Grouped given = grouped(command, shared);
  const auto found = test(given.distances, given.samples.groups, given.options, given.samples.ids);
  print_facts(community::to_json(found), shared);
  return 0;
}

int run_permdisp(const TestCommand& command, const Shared& shared) {
  const Grouped given = grouped(command, shared);
  const community::PermdispOptions options{community::parse_centre(command.centre),
                                           community::parse_imaginary_axes(command.imaginary),
                                           given.options};
  const auto found =
      community::permdisp(given.distances, given.samples.groups, options, given.samples.ids);
  print_facts(community::to_json(found), shared);
  return 0;
}

int run_adonis(const TestCommand& command, const Shared& shared) {
  const community::NamedDistances matrix = community::read_named_distances(command.distances);
  const io::Metadata metadata = io::read_metadata(command.metadata, {command.missing_values});
  const auto terms = community::parse_terms(command.formula);
  const auto factors = community::factors_of(metadata, matrix.ids, terms);
  community::PermutationOptions options{command.permutations, shared.seed};
  if (!command.columns.stratum.empty()) {
    options.strata = community::labels_of(metadata, matrix.ids, command.columns.stratum);
  }
  const auto order = community::parse_term_order(command.by);
  Json rows = Json::array();
  for (const auto& row :
       community::adonis(matrix.values, factors, terms, order, options, matrix.ids)) {
    rows.push_back(community::to_json(row));
  }
  print_rows("-", {"term", "degrees", "sum_of_squares", "r2", "pseudo_f", "p_value"}, rows, shared);
  return 0;
}

int run_mantel(const TestCommand& command, const Shared& shared) {
  const auto first = community::read_named_distances(command.distances);
  const auto second = community::read_named_distances(command.other);
  const community::MantelOptions options{community::parse_correlation(command.method),
                                         community::parse_alternative(command.alternative),
                                         {command.permutations, shared.seed}};
  const auto found = community::mantel(first.values, community::in_order_of(first.ids, second),
                                       options, first.ids);
  const Json shown(Json::Object{{"r", found.r}, {"p_value", found.p_value}});
  print_facts(shared.json ? community::to_json(found) : shown, shared);
  return 0;
}

std::shared_ptr<TestCommand> add_matrix_options(CLI::App& app) {
  auto command = std::make_shared<TestCommand>();
  add_distances_option(app, command->distances);
  app.add_option("--permutations", command->permutations, "Orders of the samples that are tried")
      ->check(above_zero())
      ->capture_default_str();
  return command;
}

std::shared_ptr<TestCommand> add_metadata_options(CLI::App& app) {
  auto command = add_matrix_options(app);
  add_path(app, "--metadata", command->metadata, "Sample metadata (TSV)");
  app.add_option("--missing-values", command->missing_values,
                 "Words that are missing values beside the empty cell, such as NA; INSDC stands "
                 "for its words");
  app.add_option("--strata", command->columns.stratum,
                 "Column of strata (hosts, blocks): samples change places within theirs only");
  return command;
}

std::shared_ptr<TestCommand> add_group_options(CLI::App& app) {
  auto command = add_metadata_options(app);
  add_path(app, "--metadata-column", command->columns.group, "Column of the groups", "NAME");
  add_choice(app, "--missing-groups", command->missing,
             "Samples without a group: error, or drop them", {"error", "drop"});
  return command;
}

}  // namespace

std::function<int()> setup_permanova(CLI::App& app, Shared& shared) {
  return [command = add_group_options(app), &shared] {
    return run_on_groups(community::permanova, *command, shared);
  };
}

std::function<int()> setup_anosim(CLI::App& app, Shared& shared) {
  return [command = add_group_options(app), &shared] {
    return run_on_groups(community::anosim, *command, shared);
  };
}

std::function<int()> setup_permdisp(CLI::App& app, Shared& shared) {
  auto command = add_group_options(app);
  add_choice(app, "--centre", command->centre, "Of a group: the spatial median, or the centroid",
             {"median", "centroid"});
  add_choice(
      app, "--imaginary", command->imaginary,
      "Axes of negative eigenvalue: subtract them as vegan does, or drop them as scikit-bio does",
      {"subtract", "drop"});
  return [command, &shared] { return run_permdisp(*command, shared); };
}

std::function<int()> setup_adonis(CLI::App& app, Shared& shared) {
  auto command = add_metadata_options(app);
  app.add_option("--formula", command->formula,
                 "Columns: \"site + age\", \"site + age + site:age\" or \"site * age\"")
      ->required();
  add_choice(app, "--by", command->by,
             "What a term adds: to the terms before it, or to all others (margin)",
             {"terms", "margin"});
  return [command, &shared] { return run_adonis(*command, shared); };
}

std::function<int()> setup_mantel(CLI::App& app, Shared& shared) {
  auto command = add_matrix_options(app);
  add_path(app, "--other", command->other, "Distance matrix of the same samples");
  add_choice(app, "--method", command->method, "pearson, or spearman of ranks",
             {"pearson", "spearman"});
  add_choice(app, "--alternative", command->alternative,
             "two-sided (as scikit-bio), greater (as vegan) or less",
             {"two-sided", "greater", "less"});
  return [command, &shared] { return run_mantel(*command, shared); };
}

}  // namespace deepbio::tools
