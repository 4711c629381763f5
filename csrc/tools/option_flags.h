// Rows of options (deepbio/base/options.h) as flags of a command: their names, help, checks and
// messages.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "deepbio/base/options.h"

namespace deepbio::tools {

// What a function of the library refuses with ArgumentError is bad usage of an option.
CLI::Validator check_by(std::function<void(const std::string& value)> check,
                        const std::string& shown);
// Declares an option that is one of some words.
CLI::Option* add_choice(CLI::App& app, const std::string& flag, std::string& value,
                        const std::string& help, std::vector<std::string> choices);

// A flag for each row, other and old names included, which the help does not show. What is typed
// sets the row's field; the rows' struct must live as long as `app`.
void add_options(CLI::App& app, const OptionRows& rows);

// The rows of these names, for a command that takes some. throws Error for a name of no row.
OptionRows only(const OptionRows& rows, const std::vector<std::string_view>& names);

// The same for the rows of one group, where another function takes what is typed.
struct OptionGroupFlags {
  std::string title;
  OptionRows rows;
  OptionRows compared;  // of the other preset, whose defaults the help shows as well; or empty
  bool is_predictor = true;
};
using TakeOption = std::function<void(const OptionRow& row, const Json& value)>;
void add_options(CLI::App& app, const OptionGroupFlags& group, const TakeOption& take);

// A text that is required, or may be left out; the help shows it as FILE or what it is.
CLI::Option* add_path(CLI::App& app, const std::string& flag, std::string& path,
                      const std::string& help, const char* shown = "FILE");
CLI::Option* add_maybe_path(CLI::App& app, const std::string& flag, std::string& path,
                            const std::string& help, const char* shown = "FILE");

// Names of options that the help shows, each after `prefix`.
std::vector<std::string> option_names(const CLI::App& app, const std::string& prefix);

// Checks of a number that no option row declares, in the words of those that one does.
CLI::Validator above_zero();
CLI::Validator zero_or_more();

}  // namespace deepbio::tools
