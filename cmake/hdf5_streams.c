/* Debian's static HDF5 reads `stderr` and `stdout` in a way that no shared library may. cmake/bundle.cmake renames the
 * two in a copy of it; they are set here when the library is loaded. */
#include <stdio.h>

#define HIDDEN __attribute__((visibility("hidden")))
HIDDEN FILE *deepbio_stderr, *deepbio_stdout;

__attribute__((constructor)) static void set_streams(void) {
  deepbio_stderr = stderr;
  deepbio_stdout = stdout;
}
