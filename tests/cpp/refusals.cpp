// What a C++ user is told of requests that cannot be right: a request in JSON a line on standard
// input, each made in its `folder`, and the message of each on standard output ("" when nothing is
// wrong). tests/python/test_doors.py compares them with those of the command and of Python.
#include <filesystem>
#include <iostream>

#include "deepbio/base/error.h"
#include "deepbio/community/distance_parts.h"
#include "deepbio/io/reads/fastx.h"
#include "deepbio/io/tables/metadata.h"
#include "deepbio/train/training_run.h"

using namespace deepbio;

namespace {

void read_reads(const std::string& path) {
  io::FastxReader reader(path);
  for (io::RecordView record; reader.next(record);) continue;
}

void read(const std::string& kind, const std::string& path) {
  if (kind == "reads") read_reads(path);
  if (kind == "table") io::read_table(path);
  if (kind == "tree") io::read_newick(path);
  if (kind == "distances") io::read_distances(path);
  if (kind == "metadata") io::read_metadata(path);
}

std::string text_of(const Json& files, const char* name) {
  const Json* const found = files.find(name);
  return found == nullptr ? "" : found->as_string();
}

// All that a run checks before it writes anything.
void begin_training(const Json& files, const Json& options) {
  train::TrainingRequest request;
  request.files = {.table = text_of(files, "table"),
                   .sequences = text_of(files, "sequences"),
                   .tree = text_of(files, "tree"),
                   .distances = text_of(files, "distances"),
                   .metadata = text_of(files, "metadata"),
                   .target = text_of(files, "target")};
  request.output_dir = text_of(files, "output_dir");
  request.setup.is_predictor = !request.files.target.empty();
  request.setup.given = options;
  train::TrainingRun run(std::move(request));
}

void ask(const Json& request) {
  std::filesystem::current_path(request.at("folder").as_string());
  if (const Json* const kind = request.find("read"))
    return read(kind->as_string(), request.at("path").as_string());
  if (const Json* const part = request.find("part"))
    return (void)community::parse_part(part->as_string());
  begin_training(request.at("files"), request.at("options"));
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    try {
      ask(Json::parse(line));
      std::cout << "\n";
    } catch (const Error& error) {
      std::cout << error.what() << "\n";
    }
  }
}
