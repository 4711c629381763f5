#include "tools/option_flags.h"

#include <algorithm>
#include <iostream>

#include "deepbio/base/error.h"
#include "deepbio/base/spelling.h"

namespace deepbio::tools {
namespace {

std::string flag_name(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return "--" + name;
}

std::string help_text(const OptionRow& row, const OptionRow* compared) {
  if (row.value_name().empty() && compared == nullptr) return row.help;  // a switch that is off
  const std::string value = value_text(row.get());
  const std::string other = compared == nullptr ? value : value_text(compared->get());
  if (value.empty()) return row.help;
  return row.help + " (default " + value + (value == other ? ")" : "; aam " + other + ")");
}

// CLI11 puts the name in front of a problem, but not one that the help does not show.
CLI::Validator check_of(const OptionRow& row, const std::string& used_name) {
  return {[row, used_name](std::string& text) {
            const std::string problem = row.problem(row.parse(text));
            if (problem.empty() || used_name == row.name) return spelled_for_shell(problem);
            return spelled_for_shell("`" + row.name + "`: " + problem);
          },
          row.value_name()};
}

void note_old_name(const OptionRow& row, const std::string& name) {
  if (std::find(row.old_names.begin(), row.old_names.end(), name) == row.old_names.end()) return;
  std::cerr << "deepbio: note: " << flag_name(name) << " is now " << flag_name(row.name)
            << "; the old name goes with the next version\n";
}

CLI::Option* add_flag(CLI::App& app, const OptionRow& row, const std::string& name,
                      const std::string& help, const TakeOption& take) {
  const std::string flag = flag_name(name);
  const auto given = [row, name, take](const Json& value) {
    note_old_name(row, name);
    take(row, value);
  };
  if (row.value_name().empty()) {
    return app.add_flag_function(
        flag + ",!--no-" + flag.substr(2), [given](int64_t count) { given(Json(count > 0)); },
        help);
  }
  return app
      .add_option_function<std::string>(
          flag, [row, given](const std::string& text) { given(row.parse(text)); }, help)
      ->option_text(row.value_name());
}

CLI::Validator number_check(bool (*is_right)(double), const char* expected, const char* shown) {
  return {[is_right, expected](std::string& text) -> std::string {
            double value = 0;
            if (CLI::detail::lexical_cast(text, value) && is_right(value)) return "";
            return std::string("expected ") + expected + ", got " + text;
          },
          shown};
}

}  // namespace

void add_options(CLI::App& app, const OptionRows& rows) {
  add_options(app, {"Options", rows, {}},
              [](const OptionRow& row, const Json& value) { row.set(value); });
}

OptionRows only(const OptionRows& rows, const std::vector<std::string_view>& names) {
  OptionRows out;
  for (const std::string_view name : names) {
    const OptionRow* row = find_option(rows, name);
    if (row == nullptr) throw Error("no option is called " + std::string(name));
    out.push_back(*row);
  }
  return out;
}

void add_options(CLI::App& app, const OptionGroupFlags& group, const TakeOption& take) {
  for (size_t i = 0; i < group.rows.size(); ++i) {
    const OptionRow& row = group.rows[i];
    if (!row.on_command || (row.of_predictor && !group.is_predictor)) continue;
    std::vector<std::string> names{row.name};
    names.insert(names.end(), row.other_names.begin(), row.other_names.end());
    names.insert(names.end(), row.old_names.begin(), row.old_names.end());
    const std::string help =
        spelled_for_shell(help_text(row, group.compared.empty() ? nullptr : &group.compared[i]));
    for (const std::string& name : names) {
      add_flag(app, row, name, help, take)
          ->check(check_of(row, name))
          ->group(name == row.name ? group.title : "")
          ->take_last();
    }
  }
}

CLI::Validator check_by(std::function<void(const std::string& value)> check,
                        const std::string& shown) {
  return {[check = std::move(check)](std::string& text) -> std::string {
            try {
              check(text);
              return "";
            } catch (const ArgumentError& error) {
              return spelled_for_shell(error.what());
            }
          },
          shown};
}

CLI::Option* add_choice(CLI::App& app, const std::string& flag, std::string& value,
                        const std::string& help, std::vector<std::string> choices) {
  return app.add_option(flag, value, help)
      ->check(CLI::IsMember(std::move(choices)))
      ->capture_default_str();
}

CLI::Option* add_maybe_path(CLI::App& app, const std::string& flag, std::string& path,
                            const std::string& help, const char* shown) {
  return app.add_option(flag, path, help)->option_text(shown);
}

CLI::Option* add_path(CLI::App& app, const std::string& flag, std::string& path,
                      const std::string& help, const char* shown) {
  return add_maybe_path(app, flag, path, help, shown)->required();
}

std::vector<std::string> option_names(const CLI::App& app, const std::string& prefix) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // an old name
    for (const std::string& name : option->get_lnames()) names.push_back(prefix + name);
  }
  return names;
}

CLI::Validator above_zero() {
  return number_check([](double value) { return value > 0; }, "a number above 0", "POSITIVE");
}

CLI::Validator zero_or_more() {
  return number_check([](double value) { return value >= 0; }, "0 or more", "NONNEGATIVE");
}

}  // namespace deepbio::tools
