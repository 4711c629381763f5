// How an option is spelled where it is read.
//
// Messages of the library name an option as `rarefy_depth`, or with a value as
// `missing_samples=drop`: in back quotes, with underscores. Each door spells that its own way, so
// that nobody is told a word of another door. Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace deepbio {

// `rarefy_depth` -> --rarefy-depth, `missing_samples=drop` -> --missing-samples drop,
// `classifier=true` -> --classifier
std::string spelled_for_shell(std::string_view message);
// `rarefy_depth` -> rarefy_depth= (in front of a colon without the sign), `missing_samples=drop` ->
// missing_samples="drop", `classifier=true` -> classifier=True; what is a method there is called by
// its name: `root=midpoint` -> Tree.root_at_midpoint()
std::string spelled_for_python(std::string_view message);

}  // namespace deepbio
