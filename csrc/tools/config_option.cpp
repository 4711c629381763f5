#include "tools/config_option.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tools/option_flags.h"

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/bytes.h"
#include "deepbio/train/training_run.h"

namespace deepbio::tools {
namespace {

constexpr const char* kHowToRun[] = {"help",      "quiet",  "json",   "threads",
                                     "overwrite", "resume", "config", "dry-run"};

bool says_how_to_run(const std::string& name) {
  return std::find(std::begin(kHowToRun), std::end(kHowToRun), name) != std::end(kHowToRun);
}

std::string as_typed(const Json& value) {
  return value.is_string() ? value.as_string() : value.dump();
}

// As if the entries had been typed, for options that were not.
void fill(CLI::App& app, const Json& entries, const std::string& path) {
  for (const auto& [key, value] : entries.as_object()) {
    if (key == "loss" && value.is_object()) {  // as Python's Trainer.config groups them
      fill(app, value, path);
      continue;
    }
    if (value.is_null() || (value.is_array() && value.as_array().empty())) continue;  // the default
    std::string name = key;
    std::replace(name.begin(), name.end(), '_', '-');
    CLI::Option* option = says_how_to_run(name) ? nullptr : app.get_option_no_throw("--" + name);
    if (option == nullptr) {
      std::string near = nearest_name(name, option_names(app, ""));
      std::replace(near.begin(), near.end(), '-', '_');
      throw CLI::ValidationError(path, "unknown option " + quoted(key) +
                                           (near.empty() ? "" : "; did you mean " + near + "?"));
    }
    if (option->count() > 0) continue;
    if (value.is_array()) {
      std::string joined;
      for (const Json& item : value.as_array())
        joined += (joined.empty() ? "" : ",") + as_typed(item);
      option->add_result(joined);
    } else {
      option->add_result(as_typed(value));
    }
  }
}

}  // namespace

void add_config_option(CLI::App& app) {
  app.add_option_function<std::string>(
         "--config",
         [&app](const std::string& path) {
           const Json entries = Json::parse(io::read_all(path), path);
           if (!entries.is_object())
             throw CLI::ValidationError(path, "expected a JSON object of options");
           fill(app, entries, path);
         },
         "Options from a JSON object in FILE; what is typed wins")
      ->option_text("FILE");
}

void add_resume_option(CLI::App& app, bool& resume) {
  app.add_flag_callback(
      "--resume",
      [&app, &resume] {
        resume = true;
        const CLI::Option* output = app.get_option("--output-dir");
        if (output->count() == 0) throw CLI::RequiredError("--output-dir (the run to resume)");
        const std::string path = output->results().front() + "/config.json";
        fill(app, train::typed_options_of(path), path);
      },
      "Go on where the run in --output-dir stopped, with the options it was started with");
}

Json given_options(const CLI::App& app) {
  Json given = Json::object();
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() == 0 || option->get_lnames().empty()) continue;
    const std::string& name = option->get_lnames().front();
    if (says_how_to_run(name)) continue;
    // What was typed twice counts as it was typed last; lists are one text with commas.
    const bool last_counts = option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeLast;
    const std::vector<std::string> results = option->results();
    std::string joined;
    for (const std::string& result : last_counts ? std::vector{results.back()} : results)
      joined += (joined.empty() ? "" : ",") + result;
    given.set(name, joined);
  }
  return given;
}

}  // namespace deepbio::tools
