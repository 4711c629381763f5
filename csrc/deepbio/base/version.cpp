#include "deepbio/base/version.h"

namespace deepbio {

std::string_view version() { return DEEPBIO_VERSION; }

}  // namespace deepbio
