// What commands print: one document of --json, facts by name, a row for each sample.
#pragma once

#include <string>
#include <vector>

#include "tools/command.h"

#include "deepbio/base/json.h"

namespace deepbio::tools {

// A line on stderr, unless --quiet.
void say(const Shared& shared, const std::string& line);

// With --json, the document on stdout; without, nothing.
void print_json(const Json& document, const Shared& shared, int indent = -1);

// Facts by name: one object with --json, else a line each, name and value; of an object within
// them NAME.INNER.
void print_facts(const Json& facts, const Shared& shared);

// Rows with the same names each. TSV goes to `output` ("-": stdout), with an empty cell for null
// and NaN; --json puts an array on stdout, in place of the TSV where that would go there too.
void print_rows(const std::string& output, const std::vector<std::string>& columns,
                const Json& rows, const Shared& shared);

}  // namespace deepbio::tools
