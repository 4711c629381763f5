#include <iostream>
#include <memory>
#include <vector>

#include "tools/command.h"
#include "tools/option_flags.h"
#include "tools/printing.h"
#include "tools/reading_progress.h"

#include "deepbio/io/validate.h"

namespace deepbio::tools {
namespace {

struct ValidateCommand {
  std::vector<std::string> paths;
  std::string alphabet = "any";
};

Json row_of(const std::string& path, const std::string& alphabet, bool quiet) {
  ReadingProgress progress(path, quiet);
  const io::ValidateOptions options{reading_options(), io::parse_letters(alphabet),
                                    [&](const io::FastxReader& reader) { progress.step(reader); }};
  Json row = io::validation_row(path, options);
  print_warnings(row);
  return row;
}

void print_row(const Json& row) {
  std::cout << row.at("path").as_string();
  if (row.at("ok").as_bool()) {
    std::cout << "\tok\t" << row.at("format").as_string() << "\t" << row.at("container").as_string()
              << "\t" << row.at("records").as_int() << "\n";
  } else {
    std::cout << "\tbad\t" << row.at("error").at("message").as_string() << "\n";
  }
}

int run_validate(const ValidateCommand& command, const Shared& shared) {
  Json rows = Json::array();
  bool all_ok = true;
  for (const std::string& path : command.paths) {
    Json row = row_of(path, command.alphabet, shared.quiet);
    all_ok = all_ok && row.at("ok").as_bool();
    if (!shared.json) print_row(row);
    rows.push_back(std::move(row));
  }
  print_json(Json(Json::Object{{"files", std::move(rows)}}), shared, 2);
  return all_ok ? 0 : 1;
}

}  // namespace

std::function<int()> setup_validate(CLI::App& app, Shared& shared) {
  auto command = std::make_shared<ValidateCommand>();
  app.add_option(
         "files", command->paths,
         "FASTA, FASTQ, BAM, BIOM, Newick, metadata TSV, distance matrix or safetensors files")
      ->required();
  add_choice(app, "--alphabet", command->alphabet,
             "Letters that reads may hold: any, dna, rna, iupac, protein",
             {"any", "dna", "rna", "iupac", "protein"});
  return [command, &shared] { return run_validate(*command, shared); };
}

}  // namespace deepbio::tools
